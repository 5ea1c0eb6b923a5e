"""The fonts that contracts are set in, each from the package that carries it: these and no others, everywhere."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

_GOOGLE = "fonts/ofl"
FILES = (
    ("justmytype_western_core", f"{_GOOGLE}/notoserif/NotoSerif[wdth,wght].ttf"),
    ("justmytype_western_core", f"{_GOOGLE}/notoserif/NotoSerif-Italic[wdth,wght].ttf"),
    ("justmytype_western_core", f"{_GOOGLE}/notosans/NotoSans[wdth,wght].ttf"),
    ("justmytype_western_core", f"{_GOOGLE}/notosansmono/NotoSansMono[wdth,wght].ttf"),
    ("justmytype_western_core", f"{_GOOGLE}/notosanssymbols2/NotoSansSymbols2-Regular.ttf"),
    ("justmytype_western_core", f"{_GOOGLE}/stixtwomath/STIXTwoMath-Regular.ttf"),
    ("justmytype_intl_rtl", f"{_GOOGLE}/notosansarabic/NotoSansArabic[wdth,wght].ttf"),
    ("justmytype_intl_rtl", f"{_GOOGLE}/notosanshebrew/NotoSansHebrew[wdth,wght].ttf"),
    ("justmytype_intl_south_asia", f"{_GOOGLE}/notosansdevanagari/NotoSansDevanagari[wdth,wght].ttf"),
    ("justmytype_intl_south_asia", f"{_GOOGLE}/notosansbengali/NotoSansBengali[wdth,wght].ttf"),
    ("justmytype_intl_south_asia", f"{_GOOGLE}/notosanstamil/NotoSansTamil[wdth,wght].ttf"),
    ("justmytype_intl_south_asia", f"{_GOOGLE}/notosanstelugu/NotoSansTelugu[wdth,wght].ttf"),
    ("justmytype_intl_sea", f"{_GOOGLE}/notosansthai/NotoSansThai[wdth,wght].ttf"),
    ("justmytype_intl_sea", f"{_GOOGLE}/notosanslao/NotoSansLao[wdth,wght].ttf"),
    ("justmytype_intl_sea", f"{_GOOGLE}/notosanskhmer/NotoSansKhmer[wdth,wght].ttf"),
    ("justmytype_intl_sea", f"{_GOOGLE}/notosansmyanmar/NotoSansMyanmar[wdth,wght].ttf"),
    ("noto_cjk_sans_jp_regular", "NotoSansCJKjp-Regular.otf"),
    ("noto_cjk_sans_jp_bold", "NotoSansCJKjp-Bold.otf"),
    ("deckr_fonts", "fonts/NotoEmoji[wght].ttf"),
)


def font_files() -> Iterator[Path]:
    """Where each of them is. Raises LookupError for one that is not installed."""
    for package, file in FILES:
        spec = find_spec(package)
        folders = (spec.submodule_search_locations if spec else None) or ()
        path = next((Path(folder) / file for folder in folders if (Path(folder) / file).is_file()), None)
        if path is None:
            raise LookupError(f"The font {file} of {package} is not installed.")
        yield path

"""`$formatNumber` for the pictures that are used: grouping in equal parts, mandatory and optional decimals, percent.

What the reference implementation supports besides (exponents, sub-pictures for negative numbers, uneven groups) is
refused, since jsonata-python formats it otherwise. Picture strings: https://www.w3.org/TR/xpath-functions-31/#formatting-numbers
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

_PICTURE = re.compile(
    r"(?P<prefix>[^#0-9.,;%‰e]*)(?P<whole>(?:#|,)*(?:0|,)*)(?:\.(?P<needed>0*)(?P<more>#*))?(?P<sign>[%‰]?)(?P<suffix>[^#0-9.,;%‰e]*)"
)
_LARGEST = 1e15  # beyond which a double has no decimals to speak of
_SYMBOLS = ("decimal-separator", "grouping-separator")


class UnfitPicture(ValueError):
    """A picture or a number that is not formatted here; the text says why."""


def formatted(number: float, picture: str, options: Mapping[str, Any]) -> str:
    """The number as its picture says, rounded half to even. Raises UnfitPicture."""
    point, comma = (str(options.get(name, default)) for name, default in zip(_SYMBOLS, ".,", strict=True))
    if options.keys() - set(_SYMBOLS) or not len(point) == len(comma) == 1 or point == comma:
        raise UnfitPicture("options other than decimal-separator and grouping-separator are not supported")
    plain = re.sub("[1-9]", "0", picture.translate({ord(point): ".", ord(comma): ","}))  # any digit is a mandatory one
    parts = _PICTURE.fullmatch(plain)
    if parts is None or "0" not in plain or abs(number) >= _LARGEST:
        raise UnfitPicture("this picture or number is not supported; use pictures as #,##0.00, #0.0# or 0%")
    group = _group_size(parts["whole"])
    needed, most = len(parts["needed"] or ""), len((parts["needed"] or "") + (parts["more"] or ""))
    if "." in plain and not most:
        raise UnfitPicture("a picture with a decimal separator needs a digit behind it")
    scale = {"%": 2, "‰": 3}.get(parts["sign"], 0)
    rounded = Decimal(repr(number)).scaleb(scale).quantize(Decimal(1).scaleb(-most), ROUND_HALF_EVEN)
    whole, _, decimals = f"{abs(rounded):f}".partition(".")
    whole = (whole if whole != "0" else "").zfill(parts["whole"].count("0"))
    decimals = decimals.rstrip("0").ljust(needed, "0")
    text = _grouped(whole, group, comma) + (point + decimals if decimals else "")
    minus = "-" if number < 0 else ""
    return f"{minus}{parts['prefix']}{text}{parts['sign']}{parts['suffix']}"


def _group_size(whole: str) -> int:
    """Digits between grouping separators, 0 for none."""
    first, *groups = whole.split(",")
    if not whole:
        raise UnfitPicture("a picture needs a # or a digit before its decimal separator")
    sizes = {len(group) for group in groups}
    if not groups:
        return 0
    size = sizes.pop()
    if sizes or not size or not 0 < len(first) <= size:
        raise UnfitPicture("groups of different sizes are not supported")
    return size


def _grouped(digits: str, size: int, separator: str) -> str:
    if not size:
        return digits
    head = len(digits) % size
    groups = [digits[:head]] * bool(head) + [digits[at : at + size] for at in range(head, len(digits), size)]
    return separator.join(groups)

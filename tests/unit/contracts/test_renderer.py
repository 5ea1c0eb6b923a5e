"""Contracts as PDF/A: the same bytes everywhere, values as text, and templates limited in time, memory and pages."""

import io
import json
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pikepdf
import pypdfium2
import pytest

from chancery.contracts.default_template import default_template
from chancery.contracts.renderer import MissingGlyph, Renderer, RenderError
from chancery.core.errors import Unavailable
from tests.contracts import ALL, contract, text_of
from tests.profiles import LONG

ENDLESS = "#let f(n) = { for a in range(9000) { for b in range(9000) { for c in range(9000) { n += 1 } } } }\n#f(0)"
PROCESSES = int(os.environ.get("CONTRACT_RENDERS", "24" if LONG else "3"))


@pytest.fixture(scope="module")
def renderer():
    # Time for a busy machine; little memory, which is soon used up.
    renderer = Renderer(seconds=120, memory_bytes=400_000_000)
    yield renderer
    renderer.stop()


def test_the_same_contract_is_the_same_bytes_in_every_process():
    given = contract(tenantName="株式会社さくら شركة भारत 😀")

    def digest(_: int) -> str:
        renderer = Renderer()
        try:
            return sha256(renderer.render(given).pdf).hexdigest()
        finally:
            renderer.stop()

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(digest, range(PROCESSES)))) == 1


@pytest.mark.parametrize(("form", "heading"), [("markdown", "# "), ("typst", "= ")])
def test_a_byte_order_mark_before_a_template_leaves_its_heading_a_heading(form, heading):
    source = f"{heading}Agreement\n\n{ALL}"

    plain, marked = contract(source, form), contract(f"\ufeff{source}", form)

    assert (marked.source, marked.data) == (plain.source, plain.data)
    assert form == "typst" or json.loads(marked.data)["markdown"][0]["is"] == "heading"


def test_the_published_default_template_never_changes():
    assert default_template()["sha256"] == "df9af9a012a106b73864cf966d98b0e016c4834cd4eddb2f9420d31614e9751f"


@pytest.mark.parametrize(
    "name",
    [
        '#import "x"',
        "*bold* _italic_ `raw`",
        "{{plan}} {{nobody}}",
        "$x$ #sys.inputs #panic()",
        "<b>bold</b> <label> @ref",
        "\\ \\u{41} \\n C:\\temp",
        "= Heading",
        "// comment /* more */",
        "[link](https://example.org) ![x](y)",
        '"quoted" it\'s -- ---',
        "株式会社日本橋さくら商事",
        "北京上海有限公司",
        "서울 주식회사",
        "हिन्दी प्रकाशन",
        "Ελληνική Εταιρεία",
        "Компания Свет",
        "Công ty Đông Á",
        "Łódź Ærø ẞ",
        "→ ∑ ≤ ⚖ ☎ € ₹",
    ],
)
@pytest.mark.parametrize("form", ["typst", "markdown"])
def test_a_value_is_text_and_never_markup(renderer, name, form):
    text = text_of(renderer.render(contract(f"A {ALL} Z", form, tenantName=name)).pdf)

    assert f"A {name} northwind" in text


@pytest.mark.parametrize(
    "name",
    [
        "বাংলা প্রকাশনী",
        "شركة النور للتجارة",
        "חברת אור בע״מ",
        "தமிழ் நிறுவனம்",
        "తెలుగు సంస్థ",
        "บริษัท ไทย",
        "ລາວ",
        "ភាសាខ្មែរ",
        "မြန်မာ",
    ],
)
def test_scripts_that_are_shaped_are_covered(renderer, name):
    assert renderer.render(contract(tenantName=name)).pages == 5


@pytest.mark.parametrize("name", ["😀", "👩‍👩‍👧", "🇩🇪", "👍🏽", "⚖️", "1️⃣"])
def test_emoji_are_covered(renderer, name):
    assert renderer.render(contract(tenantName=f"Acme {name}")).pages == 5


@pytest.mark.parametrize("name", ["line\nbreak", "line\r\nbreak", "tab\tbreak", "para\u2029break"])
def test_a_value_stays_on_its_line(renderer, name):
    text = text_of(renderer.render(contract(f"A {ALL} Z", tenantName=name)).pdf)

    assert re.search("A (line|tab|para) break northwind", text)


def test_a_value_does_not_turn_the_line_around(renderer):
    text = text_of(renderer.render(contract(f"A {ALL} Z", tenantName="abc\u202edef\u2066ghi")).pdf)

    assert "A abcdefghi northwind" in text


@pytest.mark.parametrize("char", ["W", "漢", "\u0645", "ह", "😀", "ก"])
def test_a_name_of_300_characters_stays_on_the_page(renderer, char):
    pdf = renderer.render(contract(tenantName=char * 300)).pdf

    if char in "W漢":
        assert char * 300 in text_of(pdf).replace(" ", "")
    for page in pypdfium2.PdfDocument(pdf):
        left, _, right, _ = page.get_bbox()
        for found in page.get_objects():
            box = found.get_bounds()
            assert left <= box[0] and box[2] <= right


def test_the_pdf_is_archivable(renderer):
    printed = renderer.render(contract(tenantName="株式会社 شركة हिन्दी 😀"))

    with pikepdf.open(io.BytesIO(printed.pdf)) as pdf:
        with pdf.open_metadata() as about:
            assert (about["pdfaid:part"], about["pdfaid:conformance"]) == ("2", "B")
            assert about["dc:title"] == "Service Agreement"
            assert about["xmp:CreateDate"].startswith("2026-03-01T00:00:00")
        (intent,) = pdf.Root.OutputIntents
        assert intent.S == "/GTS_PDFA1" and intent.DestOutputProfile.read_bytes()
        assert "/Encrypt" not in pdf.trailer
        assert len(pdf.pages) == printed.pages
        fonts = [item for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/FontName" in item]
        assert len(fonts) >= 5
        assert all("/FontFile2" in font or "/FontFile3" in font for font in fonts)
        assert not any(isinstance(item, pikepdf.Dictionary) and item.get("/S") == "/JavaScript" for item in pdf.objects)


def test_each_page_of_the_default_agreement_names_document_and_template(renderer):
    given = contract()
    pdf = renderer.render(given).pdf

    document = pypdfium2.PdfDocument(pdf)
    for number, page in enumerate(document, 1):
        text = page.get_textpage().get_text_bounded()
        assert f"{number} / {len(document)}" in text
        assert "Document 01JD7Y0000000000000000000A" in text
        assert default_template()["sha256"] in text
    assert "Signature" in text
    assert "Northwind Traders Ltd." in text


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ('#read("/etc/passwd")', "reads a file"),
        ('#read("../../../etc/passwd")', "reads a file"),
        ('#include "other.typ"', "reads a file"),
        ('#image("logo.png")', "reads a file"),
        ('#import "@preview/cmarker:0.1.0": *', "imports a package"),
        ('#import "@pre" + "view/cmarker:0.1.0"', "imports a package"),
        ("#panic()", "panicked"),
        ("#nobody", "unknown variable"),
        ("#let f(x) = f(x)\n#f(1)", "maximum function call depth exceeded"),
        ('#let x = "a"\n#for _ in range(40) { x = x + x }\n#x.len()', "more than 400 MB of memory"),
        ("#for _ in range(250) { pagebreak() }", "makes 251 pages"),
        ("#for _ in range(10000) { pagebreak() }", "pages"),
    ],
)
def test_a_template_stays_within_its_bounds(renderer, source, detail):
    with pytest.raises(RenderError) as refused:
        renderer.render(contract(source))

    assert detail in refused.value.detail
    assert "/tmp" not in refused.value.detail
    assert renderer.render(contract("Still there.")).pages == 1


def test_a_template_that_never_ends_is_ended():
    renderer = Renderer(seconds=1)

    with pytest.raises(RenderError, match="not done after 1 seconds"):
        renderer.render(contract(ENDLESS))

    assert renderer.render(contract("Still there.")).pages == 1
    renderer.stop()


def test_a_killed_process_is_unavailable_and_no_error_of_the_template():
    renderer = Renderer()
    renderer.render(contract("x"))
    threading.Timer(0.2, os.kill, (renderer.pid, signal.SIGKILL)).start()

    with pytest.raises(Unavailable):
        renderer.render(contract(ENDLESS))

    renderer.stop()


def test_a_mistake_is_found_in_the_template_s_own_lines(renderer):
    with pytest.raises(RenderError) as refused:
        renderer.render(contract("fine\n\n#nobody"))

    assert refused.value.line == 3


@pytest.mark.parametrize(("char", "named"), [("𐎀", "U+10380"), ("\u0378", "U+0378")])
def test_a_character_without_a_glyph_is_refused_by_its_code_point(renderer, char, named):
    with pytest.raises(MissingGlyph, match=re.escape(named)):
        renderer.render(contract(tenantName=f"Acme {char}"))


def test_a_process_that_dies_is_replaced(renderer):
    renderer.render(contract("x"))
    os.kill(renderer.pid, signal.SIGKILL)
    os.waitid(os.P_PID, renderer.pid, os.WEXITED | os.WNOWAIT)

    assert renderer.render(contract("x")).pages == 1


def test_without_a_process_nothing_is_printed(monkeypatch):
    renderer = Renderer()
    monkeypatch.setattr("chancery.core.child_process.sys.executable", "/bin/false")

    with pytest.raises(Unavailable):
        renderer.render(contract("x"))


def test_the_process_has_none_of_our_credentials(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    renderer = Renderer()
    renderer.start()

    with open(f"/proc/{renderer.pid}/environ") as environment:
        assert "secret" not in environment.read()
    renderer.stop()


_REBINDINGS = (
    "#let plan = [Free]\n",
    '#let (plan, b) = ("Free", 1)\n',
    "#let _value = x => [Free]; #let _given = (values: (plan: (text: [Free])))\n",
    "#{ plan = [Free] }\n",
    "#let plan_0 = [Free]; #let plan_1 = [Free]\n",
    "#import calc: pow as plan\n",
    "#for plan in ([Free],) [{{plan}} {{plan}} FREE]\n",
    "#let f(plan) = [{{plan}}]; #f([Free])\n",
    "#let f = plan => { {{plan}} }; #f([Free])\n",
)


@pytest.mark.parametrize("rebinding", _REBINDINGS)
def test_a_template_cannot_give_a_placeholder_another_value(renderer, rebinding):
    text = text_of(renderer.render(contract(f"{rebinding}\n{ALL}\n\n#upper({{{{plan}}}})")).pdf)

    assert "Free" not in text
    assert "Growth 2026-03-01" in text and "GROWTH" in text


def links_of(pdf):
    with pikepdf.open(io.BytesIO(pdf)) as document:
        annotations = [item for page in document.pages for item in page.get("/Annots", ())]
        return [str(item.A.URI) for item in annotations if "/A" in item and "/URI" in item.A]


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "JavaScript:x",
        " javascript:x",
        "file:///etc/passwd",
        "data:text/html,x",
        "x.pdf",
        "//x.example",
    ],
)
@pytest.mark.parametrize(
    "code",
    [
        '#link("{}")[x]',
        '#link("{}".rev().rev())[x]',
        '#show "page": link("{}")[x]\npage',
        '#show link: it => if it.dest == "{0}" {{ it }} else {{ link("{0}", it.body) }}\n#link("https://x.example")[x]',
        '#set page(header: link("{}")[x])\n#show link: set text(red)',
        '#footnote[#context link("{}")[x]]',
    ],
)
def test_a_link_runs_nothing_and_opens_no_file(renderer, code, target):
    with pytest.raises(RenderError, match="http, https, mailto or tel"):
        renderer.render(contract(f"{code.format(target)}\n{ALL}"))


def test_a_value_in_a_link_target_is_checked_too(renderer):
    code = f"#link(_given.values.tenantName.text)[x]\n{ALL}"

    assert (
        links_of(renderer.render(contract(code, tenantName="https://northwind.example")).pdf)[0]
        == "https://northwind.example"
    )
    with pytest.raises(RenderError, match="http, https, mailto or tel"):
        renderer.render(contract(code, tenantName="javascript:alert(1)"))


def test_links_to_pages_addresses_and_places_stay(renderer):
    code = (
        f'#link("mailto:a@b.example")[a] #link("tel:+411")[t] https://x.example #link(<end>)[end]\n{ALL}\n= End <end>'
    )

    assert links_of(renderer.render(contract(code)).pdf) == ["mailto:a@b.example", "tel:+411", "https://x.example"]

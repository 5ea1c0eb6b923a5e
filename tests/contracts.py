"""Builders of contracts, and the text of their PDFs."""

import re
from typing import Any

import pypdfium2

from chancery.contracts.default_template import default_template
from chancery.contracts.document import RenderInput, render_input

ALL = "{{tenantName}} {{tenantSlug}} {{tenantWebsite}} {{plan}} {{generatedDate}} {{platformName}}"
# Unseen: isolates, joiners, break opportunities; hyphens that end a line are U+0002 in PDFium's text.
_UNSEEN = re.compile("[\u2066-\u2069\u200b-\u200f\ufe0f\ufffe\x02]")


def values(**changes: str) -> dict[str, str]:
    """The values of the placeholders."""
    return {
        "tenantName": "Northwind Traders Ltd.",
        "tenantSlug": "northwind",
        "tenantWebsite": "https://northwind.example",
        "plan": "Growth",
        "generatedDate": "2026-03-01",
        "platformName": "DM Agency Platform",
        **changes,
    }


def template(source: str | None = None, form: str = "typst", **changes: Any) -> dict[str, Any]:
    """The default template, or one of a source."""
    given = default_template() if source is None else {**default_template(), "source": source, "format": form}
    return {**given, **changes}


def contract(source: str | None = None, form: str = "typst", **changes: str) -> RenderInput:
    """The input of the renderer."""
    return render_input(template(source, form), values(**changes), "01JD7Y0000000000000000000A")


def text_of(pdf: bytes) -> str:
    """The text of a PDF as a reader copies it, without line breaks and what cannot be seen."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()
    return " ".join(_UNSEEN.sub("", " ".join(pages)).split())

"""A contract as Typst source, the house style and then the template, and as JSON the data that varies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import orjson

from chancery.contracts import markdown_source, typst_source
from chancery.contracts.models import moment_of
from chancery.contracts.placeholders import TemplateProblem, problems
from chancery.contracts.values import digest, on_one_line, typeset_value
from chancery.core.errors import FieldError, ValidationFailed

FONTS = (
    *("Libertinus Serif", "Noto Serif", "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari"),
    *("Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Telugu", "Noto Sans Thai", "Noto Sans Lao"),
    *("Noto Sans Khmer", "Noto Sans Myanmar", "Noto Sans CJK JP", "Noto Emoji", "Noto Sans Symbols 2"),
    *("STIX Two Math", "DejaVu Sans Mono"),
)


@dataclass(frozen=True, slots=True)
class RenderInput:
    """A contract to render: `source` (`preamble` lines of it are house style), `data` as JSON, `date` of the PDF."""

    source: str
    preamble: int
    data: str
    date: datetime


def checked(template: Mapping[str, Any]) -> None:
    """Raises ValidationFailed for a template that cannot be published, naming everything that is wrong with it."""
    try:
        _, found = _read(template["format"], template["source"])
    except TemplateProblem as exc:
        raise refused([FieldError("/source", exc.detail)]) from None
    if wrong := problems(found):
        raise refused(wrong)


def refused(errors: list[FieldError]) -> ValidationFailed:
    return ValidationFailed("The template cannot be published.", errors=errors)


def render_input(template: Mapping[str, Any], values: Mapping[str, str], document_id: str) -> RenderInput:
    """The contract of a published template and all six values."""
    read, _ = _read(template["format"], template["source"])
    data = {
        "id": document_id,
        "title": on_one_line(template["title"]),
        "template": f"{template['name']} {template['version']}",
        "author": on_one_line(values["platformName"]),
        "fonts": FONTS,
        "templateSha256": template["sha256"],
        "valuesSha256": digest(values),
        "values": {name: typeset_value(value) for name, value in values.items()},
        "markdown": [] if isinstance(read, str) else read,
    }
    house = _house() + (typst_source.bindings(template["source"]) if template["format"] == "typst" else "")
    source = read if isinstance(read, str) else "#_blocks(_given.markdown)\n"
    date = moment_of(values["generatedDate"])
    return RenderInput(house + source, house.count("\n"), orjson.dumps(data).decode(), date)


@lru_cache(maxsize=4)
def _read(form: str, source: str) -> tuple[str | list[dict[str, Any]], list[str]]:
    source = source.removeprefix("\ufeff")  # a byte order mark, after which a heading would be none
    return typst_source.translated(source) if form == "typst" else markdown_source.parsed(source)


@cache
def _house() -> str:
    return (files("chancery.contracts") / "data" / "house.typ").read_text("utf-8")

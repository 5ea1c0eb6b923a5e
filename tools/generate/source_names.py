"""The field names of the systems that Chancery unifies, and what each is called here: `source_names.csv`."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY_COLLECTION = "*"


@dataclass(frozen=True, slots=True)
class SourceName:
    """A field as it came, and ours: `here` in `collection`; both empty where it is not kept, which `note` explains."""

    source: str
    there: str
    name: str
    here: str
    collection: str
    note: str


def source_names() -> list[SourceName]:
    """Every field of every source, in the order of the documents."""
    with Path(__file__).with_name("source_names.csv").open(encoding="utf-8", newline="") as lines:
        return [SourceName(**row) for row in csv.DictReader(lines)]


def as_tables(names: Sequence[SourceName], existing: frozenset[str]) -> Iterator[str]:
    """Markdown, a table a source; a field that means the same in several places has one row."""
    for source in dict.fromkeys(name.source for name in names):
        yield from (
            "",
            f"### {source[0].upper()}{source[1:]}",
            "",
            "| there | here | lives in | remarks |",
            "|---|---|---|---|",
        )
        rows: dict[tuple[str, str, str], list[SourceName]] = {}
        for name in names:
            if name.source == source:
                rows.setdefault((name.name, name.here, name.note), []).append(name)
        yield from (_row(found, existing) for found in rows.values())


def _row(found: Sequence[SourceName], existing: frozenset[str]) -> str:
    first = found[0]
    here = f"`{first.here}`" if first.here else "not kept"
    places = ", ".join(_place(name.collection, existing) for name in found if name.collection)
    apart = {name.there for name in found} - {name.collection for name in found}
    note = "; ".join(filter(None, (f"in {', '.join(sorted(apart))}" if apart else "", first.note)))
    return f"| `{first.name}` | {here} | {places} | {note} |"


def _place(collection: str, existing: frozenset[str]) -> str:
    if collection == EVERY_COLLECTION:
        return "the base of all documents"
    return f"`{collection}`" if collection in existing else f"`{collection}` (to come)"

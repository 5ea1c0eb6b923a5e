"""What a source file is read into: items, in the order of the file, which cover each of its lines once."""

from typing import Any, NamedTuple

BLANK, HEADER = "blank", "header"


class Entry(NamedTuple):
    """The body of one record and the path that it is posted to.

    `marks`: what was done to it, counted in the summary: `repaired`, `unrepaired`, `timeAssumed`.
    """

    path: str
    body: dict[str, Any]
    marks: frozenset[str] = frozenset()


class Item(NamedTuple):
    """`lines` lines of a file from `line` (1 is the first) on, and their text.

    It has an `entry`, or the `reason` why it is rejected, or is `skipped` as a blank line or a header.
    """

    line: int
    lines: int
    text: str
    entry: Entry | None = None
    reason: str | None = None
    skipped: str | None = None

"""Counts of an import, which add up to the lines of the file."""

from collections import Counter
from collections.abc import Mapping

from chancery.cli.imports.items import Item

_MARKS = ("repaired", "unrepaired", "timeAssumed")


class Summary:
    """`lines` = `imported` + `joined` + `blank` + `header` + `rejected`. Marks count entries, not lines."""

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        self._counts = Counter(counts or {})

    def add(self, item: Item, *, is_rejected: bool = False) -> None:
        """Counts an item; its lines after the first as `joined` where it is not rejected, as the service may do too."""
        self._counts["lines"] += item.lines
        if is_rejected or item.reason is not None:
            self._counts["rejected"] += item.lines
            return
        self._counts["joined"] += item.lines - 1
        if item.entry is not None:
            self._counts.update(("imported", item.entry.path, *item.entry.marks))
        elif item.skipped is not None:
            self._counts[item.skipped] += 1

    @property
    def rejected(self) -> int:
        return self._counts["rejected"]

    def as_json(self) -> dict[str, int]:
        """All counts, also those that are 0, and the entries of each path."""
        names = ("lines", "imported", "joined", "blank", "header", "rejected", *_MARKS)
        paths = sorted(name for name in self._counts if name.startswith("/"))
        return {name: self._counts[name] for name in (*names, *paths)}

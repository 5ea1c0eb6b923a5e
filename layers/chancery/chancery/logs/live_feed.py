"""Log lines of every kind for live views and destinations, in the order of their tenant's sequence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from chancery.core.feeds import FeedPage, FeedRecord, Item, Matches, has_words
from chancery.core.web.listing import to_response
from chancery.core.web.validation import parse
from chancery.logs.fields import levels_from
from chancery.logs.filters import LineFilter
from chancery.logs.kinds import KINDS_BY_NAME
from chancery.logs.models import INTERNAL
from chancery.logs.queries import EQUAL
from chancery.logs.tail import LogTail

_TEXTS = ("message", "summary")
Kind = Literal["event", "error", "app", "activity", "user-activity", "performance", "feature-usage"]


class LiveLogFilter(LineFilter):
    """Which lines of these kinds, by default of all."""

    kinds: Annotated[list[Kind], Field(min_length=1, max_length=len(KINDS_BY_NAME))] | None = None


@dataclass(frozen=True, slots=True)
class LogLiveFeed:
    """Implements `core.feeds.Feed`."""

    tail: LogTail
    followed: ClassVar[str] = "log.followed"

    def last(self, tenant_id: str | None) -> int:
        """The newest number of the tenant's lines."""
        return self.tail.last(tenant_id)

    def after(self, tenant_id: str | None, sequence: int, limit: int) -> FeedPage:
        """The lines beyond a number, whole."""
        found = self.tail.after(tenant_id, sequence, limit)
        return FeedPage([FeedRecord(*line) for line in found.lines], found.last, found.missed)

    def get(self, tenant_id: str | None, items: Sequence[Item]) -> list[FeedRecord]:
        """The lines of items, whole. Raises KeyError for an item whose kind is none."""
        return [FeedRecord(*line) for line in self.tail.get(tenant_id, items)]

    def matches(self, filters: Mapping[str, Any]) -> Matches:
        """By the filters of `LiveLogFilter`; `q` finds one of its words."""
        asked = parse(LiveLogFilter, dict(filters))
        exact = {name: value for name, value in asked.filters().items() if name in EQUAL}
        levels = levels_from(asked.level) if asked.level else None
        found = has_words(asked.q) if asked.q else None

        def matching(record: FeedRecord) -> bool:
            line = record.document
            return (
                (asked.kinds is None or record.kind in asked.kinds)
                and (levels is None or line["level"] in levels)
                and all(line.get(name) == value for name, value in exact.items())
                and (found is None or found([line.get(name) for name in _TEXTS]))
            )

        return matching

    def to_response(self, record: FeedRecord) -> dict[str, Any]:
        """The whole line without what is internal."""
        return to_response({name: value for name, value in record.document.items() if name not in INTERNAL})

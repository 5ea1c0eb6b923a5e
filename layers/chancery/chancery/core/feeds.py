"""Feeds: the records of a tenant in the order of a gapless sequence, which live views and destinations follow.

A number is visible only when all before it are, so a reader that goes on after a number misses no record.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Item(NamedTuple):
    """A record in its feed: enough to read it again. `kind`: that of the record; audit records need none."""

    sequence: int
    ref_id: str
    kind: str = ""


class FeedRecord(NamedTuple):
    """A stored record, its kind (`audit`, or a kind of log), and its number in the sequence."""

    sequence: int
    kind: str
    document: dict[str, Any]


class FeedPage(NamedTuple):
    """Records in order, and the number to go on after.

    `missed`: the first and the last number of records that cannot be read by number any more.
    """

    records: Sequence[FeedRecord]
    last: int
    missed: tuple[int, int] | None = None


Matches = Callable[[FeedRecord], bool]


class Feed(Protocol):
    """A sequence of records: `audit.live_feed`, `logs.live_feed`."""

    @property
    def followed(self) -> str:
        """The action by which a subscription is audited."""
        ...

    def last(self, tenant_id: str | None) -> int:
        """The newest number of a tenant, 0 without any. Raises Unavailable."""
        ...

    def after(self, tenant_id: str | None, sequence: int, limit: int) -> FeedPage:
        """The records beyond a number, at most `limit`. Raises Unavailable."""
        ...

    def get(self, tenant_id: str | None, items: Sequence[Item]) -> list[FeedRecord]:
        """The records of items in their order, without those that are not stored any more. Raises Unavailable."""
        ...

    def matches(self, filters: Mapping[str, Any]) -> Matches:
        """What a record must be for these filters, by their API names. Raises ValidationFailed."""
        ...

    def to_response(self, record: FeedRecord) -> dict[str, Any]:
        """A record as the API answers with it."""
        ...


def has_words(query: str) -> Callable[[Sequence[str | None]], bool]:
    """Whether one of the words of a query is a word of one of the texts, in any case."""

    def words(text: str) -> set[str]:
        return set(re.findall(r"\w+", text.casefold()))

    wanted = words(query)
    return lambda texts: any(text and not wanted.isdisjoint(words(text)) for text in texts)

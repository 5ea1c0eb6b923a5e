"""Where a new destination begins to read its sources."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from chancery.destinations.events import SourceName
from chancery.destinations.ports import Source

type Start = Literal["now", "beginning"] | datetime


def positions_of(
    sources: Mapping[SourceName, Source], names: Iterable[SourceName], tenant_id: str, start: Start
) -> dict[str, int]:
    """The sequence number in each source after which a destination goes on. Raises Unavailable."""
    return {name: _position(sources[name], tenant_id, start) if name in sources else 0 for name in names}


def _position(source: Source, tenant_id: str, start: Start) -> int:
    if start == "now":
        return source.last(tenant_id)
    if start == "beginning":
        page = source.after(tenant_id, 0, 1)
        return page.missed[1] if page.missed else 0
    return _before(source, tenant_id, start)


def _before(source: Source, tenant_id: str, start: datetime) -> int:
    """The number before the first event since a time, found by halves: about, since events are not sorted by time."""
    low, high = 0, source.last(tenant_id)
    while low < high:
        middle = (low + high) // 2
        page = source.after(tenant_id, middle, 1)
        if page.missed:
            low = min(page.missed[1], high)
        elif page.events and page.events[0].occurred_on < start:
            low = middle + 1
        else:
            high = middle
    return low

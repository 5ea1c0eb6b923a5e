"""Frames of the live tail: bounded in records and bytes; what is left out is named.

{"type": "records", "subscription": 1, "records": [{"feed": "audit", "kind": "audit", "sequence": 7, "record": {...}}],
 "position": {"audit": 7}, "dropped": [{"feed": "logs", "from": 3, "to": 6}]}
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from chancery.core.feeds import FeedPage, FeedRecord, Matches

MAX_BYTES = 32_000  # API Gateway closes a connection for a frame above 32 KB
_ENVELOPE = 1000  # bytes around the records
_MAX_RECORDS = 200
_ALWAYS = ("refId", "tenantId", "createdOn", "level", "action")  # of a record that fits into no frame


class FeedView(NamedTuple):
    """What a connection follows of a feed: the next records, which of them, and how they are answered with."""

    page: FeedPage
    matches: Matches
    to_response: Callable[[FeedRecord], dict[str, Any]]


class Frame(NamedTuple):
    """A message, None where there is nothing to send, and the position after it."""

    text: str | None
    position: dict[str, int]


def frame_of(
    subscription: int, views: Mapping[str, FeedView], position: Mapping[str, int], dropped: list[dict[str, Any]]
) -> Frame:
    """The next frame of a connection at a position. `dropped`: ranges that are left out before it."""
    records, reached, size, more = list[bytes](), dict(position), _ENVELOPE, False
    for feed, view in views.items():
        if view.page.missed:
            dropped = [*dropped, {"feed": feed, "from": view.page.missed[0], "to": view.page.missed[1]}]
        reached[feed] = max(reached[feed], view.page.last)
        for record in view.page.records:
            if not view.matches(record):
                continue
            encoded = _encoded(feed, view, record)
            if len(records) == _MAX_RECORDS or size + len(encoded) > MAX_BYTES:
                reached[feed], more = record.sequence - 1, True
                break
            records.append(encoded)
            size += len(encoded) + 1
    if not records and not dropped:
        return Frame(None, reached)
    head = {"type": "records", "subscription": subscription, "position": reached, "dropped": dropped, "more": more}
    text = orjson.dumps(head)[:-1] + b',"records":[' + b",".join(records) + b"]}"
    return Frame(text.decode(), reached)


def _encoded(feed: str, view: FeedView, record: FeedRecord) -> bytes:
    """A record as JSON; one that is too large for a frame has its main fields only, and `cut`."""
    item = {"feed": feed, "kind": record.kind, "sequence": record.sequence}
    whole = view.to_response(record)
    encoded = orjson.dumps({**item, "record": whole})
    if len(encoded) <= MAX_BYTES - _ENVELOPE:
        return encoded
    main = {name: whole[name] for name in _ALWAYS if name in whole}
    return orjson.dumps({**item, "record": main, "cut": True})

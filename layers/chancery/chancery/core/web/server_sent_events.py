"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

An answer holds the events that there are and ends; an `EventSource` connects again by itself, with `Last-Event-ID`.
"""

from collections.abc import Mapping
from typing import Any

import orjson

MEDIA_TYPE = "text/event-stream"


def event(event_id: str, data: Mapping[str, Any], name: str = "") -> str:
    """An event with JSON as its data."""
    named = f"event: {name}\n" if name else ""
    return f"id: {event_id}\n{named}data: {orjson.dumps(data).decode()}\n\n"


def size(text: str) -> int:
    """The bytes that a text has in the response of a function, which is JSON itself."""
    return len(orjson.dumps(text)) - 2


def position(event_id: str) -> str:
    """A block without data: moves the reader's `Last-Event-ID`, and is no event."""
    return f"id: {event_id}\n\n"


def retry(milliseconds: int) -> str:
    """How long the reader waits before it connects again."""
    return f"retry: {milliseconds}\n\n"

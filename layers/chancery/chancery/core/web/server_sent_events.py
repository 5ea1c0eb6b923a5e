"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

An answer holds the events that there are and ends; an `EventSource` connects again by itself, with `Last-Event-ID`.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

MEDIA_TYPE = "text/event-stream"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5  # seconds between two looks


class Wait:
    """The time that an answer may wait for an event: pauses between looks, which grow."""

    def __init__(self, seconds: float, sleep: Callable[[float], None]) -> None:
        self._deadline = time.monotonic() + seconds
        self._pause = _FIRST_PAUSE
        self._sleep = sleep

    @property
    def is_over(self) -> bool:
        """Whether the time has passed."""
        return time.monotonic() > self._deadline

    def pause(self) -> bool:
        """Pauses before another look; False where the time would be over then."""
        if time.monotonic() + self._pause > self._deadline:
            return False
        self._sleep(self._pause)
        self._pause = min(self._pause * 1.5, _LONGEST_PAUSE)
        return True


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

"""Sends the entries of a chunk: in halves where they are too many, without those that the receiver cannot read."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from chancery.destinations.ports import Result

_MOST_REQUESTS = 50  # of one attempt


class TooLarge(NamedTuple):
    """The receiver takes fewer or smaller entries. `result`: of its answer."""

    result: Result


class Unreadable(NamedTuple):
    """The receiver refuses one entry, by its place in the request."""

    at: int
    result: Result


type Part = Sequence[bytes]
type SendPart = Callable[[Part, float], Result | TooLarge | Unreadable]


def send_entries(entries: Part, send: SendPart, seconds: float) -> Result:
    """The result of all requests that the entries take: `accepted` when each entry was accepted or refused for good.

    After another result the whole chunk is sent again, since the answer does not tell which entries have arrived.
    """
    until = time.monotonic() + seconds
    waiting, rejected, requests = [list(entries)], 0, 0
    accepted: Result | None = None
    while True:
        part = waiting.pop()
        requests += 1
        outcome = send(part, until - time.monotonic())
        result = outcome if isinstance(outcome, Result) else outcome.result
        if isinstance(outcome, TooLarge) and len(part) > 1:
            half = len(part) // 2
            waiting += [part[half:], part[:half]]
        elif isinstance(outcome, TooLarge | Unreadable):
            rejected += 1
            at = outcome.at if isinstance(outcome, Unreadable) else 0
            waiting += [rest] if (rest := part[:at] + part[at + 1 :]) else []
        elif result.verdict != "accepted":
            return result
        else:
            rejected += result.rejected
            accepted = result
        if not waiting:
            return _end(accepted, result, rejected)
        if requests >= _MOST_REQUESTS or time.monotonic() >= until:
            return result._replace(verdict="failed", detail="The chunk took too many requests for one attempt.")


def _end(accepted: Result | None, last: Result, rejected: int) -> Result:
    if accepted is None:
        return last._replace(verdict="unsendable", detail="The receiver refuses every event of this message.")
    detail = accepted.detail or (f"{rejected} events were refused by the receiver." if rejected else "")
    return accepted._replace(rejected=rejected, detail=detail)

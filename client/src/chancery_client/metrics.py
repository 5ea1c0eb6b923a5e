"""Counters of events by outcome. No lock: threads, signal handlers and finalizers increment them at any moment."""

from collections import deque
from dataclasses import dataclass, fields
from itertools import count, islice


@dataclass(slots=True)
class Stats:
    """Events by outcome: accepted = sent + dropped + spooled + rejected + pending (in memory).

    spooled = replayed + replay_rejected + still on disk. `rejected` counts events that intake would refuse,
    `replay_rejected` spooled events that the bus refused three times or that a crash cut off; where there is a spool,
    both are stored in `rejected.jsonl`. `degraded` counts events of any outcome that the client had to change.
    """

    accepted: int = 0
    sent: int = 0
    dropped: int = 0
    spooled: int = 0
    replayed: int = 0
    rejected: int = 0
    replay_rejected: int = 0
    degraded: int = 0


class Counter:
    """A number that only grows. Each step is one call into C, so an interruption loses nothing."""

    def __init__(self) -> None:
        self._count = count()

    def add(self, by: int = 1) -> None:
        """Adds a number that is not negative."""
        deque(islice(self._count, by), maxlen=0)

    @property
    def value(self) -> int:
        """The current sum. `itertools.count` has it in its repr only."""
        return int(repr(self._count).removeprefix("count(").removesuffix(")"))


class Metrics:
    """The counters of one client in one process."""

    def __init__(self) -> None:
        self._counters = {field.name: Counter() for field in fields(Stats)}

    def add(self, name: str, by: int = 1) -> None:
        """Adds to the counter named like a field of `Stats`."""
        self._counters[name].add(by)

    def snapshot(self) -> Stats:
        """A copy of all counters. Reads `accepted` last: an event counted meanwhile is pending, not missing."""
        return Stats(**{name: counter.value for name, counter in reversed(self._counters.items())})

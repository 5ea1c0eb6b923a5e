"""What became of the events, counted by threads, signal handlers and finalisers, without a lock to wait for."""

from collections import deque
from dataclasses import dataclass, fields
from itertools import count, islice


@dataclass(slots=True)
class Stats:
    """What became of the events: accepted = sent + dropped + spilled + rejected + those still on their way.

    A spilled event that is sent later counts as `replayed`; one that the bus keeps refusing, or that a crash has torn,
    as `set_aside`. Rejected and set aside events are in `rejected.jsonl`.
    """

    accepted: int = 0
    sent: int = 0
    dropped: int = 0
    spilled: int = 0
    replayed: int = 0
    rejected: int = 0
    set_aside: int = 0


class Tally:
    """A number that only grows. Each step is one call into C: whatever interrupts an addition, nothing is lost."""

    def __init__(self) -> None:
        self._count = count()

    def add(self, by: int = 1) -> None:
        """Adds to it."""
        deque(islice(self._count, by), maxlen=0)

    @property
    def value(self) -> int:
        """The sum so far; `count` shows it in its repr only."""
        return int(repr(self._count).removeprefix("count(").removesuffix(")"))


class Counts:
    """The stats of a client."""

    def __init__(self) -> None:
        self._tallies = {field.name: Tally() for field in fields(Stats)}

    def add(self, name: str, by: int = 1) -> None:
        """Adds to one of them."""
        self._tallies[name].add(by)

    def copy(self) -> Stats:
        """All of them, `accepted` last: what is counted meanwhile is on its way rather than missing."""
        return Stats(**{name: tally.value for name, tally in reversed(self._tallies.items())})

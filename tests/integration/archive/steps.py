"""Walks: a process is interrupted at each of its steps, once for every state that the world can be in.

A step is a call that leaves the process. The end of one step is the beginning of the next, so an event happens before a
step only. Reads leave the world as it was, so a process that is killed before any of several reads is killed in the
same state, and it is killed in each state once.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.crashes import Kinds


@dataclass
class Steps:
    """Counts the steps of a process; `event` happens before step number `place`, from 1."""

    place: int
    event: Callable[[], object]
    taken: int = 0
    happened: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _in_event: threading.local = field(default_factory=threading.local)

    def take(self) -> None:
        if getattr(self._in_event, "now", False):
            return
        with self._lock:
            self.taken += 1
            if self.happened or self.place not in (self.taken, EVERY):
                return
            self.happened = self.place != EVERY
        self._in_event.now = self.place == EVERY
        try:
            self.event()
        finally:
            self._in_event.now = False


EVERY = 0


@contextmanager
def at_step(place: int, event: Callable[[], object], kinds: Kinds) -> Iterator[Steps]:
    """Has an event happen before a step, or before every step. Writes of a transaction are steps of its commit."""
    steps = Steps(place, event)

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            if not kwargs.get("session"):
                steps.take()
            return real(*args, **kwargs)

        return step

    with pytest.MonkeyPatch.context() as patch:
        for owner, names in kinds:
            for name in names:
                patch.setattr(owner, name, wrap(getattr(owner, name)))
        yield steps


@dataclass
class Walk:
    """The number of steps of an undisturbed run, and the steps before which the world is in a new state."""

    steps: int = 0
    places: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, run: Callable[[], object], world: Callable[[], object], kinds: Kinds) -> "Walk":
        """Runs a process undisturbed; `world` returns the state of all that it can change."""
        walk, states, lock = cls(), list[object](), threading.Lock()

        def look() -> None:
            with lock:
                walk.steps += 1
                state = world()
                if state not in states:
                    states.append(state)
                    walk.places.append(walk.steps)

        with at_step(EVERY, look, kinds):
            run()
        return walk

    @property
    def changing(self) -> list[int]:
        """The steps that change the world: the next one finds another state."""
        return [place - 1 for place in self.places[1:]]

"""Handles SIGTERM where the host does not: the process would end at once, without its exit functions."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_before_end: list[Callable[[], None]] = []


def on_sigterm(call: Callable[[], None]) -> None:
    """Has SIGTERM call a function before it ends the process."""
    _before_end.append(call)
    install_handler()


def install_handler() -> None:
    """Handles SIGTERM, unless the host does, or this is not the main thread: Python sets handlers only there."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        with suppress(ValueError):  # a subinterpreter
            signal.signal(signal.SIGTERM, _end)


# What others send. The rest reports a fault of the thread itself.
_FAULTS = {"SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP", "SIGSYS"}
_SENT = {number for number in signal.valid_signals() if getattr(number, "name", "") not in _FAULTS}


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Blocks signals in this thread and in those that it starts within the block.

    A thread of ours that took a SIGTERM would leave the main thread asleep, and Python runs handlers only there.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SENT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(number: int, _frame: FrameType | None) -> None:
    """Calls the functions, then ends the process as it would have ended without a handler."""
    for call in _before_end:
        with suppress(Exception):
            call()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)

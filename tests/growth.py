"""Asserts that work grows linearly with its input, by processor time: other load on the machine has no effect."""

import time
from collections.abc import Callable
from typing import Any


def assert_linear(work: Callable[[Any], Any], shape: Callable[[int], Any], size: int) -> None:
    """An input eight times as large takes about eight times as long; quadratic work takes 64 times as long.

    The fastest of up to three runs counts, because a run may be slower than its work but not faster.
    """
    small = min(_processor_seconds(work, shape(size)) for _ in range(3))
    large = shape(8 * size)
    seconds = [_processor_seconds(work, large)]
    while seconds[-1] >= 24 * small + 0.005 and len(seconds) < 3:
        seconds.append(_processor_seconds(work, large))
    assert seconds[-1] < 24 * small + 0.005, f"{small:.4f} s of the processor became {min(seconds):.4f} s"


def _processor_seconds(work: Callable[[Any], Any], value: Any) -> float:
    began = time.process_time()
    work(value)
    return time.process_time() - began

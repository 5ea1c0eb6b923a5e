"""Work that grows with its input and not faster, told from processor time, whatever else the machine does."""

import time
from collections.abc import Callable
from typing import Any


def assert_linear(work: Callable[[Any], Any], shape: Callable[[int], Any], size: int) -> None:
    """`work` on a shape eight times as large takes about eight times as long; were it quadratic, 64 times."""
    small, large = (min(_processor_seconds(work, shape(n)) for _ in range(3)) for n in (size, 8 * size))
    assert large < 24 * small + 0.005, f"{small:.4f} s of the processor became {large:.4f} s"


def _processor_seconds(work: Callable[[Any], Any], value: Any) -> float:
    began = time.process_time()
    work(value)
    return time.process_time() - began

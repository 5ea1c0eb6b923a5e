"""The time that a call of `LogHandler` costs its caller: `python -m benchmarks.log_handler`."""

import logging
import statistics
import time
from typing import Any

from chancery_client import LogHandler

CALLS = 20_000
WARM_UP = 1_000
EXTRA = {"disk": "/dev/sda", "user_id": "sarah", "attempt": 3}


def main() -> None:
    """Prints minimum, median and p99 of three kinds of calls, in microseconds."""
    handler = LogHandler("bus", tenant_id="acme", release="crm@2.4.1", capacity=CALLS * 10, put_events=_accept)
    logger = logging.Logger("crm.contacts")
    logger.addHandler(handler)
    error = _raised()
    for name, arguments, options in (
        ("plain", ("Server running",), {}),
        ("values and extra", ("Disk at %d %% on %s", 91, "sda"), {"extra": EXTRA}),
        ("exception with a cause", ("Not saved",), {"exc_info": error}),
    ):
        times = sorted(_times(logger, arguments, options))
        low, middle, high = times[0], statistics.median(times), times[len(times) * 99 // 100]
        print(f"{name}: min {low:.1f}, median {middle:.1f}, p99 {high:.1f} µs")
        handler.flush(60)
    print(handler.stats)
    handler.close()


def _times(logger: logging.Logger, arguments: tuple[Any, ...], options: dict[str, Any]) -> list[float]:
    """Microseconds of each call."""
    times = []
    for _ in range(CALLS + WARM_UP):
        begin = time.perf_counter_ns()
        logger.warning(*arguments, **options)
        times.append((time.perf_counter_ns() - begin) / 1000)
    return times[WARM_UP:]


def _raised() -> ValueError:
    try:
        try:
            raise KeyError("contact")
        except KeyError as cause:
            raise ValueError("contact is null") from cause
    except ValueError as error:
        return error


def _accept(Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 (boto3's name)
    return {"Entries": [{} for _ in Entries]}


if __name__ == "__main__":
    main()

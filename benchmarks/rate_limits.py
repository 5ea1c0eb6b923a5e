"""The rate limiter with fifty callers at once: `python -m benchmarks.rate_limits`."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pymongo import MongoClient
from pymongo.monitoring import CommandListener

from benchmarks.stage import stage
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.web.rate_limits import RateLimited, RateLimiter

CALLERS, SECONDS = 50, 10.0
RATE, BURST = 200, 20
_CALLER = Principal("bench", Role.USER, ("acme",))


class _Commands(CommandListener):
    """Counts the commands that were sent."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: Any) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


def main() -> None:
    """Prints what passed in relation to the rate, and the commands of a call."""
    commands = _Commands()
    with stage() as own, MongoClient(own.uri("writer"), maxPoolSize=CALLERS, event_listeners=[commands]) as client:
        limiters = [
            RateLimiter(client[own.database.name], lambda _: {"write": {"perSecond": RATE, "burst": BURST}})
            for _ in range(CALLERS)
        ]
        with ThreadPoolExecutor(CALLERS) as pool:
            list(pool.map(lambda limiter: _calls(limiter, time.monotonic() + 1), limiters))  # spends the burst
            commands.names.clear()
            began = time.monotonic()
            results = list(pool.map(lambda limiter: _calls(limiter, began + SECONDS), limiters))
            seconds = time.monotonic() - began
    passed, calls = (sum(column) for column in zip(*results, strict=True))
    print(
        f"{CALLERS} callers, {calls:,} calls in {seconds:.1f} s: {passed:,} passed, "
        f"{passed / (RATE * seconds):.4f} of the rate; {len(commands.names) / calls:.3f} round trips a call "
        f"({', '.join(sorted(set(commands.names)))})"
    )


def _calls(limiter: RateLimiter, until: float) -> tuple[int, int]:
    """Calls without a pause; how many passed, and how many there were."""
    passed = calls = 0
    while time.monotonic() < until:
        calls += 1
        try:
            limiter.take(_CALLER, "write", 1)
            passed += 1
        except RateLimited:
            continue
    return passed, calls


if __name__ == "__main__":
    main()

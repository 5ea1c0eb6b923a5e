"""`Prefer: wait=10` (RFC 7240 section 4.3): a caller who wants to wait for the end of what a request begins."""

import re
import time
from collections.abc import Callable, Mapping

LONGEST_WAIT = 10  # seconds; all reads of a request have 12
_PREFERENCE = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})(?=$|[,;\s])")
_POLL_SECONDS = (0.1, 0.2, 0.4, 0.5)


def preferred_wait(headers: Mapping[str, str], remaining_ms: int) -> int | None:
    """The seconds to wait, or None where the caller asks for no waiting; header names in lower case."""
    preferred = _PREFERENCE.search(headers.get("prefer", ""))
    if preferred is None:
        return None
    return max(0, min(int(preferred[1]), LONGEST_WAIT, remaining_ms // 1000 - 3))


def ended_within[D](
    seconds: float, read: Callable[[], D], is_active: Callable[[D], bool], sleep: Callable[[float], None]
) -> D:
    """What `read` returns once it is active no more, or after so many seconds. Raises what `read` raises."""
    until, polls = time.monotonic() + seconds, 0
    found = read()
    while is_active(found) and time.monotonic() < until:
        sleep(_POLL_SECONDS[min(polls, len(_POLL_SECONDS) - 1)])
        found, polls = read(), polls + 1
    return found

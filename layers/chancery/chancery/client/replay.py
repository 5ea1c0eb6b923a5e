"""From disk to the bus, a segment at a time, so that new events never wait for old ones."""

import logging

import orjson

from chancery.client.counts import Counts
from chancery.client.line import Away, Line, calls
from chancery.client.segment import Segment
from chancery.client.spill import Spill

log = logging.getLogger("chancery.client")

_PASSING = ("InternalFailure", "ThrottlingException")  # the retryable ones of PutEventsResultEntry
_REFUSALS = 3


class Replay:
    """Sends what lies on disk, round after round; the only one that tries a bus that is away."""

    def __init__(self, line: Line, spill: Spill, counts: Counts, every: float) -> None:
        self._line, self._spill, self._counts, self._every = line, spill, counts, every
        self._refused: dict[int, tuple[int, int]] = {}

    def step(self) -> float:
        """Sends the next segment; the seconds until the next step, 0 where there may be more to send now."""
        if seconds := self._line.probe_in():
            return seconds
        segment = self._spill.next_segment()
        if segment is None:
            self._line.open()  # nothing to probe with
            return self._every
        with segment:
            progress = self._replay(segment)
        if self._line.away:
            self._spill.start_over()
            return max(self._line.probe_in(), 0.001)
        return 0.0 if progress else self._every

    def _replay(self, segment: Segment) -> bool:
        """Whether the bus took any, or none was left."""
        left = self._offer(segment.events)
        torn = {at: line for at, line in segment.torn.items() if not self._set_aside(_shown(line), "torn")}
        segment.keep(left | torn)
        return len(left) < len(segment.events) or not left

    def _offer(self, events: dict[int, bytes]) -> dict[int, bytes]:
        left = dict(events)
        try:
            for call in calls(events):
                codes = dict(zip(call, self._line.put(list(call.values())), strict=True))
                for key, code in codes.items():
                    if code is None:
                        self._refused.pop(hash(left.pop(key)), None)
                        self._counts.add("replayed")
                    elif self._is_hopeless(left[key], code) and self._set_aside(orjson.loads(left[key]), code):
                        del left[key]
        except Away:
            pass
        return left

    def _is_hopeless(self, event: bytes, code: str) -> bool:
        """Refused again and again for a lasting reason, while the bus took others between."""
        times, taken = self._refused.get(hash(event), (0, 0))
        if code in _PASSING or self._line.taken == taken:
            return False
        self._refused[hash(event)] = (times + 1, self._line.taken)
        return times + 1 >= _REFUSALS

    def _set_aside(self, event: dict[str, object], reason: str) -> bool:
        log.warning("AUDIT_EVENT_SET_ASIDE %s", reason)
        if not self._spill.reject(event, reason):
            return False
        self._counts.add("set_aside")
        return True


def _shown(torn: bytes) -> dict[str, object]:
    return {"torn": torn.decode(errors="replace")}

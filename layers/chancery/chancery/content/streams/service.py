"""Appends to activity streams and lets readers follow them."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import orjson

from chancery.content.streams.joined_redaction import redact_joined
from chancery.content.streams.models import END, MAX_SEQUENCE, Activity, Appended, Ended, StreamRead
from chancery.content.streams.store import StreamStore
from chancery.core.errors import Conflict, FieldError, NotFound, ValidationFailed
from chancery.core.formats.identifiers import composed
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.redaction import Detector
from chancery.core.web import server_sent_events as sse
from chancery.core.web.answers import NO_CONTENT, TEXT, Answer
from chancery.core.web.listing import to_response
from chancery.core.web.request import Call
from chancery.core.web.validation import accepted, wrong_query

_CONTEXT = 64  # deltas before and after an append that may belong to the same secret
_PAGE = 1000
_MOST_BYTES = 5 * 1024 * 1024  # of an answer, escaped: a Lambda response ends at 6 MB
_MOST_FRAME = 150  # bytes of an event besides its text
_RETRY_MS = 250
_SETTLED = timedelta(seconds=5)  # after the end: then what is missing before it does not come
_FIRST_SECOND, _EXPIRED = timedelta(seconds=1), timedelta(hours=23)
_ENDED = "end"  # the id of the last event


@dataclass(frozen=True, slots=True)
class StreamWriter:
    """Appends deltas, in any order and repeatedly, and ends streams."""

    store: StreamStore
    clock: Clock = now

    def append(self, call: Call[None, Appended]) -> Answer:
        """201 with `{stored, repeated}`. Raises Conflict behind the end of a stream that has ended."""
        stream, using = self._stream(call)
        deltas = {item.sequence: item for item in call.body.deltas}
        first, last = min(deltas), max(deltas)
        around = self.store.around(stream, first - _CONTEXT, last + _CONTEXT)
        if around and around[0]["sequence"] == END and last > around.pop(0)["last"]:
            raise Conflict("The stream has ended; start another activity.")
        stored = {item["sequence"]: item for item in around}
        moment = self.clock()
        fresh = {
            sequence: {
                **stream,
                "sequence": sequence,
                "delta": item.delta,
                **({"timestamp": item.timestamp} if item.timestamp else {}),
                "createdBy": call.principal.subject,
                "createdOn": moment,
            }
            for sequence, item in deltas.items()
            if sequence not in stored
        }
        self.store.replace(stream, list(_redact(stored | fresh, set(fresh), using)))
        count = self.store.insert(list(fresh.values())) if fresh else 0
        return Answer(201, {"stored": count, "repeated": len(call.body.deltas) - count})

    def end(self, call: Call[None, Ended]) -> Answer:
        """200 with `{sequence}`, the last delta's; the whole text is searched for secrets once more.

        Ending again changes nothing. Raises Conflict where it ended with another delta, NotFound for an empty stream.
        """
        stream, using = self._stream(call)
        ended = self.store.end(stream)
        highest = self.store.highest(stream)
        last = call.body.sequence if call.body.sequence is not None else (ended or {}).get("last", highest)
        if last is None:
            raise NotFound("There is no such stream; append to it first.")
        if ended and ended["last"] != last:
            raise Conflict(f"The stream has ended with delta {ended['last']}.")
        if highest is not None and highest > last:
            raise Conflict(f"The stream goes on to delta {highest}.")
        if not ended:
            end = {"sequence": END, "last": last, "createdBy": call.principal.subject, "createdOn": self.clock()}
            if not self.store.insert([{**stream, **end}]):
                return self.end(call)  # another request was first
        self._search_again(stream, using)
        return Answer(200, {"sequence": last})

    def _search_again(self, stream: dict[str, str], using: Detector) -> None:
        """Redacts what appends at the same time could not see together; safe to repeat."""
        at, before = END, list[Document]()
        while page := self.store.after(stream, at, _PAGE):
            found = {item["sequence"]: item for item in (*before, *page)}
            self.store.replace(stream, list(_redact(found, set(found), using)))
            at, before = page[-1]["sequence"], page[-_CONTEXT:]

    def _stream(self, call: Call[None, Appended] | Call[None, Ended]) -> tuple[dict[str, str], Detector]:
        tenant_id = str(call.principal.tenant_scope(call.body.tenant_id).tenant_id)
        using = call.request.detectors.of(tenant_id)
        activity = accepted(Activity, {"activityId": call.path["activityId"]}, using).activity_id
        return {"tenantId": tenant_id, "activityId": activity}, using


@dataclass(frozen=True, slots=True)
class StreamReader:
    """Answers with what there is behind a sequence, and waits shortly where there is nothing."""

    store: StreamStore
    trail: Trail
    clock: Clock = now
    sleep: Callable[[float], None] = time.sleep

    def follow(self, call: Call[StreamRead]) -> Answer:
        """200 with server-sent events, or with the text where `Accept` asks for text/plain; 204 behind the end."""
        scope = call.principal.read_scope(call.query.tenant_id)
        if scope.every_tenant:
            raise wrong_query("/tenantId", "name the tenant of the activity")
        activity = composed(call.path["activityId"])
        self.trail.record(call.principal, scope, "activity_stream.viewed", activity)
        stream = {"tenantId": str(scope.tenant_id), "activityId": activity}
        accept = call.request.headers.get("accept", "")
        if "text/plain" in accept and sse.MEDIA_TYPE not in accept:
            return self._text(stream, call)
        if call.request.headers.get("last-event-id") == _ENDED:
            return NO_CONTENT  # an EventSource does not connect again
        return Answer(200, self._events(stream, _last_seen(call), call), media_type=sse.MEDIA_TYPE)

    def _text(self, stream: dict[str, str], call: Call[StreamRead]) -> Answer:
        after = call.query.after
        deltas, ended = self._ready(stream, after)
        if not deltas and not ended and after is None:
            raise NotFound("There is no such stream, or nothing was written to it yet.")
        headers = {"X-Last-Sequence": str(deltas[-1]["sequence"] if deltas else after if after is not None else "")}
        if len(deltas) and not ended and self._has_more(stream, deltas[-1]["sequence"]):
            headers["Link"] = f'<?after={deltas[-1]["sequence"]}>; rel="next"'
        return Answer(200, "".join(item["delta"] for item in deltas), headers, TEXT)

    def _has_more(self, stream: dict[str, str], sequence: int) -> bool:
        found = self.store.after(stream, sequence, 1)
        return bool(found) and found[0]["sequence"] == sequence + 1

    def _events(self, stream: dict[str, str], after: int | None, call: Call[StreamRead]) -> str:
        wait = sse.Wait(call.query.wait, self.sleep)
        while True:
            deltas, ended = self._ready(stream, after)
            if deltas or ended or not wait.pause():
                return "".join((sse.retry(_RETRY_MS), *_frames(deltas, after, ended)))

    def _ready(self, stream: dict[str, str], after: int | None) -> tuple[list[Document], int | None]:
        """The deltas that follow without a gap, and the sequence of the last one where the stream ends with them.

        A gap is waited for until the stream has ended a while ago.
        """
        ready: list[Document] = []
        size, at = 0, after if after is not None else END
        end = self.store.end(stream)
        is_settled = end is not None and self.clock() - end["createdOn"] > _SETTLED
        while True:
            page = self.store.after(stream, at, _PAGE)
            for item in page:
                size += sse.size(orjson.dumps(item["delta"]).decode()) + _MOST_FRAME
                if (ready and size > _MOST_BYTES) or not (is_settled or self._follows(item, at)):
                    return ready, None
                ready.append(item)
                at = item["sequence"]
            if len(page) < _PAGE:
                break
        return ready, end["last"] if end and (is_settled or at >= end["last"]) else None

    def _follows(self, item: Document, at: int) -> bool:
        """Whether a delta is the next one behind a sequence.

        A stream begins with 0, or with 1 where no 0 has come within a second; or later, where its beginning is expired.
        """
        sequence: int = item["sequence"]
        if at != END:
            return sequence == at + 1
        age = self.clock() - item["createdOn"]
        return sequence == 0 or age > _EXPIRED or (sequence == 1 and age > _FIRST_SECOND)


def _last_seen(call: Call[StreamRead]) -> int | None:
    """The sequence after which a reader goes on. Raises ValidationFailed."""
    text = call.request.headers.get("last-event-id")
    if not text:
        return call.query.after
    if text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_SEQUENCE)):
        return int(text)
    detail = "must be the id of an event of this stream"
    raise ValidationFailed("The Last-Event-ID is not valid.", errors=[FieldError("/Last-Event-ID", detail)])


def _frames(deltas: Sequence[Document], after: int | None, last: int | None) -> Iterator[str]:
    """Server-sent events of deltas, of the gaps between them, and of the end."""
    at = after
    for item in deltas:
        sequence = item["sequence"]
        if at is not None and sequence > at + 1:
            yield sse.event(str(sequence - 1), {"from": at + 1, "to": sequence - 1}, "gap")
        at = sequence
        fields = ("sequence", "delta", "timestamp")
        yield sse.event(str(sequence), to_response({name: item[name] for name in fields if name in item}))
    if last is not None:
        if at is not None and at < last:
            yield sse.event(str(last), {"from": at + 1, "to": last}, "gap")
        yield sse.event(_ENDED, {"sequence": last}, _ENDED)


def _redact(deltas: dict[int, Document], touched: set[int], using: Detector) -> Iterator[tuple[Document, str]]:
    """Redacts the runs of deltas without a gap in which some are touched.

    Those that are about to be stored are changed in place; those that are stored are yielded with their new text.
    """
    for run in _runs(deltas):
        if not touched.intersection(run):
            continue
        for sequence, text in zip(run, redact_joined([deltas[at]["delta"] for at in run], using), strict=True):
            item = deltas[sequence]
            if text == item["delta"]:
                continue
            if "createdBy" in item:
                item["delta"] = text
            else:
                yield item, text


def _runs(deltas: dict[int, Document]) -> Iterator[list[int]]:
    order = sorted(deltas)
    starts = [0, *(index + 1 for index, (left, right) in enumerate(pairwise(order)) if right != left + 1), len(order)]
    return (order[start:end] for start, end in pairwise(starts) if end > start)

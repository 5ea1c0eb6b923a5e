"""The audit feed: a tenant's records in the order of its log, as server-sent events.

A record's sequence is its place in the log, from 1 without a gap. A place is visible only when all before it are, so a
reader that goes on after the last id it has seen misses no record and gets none twice.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import Field

from chancery.audit.access import AccessTrail
from chancery.audit.collections import LIST_FIELDS
from chancery.audit.filters import AuditFilter
from chancery.audit.responses import to_response
from chancery.audit.store import AuditStore
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.web import server_sent_events as sse
from chancery.core.web.answers import Answer
from chancery.core.web.request import Call
from chancery.core.web.validation import wrong_query

_MAX_SEQUENCE = 2**53 - 1
_PAGE = 1000  # leaves that are read at once
_MOST_BYTES = 5 * 1024 * 1024  # of an answer, escaped: a Lambda response ends at 6 MB
_RETRY_MS = 250
# What following itself records. These do not end a wait: two auditors would wake each other for ever.
_OF_FOLLOWING = frozenset({"audit_log.followed", "tenant.crossed"})


class FeedQuery(AuditFilter):
    """The query parameters of `GET /v1/audit-logs/stream`."""

    after: Annotated[int, Field(ge=0, le=_MAX_SEQUENCE)] | None = Field(
        None, description="the sequence to go on after, 0 for the beginning; `Last-Event-ID` comes first"
    )
    wait: Annotated[int, Field(ge=0, le=8)] = Field(5, description="seconds to wait for a record where there is none")


class RecordSequence(Protocol):
    """The order of a tenant's records: `sealing.store.LogStore`."""

    def size(self, tenant_id: str | None) -> int: ...
    def ref_ids_after(self, tenant_id: str | None, size: int, limit: int) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class AuditFeed:
    """Answers with the records after a sequence, and waits shortly where there are none."""

    store: AuditStore
    sequence: RecordSequence
    trail: AccessTrail
    sleep: Callable[[float], None] = time.sleep

    def follow(self, call: Call[FeedQuery]) -> Answer:
        """200 with server-sent events; without a sequence to go on after, with those from now on.

        Raises ValidationFailed for a super_admin who names no tenant, and for a sequence that is beyond the log.
        """
        scope = call.principal.read_scope(call.query.tenant_id)
        if scope.every_tenant:
            raise wrong_query("/tenantId", "name the tenant to follow, or null for the platform's own records")
        after, query = _last_seen(call), call.query.mongo_filter(scope)
        size = self.sequence.size(scope.tenant_id)
        if after is not None and after > size:
            raise _wrong_id("is beyond the log of this tenant; start without it")
        self.trail.record(call.principal, scope, "audit_log.followed", details={"filters": call.query.given()})
        begin = size if after is None else after
        events = self._events(query, scope.tenant_id, begin, sse.Wait(call.query.wait, self.sleep))
        return Answer(200, sse.retry(_RETRY_MS) + events, media_type=sse.MEDIA_TYPE)

    def _events(self, query: Mapping[str, Any], tenant_id: str | None, at: int, wait: sse.Wait) -> str:
        """The events of the first records that match; last the position, up to which none else does."""
        events, room = list[str](), _MOST_BYTES
        while True:
            ref_ids = self.sequence.ref_ids_after(tenant_id, at, _PAGE)
            found, wakes, at = self._matching(query, ref_ids, at, room)
            events += found
            room -= sum(map(sse.size, found))
            if wakes or wait.is_over or (len(ref_ids) < _PAGE and not wait.pause()):
                return "".join((*events, sse.position(str(at))))

    def _matching(
        self, query: Mapping[str, Any], ref_ids: Sequence[str], at: int, room: int
    ) -> tuple[list[str], bool, int]:
        """The events of the leaves after `at` whose records match, whether they end a wait, and how far it has read.

        Events that are larger together than `room` end a wait, too; a first one is never too large.
        """
        records = self.store.of_ref_ids(query, ref_ids, LIST_FIELDS) if ref_ids else {}
        events, size, wakes = list[str](), 0, False
        for sequence, ref_id in enumerate(ref_ids, at + 1):
            if record := records.get(ref_id):
                event = sse.event(str(sequence), {"sequence": sequence, **to_response(record)})
                size += sse.size(event)
                if size > room and (events or room < _MOST_BYTES):
                    return events, True, sequence - 1
                events.append(event)
                wakes = wakes or record["action"] not in _OF_FOLLOWING
        return events, wakes, at + len(ref_ids)


def _last_seen(call: Call[FeedQuery]) -> int | None:
    """The sequence after which a reader goes on. Raises ValidationFailed."""
    text = call.request.headers.get("last-event-id")
    if not text:
        return call.query.after
    if text.isascii() and text.isdecimal() and len(text) <= len(str(_MAX_SEQUENCE)):
        return int(text)
    raise _wrong_id("must be the id of an event of this stream")


def _wrong_id(detail: str) -> ValidationFailed:
    return ValidationFailed("The Last-Event-ID is not valid.", errors=[FieldError("/Last-Event-ID", detail)])

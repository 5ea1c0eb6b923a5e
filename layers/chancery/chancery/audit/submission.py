"""`POST /v1/audit-logs`: one event or up to 500, from an authorized caller."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from chancery.audit.access import AccessTrail
from chancery.audit.ingest import Defaults, EventValidator, IncomingEvent
from chancery.audit.recorder import AuditRecorder, Result, ScopedEvent
from chancery.audit.submitter import Submitter, caller
from chancery.core.batches import attempt
from chancery.core.errors import ChanceryError
from chancery.core.formats.correlation import correlation
from chancery.core.formats.times import to_rfc3339
from chancery.core.identity.principal import Principal
from chancery.core.redaction import may_hold_credentials
from chancery.core.web.answers import Answer
from chancery.core.web.batch import crossed_scopes, is_batch, records_of
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.refused_accesses import trace_all
from chancery.core.web.request import Call, Request


class AuditSubmission(NamedTuple):
    """Answers a POST of audit events."""

    recorder: AuditRecorder
    keys: IdempotencyKeys
    trail: AccessTrail
    validator: EventValidator = EventValidator()

    def submit(self, call: Call[None, Any]) -> Answer:
        """201 with the receipt of one event; of a batch `results` in order, with 207 where some were not stored.

        Raises ValidationFailed where the batch, or the one event, is not valid.
        """
        principal, request, body = call.principal, call.request, call.body
        events = records_of(body, "audit events")
        self.trail.record_all(principal, crossed_scopes(principal, events), "audit_log.recorded")
        answer = _batch_answer if is_batch(body) else _single_answer

        submitter = caller(principal)

        def work(claim: Claim) -> Answer:
            incoming = _incoming(events, request, claim)
            results = self.recorder.record(attempt(partial(self._scoped, principal, submitter), incoming))
            if is_batch(body):
                trace_all(results, request)
            return answer(results)

        return self.keys.once(request, work)

    def _scoped(self, principal: Principal, submitter: Submitter, incoming: IncomingEvent) -> ScopedEvent:
        """A valid event and its tenant, where the caller may write. Raises ValidationFailed, TooLarge, Forbidden."""
        valid = self.validator.validate(incoming)
        return ScopedEvent(valid, principal.write_scope(valid.event.tenant_id).tenant_id, submitter)


def _incoming(events: Sequence[Any], request: Request, claim: Claim) -> list[IncomingEvent]:
    """The events of a request's body; with an Idempotency-Key each gets the same event id whenever it is sent."""
    suspicious, size, ids = may_hold_credentials(request.body.decode()), len(request.body), correlation.get()
    return [
        IncomingEvent(
            event,
            Defaults(claim.event_id(at), None, ids),
            suspicious,
            size,
            request.detector_for(event.get("tenantId") if isinstance(event, dict) else None),
        )
        for at, event in enumerate(events)
    ]


def _single_answer(results: Sequence[Result]) -> Answer:
    (result,) = results
    if isinstance(result, ChanceryError):
        raise result
    stored = _receipt(result.record)
    return Answer(201, stored, {"Location": f"/v1/audit-logs/{stored['refId']}"})


def _batch_answer(results: Sequence[Result]) -> Answer:
    failed = any(isinstance(result, ChanceryError) for result in results)
    return Answer(207 if failed else 201, {"results": [_item(result) for result in results]})


def _item(result: Result) -> dict[str, Any]:
    if isinstance(result, ChanceryError):
        return {"status": result.status, "problem": result.as_problem()}
    return {"status": 201, **_receipt(result.record)}


def _receipt(record: Mapping[str, Any]) -> dict[str, str]:
    """The part of a stored record that its caller needs to find it and to verify it."""
    return {
        "refId": record["refId"],
        "createdOn": to_rfc3339(record["createdOn"]),
        "recordedOn": to_rfc3339(record["recordedOn"]),
        "digest": record["digest"],
    }

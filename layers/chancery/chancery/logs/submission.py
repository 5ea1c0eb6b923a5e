"""`POST /v1/logs/{kind}`: one line or up to 500, from an authorized caller."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from chancery.core.batches import attempt
from chancery.core.errors import ChanceryError
from chancery.core.formats.correlation import correlation
from chancery.core.formats.times import to_rfc3339
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.redaction import may_hold_credentials
from chancery.core.web.answers import Answer
from chancery.core.web.batch import crossed_scopes, is_batch, records_of
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.refused_accesses import trace_all
from chancery.core.web.request import Call, Request
from chancery.logs.ingest import Defaults, EntryValidator, IncomingEntry, ScopedEntry
from chancery.logs.kinds import KINDS_BY_NAME, LogKind
from chancery.logs.recorder import LogRecorder, Result


class CrossingTrail(Protocol):
    """Audits writes for tenants that are not the caller's: `audit.access.AccessTrail`."""

    def record_all(self, principal: Principal, scopes: set[TenantScope], action: str) -> None: ...


class LogSubmission(NamedTuple):
    """Answers a POST of log lines."""

    recorder: LogRecorder
    keys: IdempotencyKeys
    trail: CrossingTrail
    validator: EntryValidator = EntryValidator()

    def submit(self, call: Call[None, Any]) -> Answer:
        """201 with the refId of one line; of a batch `results` in order, with 207 where some were not stored.

        Raises ValidationFailed where the batch, or the one line, is not valid.
        """
        principal, request, kind = call.principal, call.request, KINDS_BY_NAME[call.path["kind"]]
        bodies = records_of(call.body, "log lines")
        self.trail.record_all(principal, crossed_scopes(principal, bodies), "log.recorded")
        answer = _batch_answer if is_batch(call.body) else _single_answer

        def work(claim: Claim) -> Answer:
            incoming = _incoming(kind, bodies, request, claim)
            results = self.recorder.record(attempt(partial(self._scoped, principal), incoming))
            if is_batch(call.body):
                trace_all(results, request)
            return answer(results)

        return self.keys.once(request, work)

    def _scoped(self, principal: Principal, incoming: IncomingEntry) -> ScopedEntry:
        """A valid line and its tenant, where the caller may write. Raises ValidationFailed, TooLarge, Forbidden."""
        valid = self.validator.validate(incoming)
        return ScopedEntry(valid, principal.write_scope(valid.fields.get("tenantId")).tenant_id)


def _incoming(kind: LogKind, bodies: Sequence[Any], request: Request, claim: Claim) -> Iterator[IncomingEntry]:
    """The lines of a request's body; with an Idempotency-Key each is the same line whenever it is sent."""
    suspicious, size, ids = may_hold_credentials(request.body.decode()), len(request.body), correlation.get()
    seed = claim.event_id() or claim.salt.hex()  # one of this request alone: its lines have its order
    for place, body in enumerate(bodies):
        defaults = Defaults(claim.subject, seed, claim.created_on, place, ids)
        using = request.detector_for(body.get("tenantId") if isinstance(body, dict) else None)
        yield IncomingEntry(kind, body, defaults, suspicious, size, using)


def _single_answer(results: Sequence[Result]) -> Answer:
    (result,) = results
    if isinstance(result, ChanceryError):
        raise result
    return Answer(201, _receipt(result))


def _batch_answer(results: Sequence[Result]) -> Answer:
    failed = any(isinstance(result, ChanceryError) for result in results)
    return Answer(207 if failed else 201, {"results": [_item(result) for result in results]})


def _item(result: Result) -> dict[str, Any]:
    if isinstance(result, ChanceryError):
        return {"status": result.status, "problem": result.as_problem()}
    return {"status": 201, **_receipt(result)}


def _receipt(line: Mapping[str, Any]) -> dict[str, str]:
    """What the caller needs to find the line."""
    return {"refId": line["refId"], "createdOn": to_rfc3339(line["createdOn"])}

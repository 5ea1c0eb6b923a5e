"""`POST /v1/audit-logs`: one event or up to 500, from an authorized caller."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from chancery.audit.access import AccessTrail
from chancery.audit.ingest import Defaults
from chancery.audit.models import AuditEvent
from chancery.audit.service import AuditRecorder, Candidate, Result, receipt
from chancery.core.errors import ChanceryError, FieldError, ValidationFailed
from chancery.core.formats.correlation import correlation
from chancery.core.formats.identifiers import is_identifier
from chancery.core.formats.json_limits import reference
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import WRITERS
from chancery.core.redaction import may_hold_credentials
from chancery.core.web.idempotency import Answer, Claim, IdempotencyKeys
from chancery.core.web.request import Request

MAX_RECORDS = 500
_MAY_BE_TOO_LARGE = 256 * 1024  # bytes; redaction makes a body a few times longer at the most


@dataclass(frozen=True, slots=True)
class AuditSubmission:
    """Answers a POST of audit events."""

    recorder: AuditRecorder
    keys: IdempotencyKeys
    trail: AccessTrail

    def submit(self, request: Request) -> Answer:
        """201 with the receipt of one event; 201, or 207 when some failed, with `results` of many, in order.

        Raises ValidationFailed when nothing of it could be stored because of what it says.
        """
        principal = request.caller
        principal.require(WRITERS)
        body = request.json()
        events = _events(body)
        many = isinstance(body, dict) and "records" in body
        self._audit_crossings(principal, events)

        def work(claim: Claim) -> Answer:
            results = self.recorder.record(self._candidates(principal, events, claim, request.body))
            return _many(results) if many else _one(results[0])

        return self.keys.once(request, work)

    def _candidates(self, principal: Principal, events: Sequence[Any], claim: Claim, body: bytes) -> list[Candidate]:
        def tenant_of(event: AuditEvent) -> str | None:
            return principal.write_scope(event.tenant_id).tenant_id

        defaults = Defaults(correlation=correlation.get())
        search_values, measure = may_hold_credentials(body.decode()), len(body) > _MAY_BE_TOO_LARGE
        return [
            Candidate(event, tenant_of, replace(defaults, event_id=claim.event_id(at)), search_values, measure)
            for at, event in enumerate(events)
        ]

    def _audit_crossings(self, principal: Principal, events: Sequence[Any]) -> None:
        if principal.crosses_tenants:
            named = [event.get("tenantId") for event in events if isinstance(event, dict)]
            # What is no tenant's name fails by itself.
            scopes = {principal.write_scope(tenant) for tenant in named if tenant is None or is_identifier(tenant)}
            self.trail.record_all(principal, scopes, "audit_log.recorded")


def _events(body: Any) -> list[Any]:
    if not isinstance(body, dict) or "records" not in body:
        return [body]
    records = body["records"]
    wrong = [FieldError(f"/{reference(name)}", "is not known beside records") for name in body if name != "records"]
    if not isinstance(records, list) or not 1 <= len(records) <= MAX_RECORDS:
        wrong.append(FieldError("/records", f"must be a list of 1 to {MAX_RECORDS} audit events"))
    if wrong:
        raise ValidationFailed("The batch is not valid.", errors=wrong)
    return list(records)


def _one(result: Result) -> Answer:
    if isinstance(result, ChanceryError):
        raise result
    stored = receipt(result.record)
    return Answer(201, stored, {"Location": f"/v1/audit-logs/{stored['refId']}"})


def _many(results: Sequence[Result]) -> Answer:
    failed = any(isinstance(result, ChanceryError) for result in results)
    return Answer(207 if failed else 201, {"results": [_item(result) for result in results]})


def _item(result: Result) -> dict[str, Any]:
    if isinstance(result, ChanceryError):
        return {"status": result.status, "problem": result.as_problem()}
    return {"status": 201, **receipt(result.record)}

"""`POST /v1/exchanges` and `PATCH /v1/exchanges/{requestId}`."""

from dataclasses import dataclass
from typing import Any

from chancery.core.formats.correlation import correlation
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.redaction import may_hold_credentials
from chancery.core.web.answers import Answer
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.listing import to_response
from chancery.core.web.request import Call
from chancery.integrations.exchanges.ingest import parse_closing, parse_opening
from chancery.integrations.exchanges.log import ExchangeLog, Origin
from chancery.integrations.exchanges.store import RECEIPT_FIELDS


@dataclass(frozen=True, slots=True)
class ExchangeSubmission:
    """Opens and closes exchanges for HTTP callers."""

    log: ExchangeLog
    keys: IdempotencyKeys
    trail: Trail

    def open(self, call: Call[None, Any]) -> Answer:
        """201 with the receipt of an exchange, new or sent before. Raises ValidationFailed, Conflict."""
        principal, request = call.principal, call.request
        opening = parse_opening(call.body, self.log.store.clock(), _detector(call), search=_is_suspicious(call))
        scope = principal.tenant_scope(opening.tenant_id)
        self.trail.record(principal, scope, "exchange.opened", opening.request_id)

        def work(_: Claim) -> Answer:
            origin = Origin(principal.subject, correlation.get())
            opened = self.log.begin(str(scope.tenant_id), opening, origin)
            return Answer(201, _receipt(opened), {"Location": f"/v1/exchanges/{opening.request_id}"})

        return self.keys.once(request, work)

    def close(self, call: Call[None, Any]) -> Answer:
        """200 with the receipt of the closed exchange. Raises ValidationFailed, NotFound, Conflict."""
        principal, request_id = call.principal, call.path["requestId"]
        closing = parse_closing(call.body, self.log.store.clock(), _detector(call), search=_is_suspicious(call))
        scope = principal.tenant_scope(closing.tenant_id)
        self.trail.record(principal, scope, "exchange.closed", request_id)

        def work(_: Claim) -> Answer:
            return Answer(200, _receipt(self.log.end(str(scope.tenant_id), request_id, closing, principal.subject)))

        return self.keys.once(call.request, work)


def _detector(call: Call[None, Any]) -> Any:
    return call.request.detector_for(call.body.get("tenantId") if isinstance(call.body, dict) else None)


def _is_suspicious(call: Call[None, Any]) -> bool:
    return may_hold_credentials(call.request.body.decode())


def _receipt(exchange: Document) -> dict[str, Any]:
    """What the caller needs to know of the stored exchange."""
    return to_response(exchange, RECEIPT_FIELDS)

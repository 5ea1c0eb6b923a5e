"""The summary of a finished exchange: the detail of `Exchange Completed`, and a row of a reporting table."""

from collections.abc import Mapping
from typing import Any

from chancery.core.web.listing import as_json

COMPLETED = "Exchange Completed"
_MOST_TEXT = 1024  # characters of a URL or message: an event is at most 256 KB
_AS_STORED = (
    "refId",
    "tenantId",
    "requestId",
    "parentRequestId",
    "attemptNumber",
    "correlationId",
    "traceId",
    "systemCode",
    "endpointCode",
    "httpMethod",
    "requestUrl",
    "responseStatus",
    "status",
    "isSuccess",
    "startedAt",
    "completedAt",
    "durationMs",
    "nextRetryAt",
)
_NESTED = {
    "errorType": ("error", "type"),
    "errorMessage": ("error", "message"),
    "entityType": ("context", "entityType"),
    "entityId": ("context", "entityId"),
    "operationType": ("context", "operationType"),
    "userId": ("actor", "userId"),
    "triggeredBy": ("actor", "triggeredBy"),
    "requestBytes": ("requestBodyInfo", "bytes"),
    "responseBytes": ("responseBodyInfo", "bytes"),
}
SUMMARY_FIELDS = (*_AS_STORED, *_NESTED)
NEEDED = (*_AS_STORED, "error", "context", "actor", "requestBodyInfo", "responseBodyInfo")  # fields of an exchange


def summary_of(exchange: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a stored or answered exchange; fields without a value are left out."""
    found = {name: exchange.get(name) for name in _AS_STORED}
    found |= {name: (exchange.get(outer) or {}).get(inner) for name, (outer, inner) in _NESTED.items()}
    return {name: _bounded(as_json(value)) for name, value in found.items() if value is not None}


def _bounded(value: Any) -> Any:
    return value[:_MOST_TEXT] if isinstance(value, str) else value

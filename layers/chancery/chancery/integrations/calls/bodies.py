"""Reads the body of a call: what is sent stays exact, everything else is redacted as any record is."""

from typing import Any

from chancery.core.errors import ValidationFailed
from chancery.core.formats.json_limits import problems
from chancery.core.web.request import Request
from chancery.core.web.routes import Body
from chancery.core.web.validation import accepted, parse
from chancery.integrations.calls.models import CallRequest

_EXACT = ("body", "pathParameters", "query")  # stored encrypted


def _read(request: Request) -> CallRequest:
    """Raises ValidationFailed naming every wrong field."""
    given = request.json()
    if not isinstance(given, dict):
        return accepted(CallRequest, given)
    exact: dict[str, Any] = {name: given[name] for name in _EXACT if name in given}
    stored = {name: value for name, value in given.items() if name not in _EXACT}
    clean = accepted(CallRequest, stored, request.detector_for(stored.get("tenantId")))
    if wrong := [error for name, value in exact.items() for error in problems(value, f"/{name}", in_bson=False)]:
        raise ValidationFailed("The request is not valid.", errors=wrong)
    return parse(CallRequest, {**clean.model_dump(by_alias=True, exclude_unset=True), **exact}, request.caller)


CALL_BODY = Body(CallRequest, _read, required=False, stored=True)

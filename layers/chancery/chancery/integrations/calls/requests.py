"""The request of a call: what the caller has given, transformed, for the endpoint; with the key of all its attempts."""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from chancery.core.errors import ChanceryError, ValidationFailed
from chancery.integrations.registry import requests
from chancery.integrations.registry.models import CallParameters, Target
from chancery.integrations.registry.requests import PreparedRequest

type Transform = Callable[[str, Any, Mapping[str, Any], Mapping[str, Any]], Any]
"""The result of an expression for a value, with bindings and code maps. Raises ChanceryError where there is none."""


_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")


class Unsendable(Exception):
    """A request that cannot be made. `reason` is for programs, the text for people, without secrets."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def prepare(target: Target, given: CallParameters, body: Any, call_id: str, transform: Transform) -> PreparedRequest:
    """The request of every attempt of a call. Raises Unsendable, and Unavailable by `transform`."""
    if target.endpoint.request_transform:
        body = transformed("request", target.endpoint.request_transform, body, {}, target, transform)
    try:
        request = requests.prepare(target, given, body)
    except ValidationFailed as exc:
        wrong = exc.errors[0]
        raise Unsendable("parameters_invalid", f"{wrong.pointer} {wrong.detail}.") from None
    name = target.endpoint.idempotency_header
    if name is None:
        return request
    return request._replace(headers=requests.merged(request.headers, {name: call_id}))


def traced(request: PreparedRequest, call: Mapping[str, Any]) -> PreparedRequest:
    """The request with the ids of its call: `traceparent` (W3C Trace Context) and `X-Correlation-Id`.

    Headers of the endpoint with these names go before.
    """
    ids: dict[str, str] = {}
    if _TRACE_ID.fullmatch(call.get("traceId") or ""):
        ids["traceparent"] = f"00-{call['traceId']}-{sha256(call['refId'].encode()).hexdigest()[:16]}-01"
    correlation_id = call.get("correlationId") or ""
    if correlation_id.isascii() and correlation_id.isprintable() and correlation_id.strip() == correlation_id != "":
        ids["X-Correlation-Id"] = correlation_id
    return request._replace(headers=requests.merged(ids, request.headers))


def transformed(
    which: str, expression: str, value: Any, bindings: Mapping[str, Any], target: Target, transform: Transform
) -> Any:
    """The result of an endpoint's transform. Raises Unsendable, Unavailable."""
    try:
        return transform(expression, value, bindings, target.code_maps)
    except ChanceryError as exc:
        if exc.status >= 500:
            raise
        raise Unsendable(f"{which}_transform_failed", exc.detail) from None

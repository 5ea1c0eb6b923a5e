"""A request as API Gateway passes it, and a call: a request that a handler may answer."""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import orjson

from chancery.core.detectors import SHARED, Detectors
from chancery.core.documents import Document
from chancery.core.errors import FieldError, TooLarge, Unauthenticated, ValidationFailed
from chancery.core.formats.identifiers import composed, identifier_of
from chancery.core.formats.json_text import read_json
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.redaction import Detector
from chancery.core.web.content_coding import decoded
from chancery.core.web.validation import Repeated, accepted

MAX_KEY = 200  # characters of an Idempotency-Key
MAX_BATCH = 500  # records of one body
_LATEST = 2**32  # seconds; the claim of a token may be any number
MAX_BODY = 4 * 1024 * 1024  # bytes; Lambda takes 6 MB with the envelope, and in base64


type RateClass = Literal["read", "write", "logs"]
"""Routes that share a limit; see `rate_limits`."""

type TakeFromLimit = Callable[[Principal, RateClass, int], Mapping[str, str]]
"""Counts records of a caller's tenant; returns header fields. Raises RateLimited, Unavailable."""


class Request(NamedTuple):
    """An API Gateway proxy event. Header names are in lower case. `detectors` redact the records that it writes.

    `address` is the caller's, as API Gateway sees it; `gateway_id` is the id that it gives the request.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    principal: Principal | None
    detectors: Detectors = SHARED
    take_from_limit: TakeFromLimit | None = None
    address: str | None = None
    gateway_id: str | None = None

    @property
    def caller(self) -> Principal:
        """The authorized caller. Raises Unauthenticated on a route without an authorizer."""
        if self.principal is None:
            raise Unauthenticated("Send an access token: Authorization: Bearer <token>.")
        return self.principal

    @property
    def wants_json(self) -> bool:
        """Whether the caller accepts JSON, for routes that answer with text by default."""
        return "application/json" in self.headers.get("accept", "")

    @property
    def idempotency_key(self) -> str | None:
        """The `Idempotency-Key` header. Raises ValidationFailed when it is too long or not printable."""
        key = self.headers.get("idempotency-key")
        if key is not None and (not key.isprintable() or not 0 < len(key) <= MAX_KEY):
            detail = f"must be 1 to {MAX_KEY} printable characters"
            raise ValidationFailed("The Idempotency-Key is not valid.", errors=[FieldError("/Idempotency-Key", detail)])
        return key

    @property
    def fingerprint(self) -> bytes:
        """Equal for equal requests: method, path, body."""
        return b"\n".join((self.method.encode(), self.path.encode(), self.body))

    def detector_for(self, named: Any) -> Detector:
        """The detector of the tenant that a body is of, in which `named` is the `tenantId`. Raises Unavailable.

        Whether the caller may write for that tenant is checked later: a wrong one is refused then.
        """
        caller = self.caller
        if not caller.crosses_tenants:
            return self.detectors.of(caller.home_tenant)
        return self.detectors.of(caller.write_scope(composed(named) if isinstance(named, str) else None).tenant_id)

    def json(self) -> Any:
        """The body as JSON, as `read_json` reads it. Raises ValidationFailed."""
        return read_json(self.body)


class Call[Q = None, B = None](NamedTuple):
    """A request that may be handled: the role is checked, `query` and `body` are valid as the route declares them.

    `path` has the parameters in the path, as API Gateway has them. `remaining_ms`: how long the function may still
    run.
    """

    request: Request
    path: Mapping[str, str]
    query: Q
    body: B
    remaining_ms: Callable[[], int]

    @property
    def principal(self) -> Principal:
        """The authorized caller."""
        return self.request.caller

    def body_for(self, tenant_id: str | None) -> B:
        """A redacted body as the detector of a tenant redacts it, where only what is stored tells the tenant.

        A super_admin names none to approve an output, for example. Raises ValidationFailed, Unavailable.
        """
        using, body = self.request.detectors.of(tenant_id), self.body
        if not using.is_own or not isinstance(body, Document):
            return body
        return accepted(type(body), body.model_dump(by_alias=True, exclude_unset=True), using)


def request_of(
    event: Mapping[str, Any], detectors: Detectors = SHARED, take_from_limit: TakeFromLimit | None = None
) -> Request:
    """The request in a REST API proxy event (payload format 1.0).

    Raises TooLarge, UnsupportedMediaType, ValidationFailed.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    context = event.get("requestContext") or {}
    return Request(
        method=event["httpMethod"],
        path=event["path"],
        headers=headers,
        query=_query(event),
        body=_body(event, headers.get("content-encoding", "")),
        principal=_principal(context.get("authorizer"), headers),
        detectors=detectors,
        take_from_limit=take_from_limit,
        address=(context.get("identity") or {}).get("sourceIp"),
        gateway_id=context.get("requestId"),
    )


def _query(event: Mapping[str, Any]) -> dict[str, str]:
    """The query parameters, with a mark on those given more than once, of which API Gateway takes the last."""
    given: Mapping[str, str] = event.get("queryStringParameters") or {}
    every: Mapping[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
    return {name: Repeated(value) if len(every.get(name, ())) > 1 else value for name, value in given.items()}


def _body(event: Mapping[str, Any], coding: str) -> bytes:
    text = event.get("body") or ""
    if len(text) > MAX_BODY * 4 / 3 + 4:  # in base64, as all of them are
        raise _too_large()
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except (binascii.Error, UnicodeEncodeError):
        raise ValidationFailed("The body cannot be read.", errors=[FieldError("", "is not valid UTF-8")]) from None
    body = decoded(body, coding, MAX_BODY) if coding else body
    if len(body) > MAX_BODY:
        raise _too_large()
    return body


def _too_large() -> TooLarge:
    return TooLarge(f"The body is larger than {MAX_BODY} bytes; send fewer records in each request.")


def principal_of(event: Mapping[str, Any]) -> Principal:
    """The principal that the authorizer found, in an event of a WebSocket API. Raises Unauthenticated."""
    found = _principal((event.get("requestContext") or {}).get("authorizer"), {})
    if found is None:
        raise Unauthenticated("Send an access token in the parameter `token`.")
    return found


def token_expiry_of(event: Mapping[str, Any]) -> datetime:
    """When the token of a WebSocket handshake expires, by the authorizer."""
    seconds = int(event["requestContext"]["authorizer"]["expiresOn"])
    return datetime.fromtimestamp(min(seconds, _LATEST), UTC)


def _principal(context: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Principal | None:
    if not context or "role" not in context:
        return None
    return Principal(
        subject=str(context["principalId"]),
        role=Role(context["role"]),
        tenants=tuple(orjson.loads(context.get("tenants") or "[]")),
        name=context.get("name") or None,
        requested_tenant=_requested_tenant(headers.get("x-tenant-id")),
    )


def _requested_tenant(header: str | None) -> str | None:
    if not header:
        return None
    try:
        return identifier_of(header)
    except ValueError as exc:
        error = FieldError("/X-Tenant-Id", str(exc))
        raise ValidationFailed("The X-Tenant-Id is not valid.", errors=[error]) from None

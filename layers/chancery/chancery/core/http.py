"""The HTTP edge: requests in, JSON and problem+json (RFC 9457) out. The one place where errors become statuses."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aws_lambda_powertools.event_handler import ApiGatewayResolver, APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from chancery.core.correlation import correlation, correlation_of
from chancery.core.errors import ChanceryError, FieldError, NotFound, TooLarge, Unauthenticated, ValidationFailed
from chancery.core.idempotency import MAX_KEY
from chancery.core.observability import count, instrument, logger
from chancery.core.preconditions import is_known
from chancery.core.principal import Principal, Role
from chancery.core.query import NoParameters, Repeated, parse
from chancery.core.redaction import redact_text

MAX_TENANT = 255  # characters
MAX_BODY = 4 * 1024 * 1024  # bytes; Lambda takes 6 MB with the envelope, and in base64


@dataclass(frozen=True, slots=True)
class Request:
    """What a route needs of an API Gateway proxy event. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    principal: Principal | None

    @property
    def caller(self) -> Principal:
        """The authorized caller. Raises Unauthenticated on a route without an authorizer."""
        if self.principal is None:
            raise Unauthenticated("Send an access token: Authorization: Bearer <token>.")
        return self.principal

    def without_query(self) -> "Request":
        """Itself, on a route that takes no query parameters. Raises ValidationFailed naming those that are there."""
        parse(NoParameters, self.query)
        return self

    @property
    def wants_json(self) -> bool:
        """Whether the caller asks for JSON where text is the rule."""
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
        """Everything that makes two requests the same one."""
        return b"\n".join((self.method.encode(), self.path.encode(), self.body))

    def json(self) -> Any:
        """The body as JSON. Raises ValidationFailed with the place of the mistake, never with the text around it."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as exc:
            detail = f"is not valid JSON in UTF-8 (line {exc.lineno}, column {exc.colno})"
            raise ValidationFailed("The body cannot be read.", errors=[FieldError("", detail)]) from None


def request_of(event: Mapping[str, Any]) -> Request:
    """The request in a REST API proxy event (payload format 1.0). Raises TooLarge."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return Request(
        method=event["httpMethod"],
        path=event["path"],
        headers=headers,
        query=_query(event),
        body=_body(event),
        principal=_principal((event.get("requestContext") or {}).get("authorizer"), headers),
    )


def _query(event: Mapping[str, Any]) -> dict[str, str]:
    """The query parameters, with a mark on those given more than once, of which API Gateway takes the last."""
    given: Mapping[str, str] = event.get("queryStringParameters") or {}
    every: Mapping[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
    return {name: Repeated(value) if len(every.get(name, ())) > 1 else value for name, value in given.items()}


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    if len(text) > MAX_BODY * 4 / 3 + 4:  # in base64, as all of them are
        raise TooLarge(f"The body is larger than {MAX_BODY} bytes; send fewer records in each request.")
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except (binascii.Error, UnicodeEncodeError):
        raise ValidationFailed("The body cannot be read.", errors=[FieldError("", "is not valid UTF-8")]) from None
    if len(body) > MAX_BODY:
        raise TooLarge(f"The body is larger than {MAX_BODY} bytes; send fewer records in each request.")
    return body


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
    if header and not (header.isprintable() and len(header) <= MAX_TENANT):
        detail = f"must be 1 to {MAX_TENANT} printable characters"
        raise ValidationFailed("The X-Tenant-Id is not valid.", errors=[FieldError("/X-Tenant-Id", detail)])
    return header or None


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[str]:
    """A JSON answer; what it holds is a tenant's own, so no cache may keep it."""
    return Response(
        status_code=status,
        content_type="application/json",
        body=orjson.dumps(body).decode(),
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def content(
    body: str | bytes, content_type: str, headers: Mapping[str, str] | None = None, status: int = 200
) -> Response[str | bytes]:
    """An answer that is not JSON; bytes go as they are."""
    headers = {"Cache-Control": "no-store", **(headers or {})}
    text = body if isinstance(body, str) else base64.b64encode(body).decode()  # Powertools takes bytes of JSON for data
    response = Response[str | bytes](status_code=status, content_type=content_type, body=text, headers=headers)
    response.base64_encoded = isinstance(body, bytes)
    return response


def nothing(headers: Mapping[str, str] | None = None) -> Response[str | bytes]:
    """The answer that something is done and there is no more to say: 204."""
    return Response(status_code=204, body="", headers={"Cache-Control": "no-store", **(headers or {})})


def conditional(request: Request, etag: str, make: Callable[[], Response[Any]]) -> Response[Any]:
    """The answer that `make` gives, with its entity tag; or 304 without a body where the caller has it already.

    A caller's own cache may keep it and ask again each time.
    """
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, X-Tenant-Id"}
    if is_known(request.headers, etag):
        return Response(status_code=304, body="", headers=dict(headers))
    response = make()
    response.headers.update(headers)
    return response


def redirect(url: str, status: int = 307) -> Response[str | bytes]:
    """Sends the caller elsewhere, this time: 307 for the same thing, 303 for another that answers (RFC 9110)."""
    return Response(status_code=status, body="", headers={"Location": url, "Cache-Control": "no-store"})


def problem(error: ChanceryError, path: str) -> Response[str]:
    """The problem+json of an error, at `path`."""
    body = error.as_problem() | {"instance": redact_text(path)}
    if trace_id := correlation.get().trace_id:
        body["traceId"] = trace_id
    headers = {"Cache-Control": "no-store", **error.headers}
    return Response(
        status_code=error.status,
        content_type="application/problem+json",
        body=orjson.dumps(body).decode(),
        headers=headers,
    )


class _Resolver(APIGatewayRestResolver):
    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "") -> re.Pattern[str]:  # noqa: ARG004
        """The whole path and nothing behind it; Powertools' `$` would overlook a newline there."""
        pattern: re.Pattern[str] = ApiGatewayResolver._compile_regex(rule, r"^{}/*\Z")
        return pattern


def rest_api() -> APIGatewayRestResolver:
    """A Powertools resolver whose every error is problem+json. Unknown errors are logged once and answered 500."""
    app = _Resolver()

    def expected(error: ChanceryError) -> Response[str]:
        if error.status >= 500:
            logger.error("REQUEST_FAILED", reason=error.detail, cause=type(error.__cause__).__name__)
            count("RequestsUnavailable" if error.status == 503 else "RequestsFailed")
        return problem(error, app.current_event.path)

    def unexpected(error: Exception) -> Response[str]:
        logger.error("REQUEST_CRASHED", error=type(error).__name__, at=_place(error))
        count("RequestsFailed")
        return problem(ChanceryError("Something went wrong on our side; it has been logged."), app.current_event.path)

    def unknown(_: NotFoundError) -> Response[str]:
        return problem(NotFound("There is no such route; see GET /v1/openapi.json."), app.current_event.path)

    app.exception_handler(ChanceryError)(expected)
    app.exception_handler(Exception)(unexpected)
    app.not_found(unknown)
    return app


def _place(error: Exception) -> list[str]:
    """Where it happened: files and lines only, since an exception's text may hold what the caller sent."""
    places, frame = [], error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/')[2]}:{frame.tb_lineno} {code.co_name}")
        frame = frame.tb_next
    return places[-12:]


def _located(answer: dict[str, Any], path: str) -> dict[str, Any]:
    """The answer, with a `Location` of ours relative to `path`: what stands before `/v1` is the gateway's own.

    Source: RFC 9110 section 10.2.2, RFC 3986 section 5.2.
    """
    headers = answer.get("multiValueHeaders") or {}
    for at, location in enumerate(headers.get("Location", ())):
        if location.startswith("/"):
            headers["Location"][at] = "/".join([".."] * (path.count("/") - 1)) + location
    return answer


def serve(app: APIGatewayRestResolver) -> Callable[..., Any]:
    """The Lambda handler of a resolver."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        token = correlation.set(correlation_of(headers))
        try:
            return _located(app.resolve(event, context), event["path"])
        finally:
            correlation.reset(token)

    instrumented: Callable[..., Any] = instrument(handler)
    return instrumented

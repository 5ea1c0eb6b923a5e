"""Serves declared routes with Powertools: answers become responses, errors problem+json (RFC 9457).

The one place where errors become statuses, and the only module that knows the router.
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from chancery.core.errors import ChanceryError
from chancery.core.formats.correlation import correlation, correlation_of
from chancery.core.observability import count, instrument, logger
from chancery.core.redaction import redact_text
from chancery.core.web.answers import Answer
from chancery.core.web.preconditions import is_known
from chancery.core.web.request import request_of
from chancery.core.web.routes import AnyRoute, RouteGroup, answer_unserved, refusal


def serve(
    *served: tuple[RouteGroup[Any], Callable[[], Any]], every_route: Sequence[AnyRoute] = ()
) -> Callable[..., Any]:
    """The Lambda handler of route groups, each as `(group, service)`.

    `service` returns the group's service; it is called after the checks of each request, and so must cache it.
    `every_route`: all routes of the API, in the function that answers for paths and methods that no function serves.
    """
    app = _resolver(every_route)
    for group, service in served:
        for route in group.routes:
            app.route(_rule(route), method=route.method)(_handler(app, route, service))
    return _lambda_handler(app)


def response_of(answer: Answer, request_headers: Mapping[str, str]) -> Response[Any]:
    """The Powertools response of an answer; 304 where the caller has it already."""
    headers = {"Cache-Control": "no-store", **answer.headers}
    if answer.etag is not None:
        headers |= {"ETag": answer.etag, "Cache-Control": "private, no-cache"}
        headers |= {"Vary": "Accept, Authorization, X-Tenant-Id"}
        if is_known(request_headers, answer.etag):
            return Response(status_code=304, body="", headers=dict(headers))
    if answer.body is None:
        return Response(status_code=answer.status, body="", headers=dict(headers))
    text = _text(answer.body)
    response = Response(answer.status, content_type=answer.media_type, body=text, headers=dict(headers))
    response.base64_encoded = isinstance(answer.body, bytes)
    return response


def _text(body: Any) -> str:
    if isinstance(body, bytes):
        return base64.b64encode(body).decode()  # here already: Powertools would decode bytes of JSON
    return body if isinstance(body, str) else orjson.dumps(body).decode()


def _rule(route: AnyRoute) -> str:
    """The path in the syntax of Powertools."""
    return re.sub(r"\{(\w+)\}", r"<\1>", re.sub(r"\{\w+\+\}", ".+", route.path))


def _handler(app: APIGatewayRestResolver, route: AnyRoute, service: Callable[[], Any]) -> Callable[..., Response[Any]]:
    def handle(**_: str) -> Response[Any]:
        request = request_of(app.current_event.raw_event)
        path = route.match(request.path)
        if path is None:  # Powertools overlooks a newline at the end
            raise refusal((), request.method, request.path)
        answer = route.handle(service, request, path, app.lambda_context.get_remaining_time_in_millis)
        return response_of(answer, request.headers)

    return handle


def _resolver(every_route: Sequence[AnyRoute]) -> APIGatewayRestResolver:
    """A Powertools resolver whose every error is problem+json. Unknown errors are logged once and answered 500."""
    app = APIGatewayRestResolver()

    def expected(error: ChanceryError) -> Response[str]:
        if error.status >= 500:
            logger.error("REQUEST_FAILED", reason=error.detail, cause=type(error.__cause__).__name__)
            count("RequestsUnavailable" if error.status == 503 else "RequestsFailed")
        return problem(error, app.current_event.path)

    def unexpected(error: Exception) -> Response[str]:
        logger.error("REQUEST_CRASHED", error=type(error).__name__, at=_traceback(error))
        count("RequestsFailed")
        return problem(ChanceryError("Something went wrong on our side; it has been logged."), app.current_event.path)

    def unserved(_: NotFoundError) -> Response[Any]:
        event = app.current_event
        try:
            return response_of(answer_unserved(every_route, event.http_method, event.path), {})
        except ChanceryError as exc:
            return problem(exc, event.path)

    app.exception_handler(ChanceryError)(expected)
    app.exception_handler(Exception)(unexpected)
    app.not_found(unserved)
    return app


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


def _traceback(error: Exception) -> list[str]:
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


def _lambda_handler(app: APIGatewayRestResolver) -> Callable[..., Any]:
    """The Lambda handler of a resolver, with the correlation of the request around it."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        token = correlation.set(correlation_of(headers))
        try:
            return _located(app.resolve(event, context), event["path"])
        finally:
            correlation.reset(token)

    instrumented: Callable[..., Any] = instrument(handler)
    return instrumented

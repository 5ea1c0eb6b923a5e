"""Serves declared routes: the handler that reads API Gateway's events and writes its responses.

The one place where errors become statuses: problem+json (RFC 9457).
"""

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from chancery.core.detectors import Detectors
from chancery.core.errors import ChanceryError
from chancery.core.formats.correlation import correlation, correlation_of
from chancery.core.observability import count, instrument, logger
from chancery.core.redaction import redact_text
from chancery.core.web.answers import PROBLEM, Answer
from chancery.core.web.preconditions import is_known
from chancery.core.web.refused_accesses import RecordMiss, audit_miss, trace
from chancery.core.web.request import TakeFromLimit, request_of
from chancery.core.web.routes import AnyRoute, RouteGroup, answer_unserved, specificity


class Tenants(NamedTuple):
    """What a function needs of its callers' tenants, made on the first request.

    `take_from_limit` counts requests against rate limits. `detectors` redact what routes store of a body. `record_miss`
    audits what a caller of every tenant does not find.
    """

    take_from_limit: Callable[[], TakeFromLimit]
    detectors: Callable[[], Detectors]
    record_miss: RecordMiss


class _Match(NamedTuple):
    """The route of a request, its service, and the parameters in the path."""

    route: AnyRoute
    service: Callable[[], Any]
    path: Mapping[str, str]


class _Served(NamedTuple):
    """What a handler serves: routes with their services, every path of the API, and the tenants."""

    routes: Sequence[tuple[AnyRoute, Callable[[], Any]]]
    every_path: Mapping[str, Collection[str]]
    tenants: Tenants | None


def serve(
    *served: tuple[RouteGroup[Any], Callable[[], Any]],
    every_path: Mapping[str, Collection[str]] | None = None,
    tenants: Tenants | None = None,
) -> Callable[..., Any]:
    """The Lambda handler of route groups, each as `(group, service)`.

    `service` returns the group's service; it is called after the checks of each request, and so must cache it.
    `every_path`: the methods of every path of the API (see `methods_by_path`), in the function that answers for paths
    and methods that no function serves. `tenants`: needed by every route with an authorizer. Raises TypeError where it
    is missing.
    """
    routes = [(route, service) for group, service in served for route in group.routes]
    for route, _ in routes:
        if tenants is None and not route.open:
            raise TypeError(f"{route.method} {route.path} has callers with tenants: serve it with them")
        route.build_models()
    routes.sort(key=lambda item: specificity(item[0].path))
    everything = _Served(routes, every_path or {}, tenants)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        token = correlation.set(correlation_of(headers))
        try:
            return _respond(everything, event, context, headers)
        finally:
            correlation.reset(token)

    instrumented: Callable[..., Any] = instrument(handler)
    return instrumented


def _respond(served: _Served, event: dict[str, Any], context: Any, headers: Mapping[str, str]) -> dict[str, Any]:
    """The response to an event. Unknown errors are logged once and answered 500."""
    path, found = event["path"], _match(served, event)
    try:
        return _response(_answer(served, found, event, context), path, headers)
    except ChanceryError as error:
        if error.status >= 500:
            logger.error("REQUEST_FAILED", reason=error.detail, cause=type(error.__cause__).__name__)
            count("RequestsUnavailable" if error.status == 503 else "RequestsFailed")
        return _response(_error_answer(found, error, path, headers), path)
    except Exception as error:
        logger.error("REQUEST_CRASHED", error=type(error).__name__, at=_traceback(error))
        count("RequestsFailed")
        unknown = ChanceryError("Something went wrong on our side; it has been logged.")
        return _response(_error_answer(found, unknown, path, headers), path)


def _match(served: _Served, event: dict[str, Any]) -> _Match | None:
    """The route that a request is for; None where the function serves none."""
    declared = ""
    for route, service in served.routes:
        if declared not in ("", route.path) or (path := route.match(event["path"])) is None:
            continue
        declared = route.path  # the most specific that matches; its methods alone are those of the path
        if route.method == event["httpMethod"]:
            return _Match(route, service, path)
    return None


def _answer(served: _Served, found: _Match | None, event: dict[str, Any], context: Any) -> Answer:
    if found is None:
        return answer_unserved(served.every_path, event["httpMethod"], event["path"])
    (route, service, path), tenants = found, served.tenants
    remaining_ms = context.get_remaining_time_in_millis
    if route.open or tenants is None:
        return route.handle(service, request_of(event), path, remaining_ms)
    from chancery.core.mongo.client import time_budget  # a function without a database does without a driver

    with time_budget(remaining_ms()):
        request = request_of(event, tenants.detectors(), tenants.take_from_limit())
        try:
            return route.handle(service, request, path, remaining_ms)
        except ChanceryError as error:
            trace(error, request)
            audit_miss(error, route, path, request, tenants.record_miss)
            raise


def _response(answer: Answer, path: str, request_headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The proxy response of an answer; 304 where the caller has it already."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **answer.headers}
    status, body = answer.status, answer.body
    if answer.etag is not None:
        headers |= {"ETag": answer.etag, "Cache-Control": "private, no-cache"}
        headers |= {"Vary": "Accept, Authorization, X-Tenant-Id"}
        if is_known(request_headers or {}, answer.etag):
            status, body = 304, None
    if body is not None:
        headers.setdefault("Content-Type", answer.media_type)
    if headers.get("Location", "").startswith("/"):
        headers["Location"] = _relative(headers["Location"], path)
    return {
        "statusCode": status,
        "body": _text(body),
        "isBase64Encoded": isinstance(body, bytes),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
    }


def _text(body: Any) -> str:
    if body is None:
        return ""
    if isinstance(body, bytes):
        return base64.b64encode(body).decode()
    return body if isinstance(body, str) else orjson.dumps(body).decode()


def _relative(location: str, path: str) -> str:
    """A location of ours relative to `path`: the part before `/v1` is the gateway's own.

    Source: RFC 9110 section 10.2.2, RFC 3986 section 5.2.
    """
    return "/".join([".."] * (path.count("/") - 1)) + location


def _error_answer(found: _Match | None, error: ChanceryError, path: str, headers: Mapping[str, str]) -> Answer:
    """The answer of an error: a problem, unless the route has another format."""
    if found is not None and found.route.errors:
        return found.route.errors.answer(error, headers)
    return _problem(error, path)


def _problem(error: ChanceryError, path: str) -> Answer:
    """The problem+json of an error, at `path`."""
    body = error.as_problem() | {"instance": redact_text(path)}
    if trace_id := correlation.get().trace_id:
        body["traceId"] = trace_id
    return Answer(error.status, body, error.headers, PROBLEM)


def _traceback(error: Exception) -> list[str]:
    """Where it happened: files and lines only, since an exception's text may hold what the caller sent."""
    places, frame = [], error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/')[2]}:{frame.tb_lineno} {code.co_name}")
        frame = frame.tb_next
    return places[-12:]

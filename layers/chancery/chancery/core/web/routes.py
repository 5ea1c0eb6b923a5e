"""Routes, declared once: who may call, what it takes, what it answers, and the method of a service that handles it.

A record type declares its routes in `routes.py`, grouped by the function and the service that serve them:

    READS = group(
        "read_notes",
        Route("GET", "/v1/notes", "Notes", NoteReader.search, READERS, query=NoteSearch, answers={200: PageOf(NOTE)}),
        Route("GET", "/v1/notes/{refId}", "One note", NoteReader.get, READERS, query=TenantChoice, answers={200: Note}),
    )

The function serves them with an instance of that service, made on the first request:

    handler = serve((READS, wiring.reader))

A handler takes a `Call` and returns a dict, which is the JSON of the only 2xx that its route declares, or an `Answer`:

    def get(self, call: Call[TenantChoice]) -> dict[str, Any]: ...

`Route.handle` is the one place with the order of checks: token, role, query parameters, body, rate limit, handler. So a
handler can omit none of them. OpenAPI, the permission matrix and the 404 and 405 answers are derived from the same
declaration.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from chancery.core.documents import Document, build
from chancery.core.errors import MethodNotAllowed, NotFound
from chancery.core.identity.roles import Role
from chancery.core.web.answers import Answer, Declared, ErrorFormat
from chancery.core.web.request import MAX_BATCH, Call, RateClass, Request
from chancery.core.web.validation import NoParameters, accepted, parse

OPEN = None  # the `roles` of a route without an authorizer, which takes any query parameter
_PARAMETER = re.compile(r"\{(\w+)(\+?)\}")


class Body[B](NamedTuple):
    """The JSON body of a route: the model that documents it, and what the handler gets of it.

    A body that is not `required` may be left out, and is read as `{}`. `batch`: also `{"records": [...]}` of the model.
    `stored`: what is stored of it is redacted by its tenant's own rules, so that `serve` needs their detectors.
    `media_types`: other ones than JSON that it may have. `records_in`: counts its records, for the rate limit.
    """

    model: type[BaseModel]
    read: Callable[[Request], B]
    required: bool = True
    batch: bool = False
    stored: bool = False
    media_types: tuple[str, ...] = ()
    records_in: Callable[[B], int] | None = None

    def parse(self, request: Request) -> B:
        """Raises ValidationFailed naming every wrong field."""
        return self.read(request if self.required or request.body else request._replace(body=b"{}"))


def validated_body[M: Document](model: type[M], *, stored: bool = False) -> Body[M]:
    """A body that is validated as it comes; with `stored` the service refuses what its tenant would not have stored."""
    return Body(model, lambda request: parse(model, request.json(), request.caller), stored=stored)


def redacted_body[M: Document](model: type[M], *, required: bool = True) -> Body[M]:
    """A body that is redacted before it is validated; exact fields that redaction would change are refused."""

    def read(request: Request) -> M:
        body = request.json()
        return accepted(model, body, request.detector_for(body.get("tenantId") if isinstance(body, dict) else None))

    return Body(model, read, required, stored=True)


def json_body(model: type[BaseModel], *, batch: bool = False) -> Body[Any]:
    """A body that the service redacts and validates itself; the handler gets the parsed JSON."""
    return Body(model, Request.json, batch=batch, stored=True)


class Route[S, Q = None, B = None](NamedTuple):
    """A method and path with everything that holds for it; `{name}` in the path is one segment, `{name+}` many.

    `handler` is a method of the service S. `answers`: status → the content of the answer, without the problems, which
    follow from the other fields. `precondition`: the header of RFC 9110 section 13 that is heeded; a change needs it.
    `rate`: the rate limit that requests count against, where it is not `read` for GET and `write` for others.
    `function`: the folder of the function that serves it, set by `group`. `path_values`: a parameter of the path → the
    values that it may have; with another one there is no such route. `errors`: the format of its errors, where that is
    not problem+json.
    """

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    summary: str
    handler: Callable[[S, Call[Q, B]], Answer | dict[str, Any]]
    roles: frozenset[Role] | None
    answers: Mapping[int, Declared]
    query: type[Q] | None = None
    body: Body[B] | None = None
    precondition: Literal["If-Match", "If-None-Match"] | None = None
    rate: RateClass | None = None
    function: str = ""
    path_values: Mapping[str, tuple[str, ...]] = {}
    errors: ErrorFormat | None = None

    @property
    def open(self) -> bool:
        return self.roles is OPEN

    def build_models(self) -> None:
        """Builds what its parameters and its body are validated with, before the first request."""
        models = (None if self.open else self.query or NoParameters, self.body and self.body.model)
        for model in models:
            if model and issubclass(model, Document):
                build(model)

    @property
    def openapi_path(self) -> str:
        """The path without the mark of a parameter with slashes, which OpenAPI does not have."""
        return self.path.replace("+}", "}")

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the path's parameters."""
        return tuple(pattern_of(self.path).groupindex)

    def match(self, path: str) -> dict[str, str] | None:
        """The path's parameters; None where it is not this route's. Slashes at its end count for `{name+}` only."""
        found = pattern_of(self.path).fullmatch(path)
        if found is None or any(found[name] not in values for name, values in self.path_values.items()):
            return None
        return found.groupdict()

    def handle(
        self, service: Callable[[], S], request: Request, path: Mapping[str, str], remaining_ms: Callable[[], int]
    ) -> Answer:
        """Checks the request, then lets the service handle it.

        Raises Unauthenticated, Forbidden, ValidationFailed, RateLimited, and what the handler raises.
        """
        query: Any = None
        if self.roles is not OPEN:
            request.caller.require(self.roles)
            query = parse(self.query or NoParameters, request.query, request.caller)  # type: ignore[type-var]
        body: Any = self.body.parse(request) if self.body else None
        standing = self._count(request, body)
        done = self.handler(service(), Call(request, path, query, body, remaining_ms))
        answer = done if isinstance(done, Answer) else Answer(self.success, done)
        return answer._replace(headers={**answer.headers, **standing}) if standing else answer

    def _count(self, request: Request, body: Any) -> Mapping[str, str]:
        """Counts the records of a request against its tenant's limit; the header fields about it."""
        if self.roles is OPEN or request.take_from_limit is None:
            return {}
        return request.take_from_limit(request.caller, self.rate_class, max(1, self._records(body)))

    def _records(self, body: Any) -> int:
        if self.body and self.body.records_in:
            return self.body.records_in(body)
        batch = body.get("records") if self.body and self.body.batch and isinstance(body, dict) else None
        return min(len(batch), MAX_BATCH) if isinstance(batch, list) else 1

    @property
    def rate_class(self) -> RateClass:
        """The rate limit that requests count against."""
        return self.rate or ("read" if self.method == "GET" else "write")

    @property
    def success(self) -> int:
        """The only 2xx status that is declared."""
        (status,) = (status for status in self.answers if 200 <= status < 300)
        return status


class RouteGroup[S](NamedTuple):
    """Routes that one function serves with one service."""

    function: str
    routes: tuple[Route[S, Any, Any], ...]


def group[S](function: str, *routes: Route[S, Any, Any]) -> RouteGroup[S]:
    """The routes that a function (the name of its folder) serves with a service."""
    return RouteGroup(function, tuple(route._replace(function=function) for route in routes))


type AnyRoute = Route[Any, Any, Any]


@cache
def pattern_of(path: str) -> re.Pattern[str]:
    """Matches a declared path and slashes at its end, with a group for each parameter."""
    parts, at = [], 0
    for found in _PARAMETER.finditer(path):
        segment = ".+" if found[2] else r"[^/\n]+"
        parts += [re.escape(path[at : found.start()]), f"(?P<{found[1]}>{segment})"]
        at = found.end()
    return re.compile("".join(parts) + re.escape(path[at:]) + "/*")


def specificity(path: str) -> list[int]:
    """Sorts a declared path before the paths that match it too: `/v1/notes/stats` is not the note `stats`."""
    return [2 if "+}" in segment else 1 if "{" in segment else 0 for segment in path.split("/")]


def methods_by_path(routes: Iterable[AnyRoute]) -> dict[str, list[str]]:
    """The methods of every declared path."""
    methods: dict[str, list[str]] = {}
    for route in routes:
        methods.setdefault(route.path, []).append(route.method)
    return methods


def answer_unserved(every_path: Mapping[str, Iterable[str]], method: str, path: str) -> Answer:
    """The answer to what no route of a function serves: 204 to OPTIONS. Raises MethodNotAllowed, else NotFound.

    `every_path`: declared path → its methods. The most specific path that matches counts, as in API Gateway.
    """
    matching = [declared for declared in every_path if pattern_of(declared).fullmatch(path)]
    if not matching:
        raise NotFound("There is no such route; see GET /v1/openapi.json.")
    allowed = sorted({*every_path[min(matching, key=specificity)], "OPTIONS"})
    if method == "OPTIONS":
        return Answer(204, headers={"Allow": ", ".join(allowed)})
    raise MethodNotAllowed(f"{path} does not take {method}; it takes {', '.join(allowed)}.", allowed)

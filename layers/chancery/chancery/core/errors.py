"""Every error Chancery answers with, and the HTTP status of each.

ChanceryError
├── ValidationFailed    422  the caller's input is wrong; `errors` names every field
├── Unauthenticated     401  no token, or one that does not hold
├── Forbidden           403  the role may not do this
├── NotFound            404  no such record for this caller
│   └── NoSuchTenant    404  the tenant is not on the token, or does not exist
├── MethodNotAllowed    405
├── Conflict            409  the record is in another state
├── PreconditionFailed  412  the record has been changed since it was read (RFC 9110 section 15.5.13)
├── TooLarge            413
├── UnsupportedMediaType 415 the body has a content coding that is not supported (RFC 9110 section 15.5.16)
├── RangeNotSatisfiable 416  the range lies behind the end of what there is (RFC 9110 section 15.5.17)
├── PreconditionRequired 428  the request does not say which version it changes (RFC 6585 section 3)
├── Limited             429  with `retry_after`
│   └── PolicyViolated   429  a limit or quota of the tenant, which it names
└── Unavailable         503  a dependency is away; with `retry_after`
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple


class FieldError(NamedTuple):
    """One wrong field: an RFC 6901 JSON pointer into the body (or `/param` of the query) and what to do."""

    pointer: str
    detail: str


type Access = Literal["refused", "missed"] | None

_MOST_ERRORS = 500  # of one problem; an answer ends at 6 MB


class ChanceryError(Exception):
    """Base of all expected errors; `detail` is safe for the caller. `access`: what became of the caller's access."""

    status = 500
    access: Access = None  # both leave a trace; see core/web/refused_accesses.py
    type = "about:blank"  # a URI reference; errors that programs distinguish have one of their own
    title = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)[:_MOST_ERRORS]
        self.retry_after = retry_after

    def as_problem(self) -> dict[str, Any]:
        """The members of RFC 9457 problem details that belong to the error itself."""
        body: dict[str, Any] = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return body | ({"errors": [item._asdict() for item in self.errors]} if self.errors else {})

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers that belong to the error."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def reason_of(error: Exception) -> str:
    """The reason of a failure, for log and item. Unexpected errors without their text, which may hold a value."""
    return error.detail if isinstance(error, ChanceryError) else f"An unexpected {type(error).__name__}."


class ValidationFailed(ChanceryError):
    status = 422
    title = "Invalid input"


class Unauthenticated(ChanceryError):
    status = 401
    access = "refused"
    title = "Not authenticated"


class Forbidden(ChanceryError):
    status = 403
    access = "refused"
    title = "Not allowed"


class NotFound(ChanceryError):
    status = 404
    access: Access = "missed"
    title = "Not found"


class NoSuchTenant(NotFound):
    access = "refused"


class MethodNotAllowed(ChanceryError):
    status = 405
    title = "Method not allowed"

    def __init__(self, detail: str, allowed: Sequence[str]) -> None:
        super().__init__(detail)
        self.allowed = tuple(allowed)

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class Conflict(ChanceryError):
    status = 409
    title = "Conflict"


class PreconditionFailed(ChanceryError):
    status = 412
    title = "Changed in the meantime"


class TooLarge(ChanceryError):
    status = 413
    title = "Body too large"


class UnsupportedMediaType(ChanceryError):
    status = 415
    title = "Unsupported content coding"

    @property
    def headers(self) -> dict[str, str]:
        return {"Accept-Encoding": "gzip, identity"}  # RFC 9110 section 12.5.3


class RangeNotSatisfiable(ChanceryError):
    status = 416
    title = "Range not satisfiable"

    def __init__(self, length: int) -> None:
        super().__init__(f"There are {length} bytes; ask for a range that begins before their end.")
        self.length = length

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Range": f"bytes */{self.length}"}


class PreconditionRequired(ChanceryError):
    status = 428
    title = "Precondition required"


class Limited(ChanceryError):
    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = (), retry_after: int | None = 1) -> None:
        super().__init__(detail, errors=errors, retry_after=retry_after)


class PolicyViolated(Limited):
    """A limit or quota of the tenant. Source: draft-ietf-httpapi-ratelimit-headers-11, section 5."""

    type = "https://iana.org/assignments/http-problem-types#quota-exceeded"

    def __init__(self, policy: str, detail: str, retry_after: int) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.policy = policy

    def as_problem(self) -> dict[str, Any]:
        return super().as_problem() | {"violated-policies": [self.policy]}


class Unavailable(ChanceryError):
    status = 503
    title = "Temporarily unavailable"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = (), retry_after: int | None = 5) -> None:
        super().__init__(detail, errors=errors, retry_after=retry_after)

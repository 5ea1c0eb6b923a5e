"""The type and the limits of every field that a line of a log may have."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from chancery.core.documents import Document, Identifier, TraceId

LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
ERRORS = ("error", "fatal")  # levels of lines that form groups
# What other loggers call them: Python, syslog (RFC 5424), npm and Winston, java.util.logging.
_SYNONYMS = {
    **{level: level for level in LEVELS},
    **dict.fromkeys(("silly", "finest", "finer"), "trace"),
    **dict.fromkeys(("verbose", "fine"), "debug"),
    **dict.fromkeys(("http", "notice", "information", "config"), "info"),
    "warning": "warn",
    **dict.fromkeys(("err", "severe"), "error"),
    **dict.fromkeys(("critical", "crit", "alert", "emerg", "emergency", "panic"), "fatal"),
}


def level_of(given: Any) -> Any:
    """The level that a name of one means, in any case; another value as it is."""
    return _SYNONYMS.get(given) or _SYNONYMS.get(given.lower(), given) if isinstance(given, str) else given


def levels_from(level: str) -> tuple[str, ...]:
    """A level and those above it."""
    return LEVELS[LEVELS.index(level) :]


Level = Annotated[Literal["trace", "debug", "info", "warn", "error", "fatal"], BeforeValidator(level_of)]
Message = Annotated[str, StringConstraints(max_length=32_768, pattern=r"^[^\x00]*$")]
Stack = Annotated[str, StringConstraints(max_length=65_536, pattern=r"^[^\x00]*$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Endpoint = Annotated[str, StringConstraints(min_length=1, max_length=2048, pattern=r"^[^\x00-\x1f\x7f]+$")]
Milliseconds = Annotated[float, Field(ge=0, le=1e12)]


class ErrorCause(Document):
    """An exception that led to another one."""

    type: Label | None = None
    message: Message | None = None
    stack: Stack | None = None


class ErrorDetail(ErrorCause):
    """An exception; `causes`, the direct one first."""

    causes: Annotated[list[ErrorCause], Field(max_length=20)] | None = None


FIELDS: Mapping[str, Any] = {
    "level": Level,
    "message": Message,
    "template": Message,
    "logger": Label,
    "error": ErrorDetail,
    "event_type": Label,
    "summary": Message,
    "actor_type": Literal["human", "agent", "system"],
    "actor_id": Identifier,
    "user_id": Identifier,
    "session_id": Identifier,
    "activity_id": Identifier,
    "goal_id": Identifier,
    "endpoint": Endpoint,
    "method": Label,
    "status_code": Annotated[int, Field(ge=0, le=999)],
    "duration_ms": Milliseconds,
    "feature": Label,
    "data": dict[str, Any],
    "attributes": dict[str, Any],
    "release": Label,
    "trace_id": TraceId,
    "correlation_id": Identifier,
}
FREE_FORM = ("data", "attributes")

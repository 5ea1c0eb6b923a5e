"""The kinds of operational logs, each declared once.

An entry of `KINDS` is all that a kind needs: its models, validator, indexes, TTL, database roles, routes, OpenAPI, data
dictionary and traces are derived from it. `fields.py` has the type of each field.
"""

from collections.abc import Mapping
from dataclasses import dataclass

COMMON = (
    "level",
    "message",
    "user_id",
    "session_id",
    "activity_id",
    "goal_id",
    "data",
    "attributes",
    "release",
    "trace_id",
    "correlation_id",
)
_ORIGIN = ("template", "logger")
_REQUEST = ("endpoint", "method", "status_code", "duration_ms")


@dataclass(frozen=True, slots=True, eq=False)
class LogKind:
    """A kind of log: `name` in paths and events, its collection and its fields besides `COMMON`.

    `required`: fields that a line must have. `any_of`: of these it must have one. `level`: of a line that names none.
    `indexed`: fields of which few lines have the same value, and by which lines of this kind are looked for: each has
    an index. Other filters read a tenant's lines of a time, which bounds every search.
    """

    name: str
    collection: str
    trace_kind: str
    summary: str
    retention_days: int
    own_fields: tuple[str, ...]
    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    level: str = "info"
    indexed: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields of a line that a caller may send, in the order in which they are stored."""
        return (*COMMON, *self.own_fields)

    @property
    def has_errors(self) -> bool:
        """Whether its lines form groups of errors."""
        return "error" in self.own_fields


KINDS = (
    LogKind(
        "event",
        "event_logs",
        "event_log",
        "what happened in the platform, step by step: feeds and timelines",
        90,
        ("event_type", "summary", "actor_type", "actor_id"),
        required=("event_type",),
        indexed=("trace_id", "activity_id"),
    ),
    LogKind(
        "error",
        "error_logs",
        "error_log",
        "errors with their stack",
        30,
        ("error", *_ORIGIN, *_REQUEST),
        any_of=("error", "message"),
        level="error",
        indexed=("trace_id", "user_id"),
    ),
    LogKind(
        "app",
        "app_logs",
        "app_log",
        "what an application's logger writes",
        30,
        ("error", *_ORIGIN, *_REQUEST),
        required=("message",),
        indexed=("trace_id", "user_id", "activity_id"),
    ),
    LogKind(
        "activity",
        "activity_logs",
        "activity_log",
        "what agents do in an activity",
        30,
        ("event_type", "summary", "error", *_ORIGIN, "duration_ms"),
        required=("activity_id",),
        indexed=("trace_id", "activity_id"),
    ),
    LogKind(
        "user-activity",
        "user_activity",
        "user_activity",
        "what users do",
        90,
        ("event_type", "summary", "feature", *_REQUEST),
        required=("user_id", "event_type"),
        indexed=("trace_id", "user_id", "session_id"),
    ),
    LogKind(
        "performance",
        "performance_metrics",
        "performance_metric",
        "how long requests, queries and jobs take",
        90,
        _REQUEST,
        required=("endpoint", "duration_ms"),
        indexed=("trace_id",),
    ),
    LogKind(
        "feature-usage",
        "feature_usage",
        "feature_use",
        "which features are used, and by whom",
        90,
        ("feature", "event_type", "duration_ms"),
        required=("feature",),
        indexed=("trace_id", "user_id"),
    ),
)
KINDS_BY_NAME: Mapping[str, LogKind] = {kind.name: kind for kind in KINDS}

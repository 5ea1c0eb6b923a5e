"""Which events a reader of the feed gets: patterns of types, and a filter of their data."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import orjson
from pydantic import TypeAdapter, ValidationError

from chancery.core.documents import refusal_of
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.json_limits import problems
from chancery.core.redaction import Detector, redact
from chancery.core.web.validation_messages import field_errors
from chancery.destinations.events import Event, SourceName, selects, sources_of
from chancery.destinations.feed.models import Patterns
from chancery.destinations.filters import FilterRefused, compiled


class Subscription:
    """Patterns and filter, compiled once. `matches` tells whether an event is one of it."""

    def __init__(self, patterns: Sequence[str], filtered: Mapping[str, Any] | None) -> None:
        """Raises FilterRefused."""
        self.sources: tuple[SourceName, ...] = sources_of(patterns)
        self._selects = selects(patterns)
        self._matches = compiled(filtered) if filtered is not None else None

    def matches(self, event: Event) -> bool:
        """Whether the type and the data of an event match."""
        return self._selects(event.type) and (self._matches is None or self._matches(event.data))


class Asked(NamedTuple):
    """Patterns and filter as a query has them: text."""

    events: str
    filter: str | None

    def subscription(self) -> Subscription:
        """Raises ValidationFailed naming every wrong parameter."""
        patterns = [name.strip() for name in self.events.split(",")]
        wrong, filtered = [], None
        try:
            _patterns().validate_python(patterns)
        except ValidationError as exc:
            wrong += [FieldError("/events", error.detail) for error in field_errors(exc)][:1]
        try:
            filtered = orjson.loads(self.filter) if self.filter is not None else None
        except orjson.JSONDecodeError:
            wrong.append(FieldError("/filter", "must be JSON"))
        if wrong:
            raise ValidationFailed("The request is not valid.", errors=wrong)
        return checked(patterns, filtered)


@cache
def _patterns() -> TypeAdapter[list[str]]:
    return TypeAdapter(Patterns)


def checked(patterns: Sequence[str], filtered: Any, using: Detector | None = None) -> Subscription:
    """A subscription. Raises ValidationFailed for a filter that is not understood, or that would store a secret."""
    wrong = [] if filtered is None else list(problems(filtered, "/filter"))
    if not wrong and filtered is not None and using is not None and redact(filtered, using=using) != filtered:
        wrong = [FieldError("/filter", refusal_of(orjson.dumps(filtered).decode(), using))]
    if not wrong:
        try:
            return Subscription(patterns, filtered)
        except FilterRefused as exc:
            wrong = [FieldError(f"/filter{exc.pointer}", str(exc))]
    raise ValidationFailed("The request is not valid.", errors=wrong)

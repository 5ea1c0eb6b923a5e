"""Events as destinations and the feed have them, and the patterns of event types that select them.

    Event("audit", 42, "audit.blog_post.updated", "01J...", occurred_on, {"refId": "01J...", "action": ...})

Sources, each with a gapless sequence per tenant:

    audit   audit.<action>       audit records; the sequence is the place in the tenant's log (leaf index + 1)
    logs    log.<kind>           log lines: log.error, log.event, log.app, log.user-activity, ...
    events  exchange.completed   what the platform reports besides: finished exchanges, sealed checkpoints,
            checkpoint.sealed    issued contracts
            contract.issued
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, StringConstraints

from chancery.core.feeds import Item as Item

SourceName = Literal["audit", "logs", "events"]
SOURCES: tuple[SourceName, ...] = ("audit", "logs", "events")
_SOURCE_OF: dict[str, SourceName] = {"audit": "audit", "log": "logs"}
REPORTED = ("exchange.completed", "checkpoint.sealed", "contract.issued")  # the types of the source `events`
_PATTERN = re.compile(r"\*|[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*(\.\*)?")


class Event(NamedTuple):
    """A record as it is delivered. `data`: JSON, as the API answers with it; redacted, as everything stored is."""

    source: SourceName
    item: Item
    type: str
    occurred_on: datetime
    data: dict[str, Any]


def source_of(pattern: str) -> SourceName | None:
    """The source that a pattern selects events of; None for `*`, which selects those of each."""
    first = pattern.partition(".")[0]
    return None if first == "*" else _SOURCE_OF.get(first, "events")


def sources_of(patterns: Iterable[str]) -> tuple[SourceName, ...]:
    """The sources that patterns select events of, in the order of `SOURCES`."""
    found = {source_of(pattern) for pattern in patterns}
    return SOURCES if None in found else tuple(name for name in SOURCES if name in found)


def selects(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether one of the patterns selects an event type: `audit.*` selects `audit.blog_post.updated`."""
    patterns = tuple(patterns)
    exact = {pattern for pattern in patterns if not pattern.endswith("*")}
    prefixes = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
    return lambda event_type: event_type in exact or event_type.startswith(prefixes)


def _is_pattern(pattern: str) -> str:
    if not _PATTERN.fullmatch(pattern):
        raise ValueError("must be an event type such as log.error, or a beginning as audit.blog_post.* or *")
    source = source_of(pattern)
    if pattern in _SOURCE_OF or (source == "events" and not any(map(selects([pattern]), REPORTED))):
        raise ValueError(f"must begin with audit. or log., or be one of {', '.join(REPORTED)}")
    return pattern


EventPattern = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_is_pattern)]

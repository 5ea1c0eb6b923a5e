"""Who submits an event to Chancery: stored as `recordedBy`, which no caller can set."""

from functools import lru_cache
from typing import Any, NamedTuple

from chancery.core.aws.event_bus import SOURCE
from chancery.core.identity.principal import Principal
from chancery.core.redaction import redact_text

_MOST_PRODUCERS = 1024  # pairs of source and account that a function remembers
_UNKNOWN = "unknown"


class Submitter(NamedTuple):
    """`recorded_by` is stored as it is. `is_chancery`: one of our own functions, on its own account."""

    recorded_by: dict[str, Any]
    is_chancery: bool = False


def caller(principal: Principal, *, is_chancery: bool = False) -> Submitter:
    """The caller of a request: `{subject, role}` of its token. `is_chancery`: the event is of what a route did."""
    return Submitter({"subject": principal.subject, "role": principal.role.value}, is_chancery)


@lru_cache(_MOST_PRODUCERS)
def producer(source: str | None, account: str | None) -> Submitter:
    """The producer of an event on the bus: `{source, account}`, redacted and printable.

    The template's EventBusPolicy keeps `source: chancery` to our functions.
    """
    named = {"source": source, "account": account}
    return Submitter({name: _printable(value) for name, value in named.items()}, source == SOURCE)


def _printable(value: str | None) -> str:
    return "".join(filter(str.isprintable, redact_text(value or ""))) or _UNKNOWN

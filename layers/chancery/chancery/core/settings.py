"""Settings from environment variables, read once, never at import."""

import os
from functools import cache
from typing import NamedTuple


@cache
def load[S](kind: type[S]) -> S:
    """The settings `kind`, a NamedTuple, filled from `CHANCERY_<FIELD>`; the same object each time.

    Fields are str or int. Raises LookupError naming every variable that is missing.
    """
    found: dict[str, str | int] = {}
    missing: list[str] = []
    for field, type_ in kind.__annotations__.items():
        name = f"CHANCERY_{field.upper()}"
        text = os.environ.get(name)
        if text is not None:
            found[field] = int(text) if type_ is int else text
        elif field not in kind._field_defaults:  # type: ignore[attr-defined]
            missing.append(name)
    if missing:
        raise LookupError(f"Set these environment variables: {', '.join(missing)}")
    return kind(**found)


class MongoSettings(NamedTuple):
    """Where records live. `mongodb_uri` wins over the secret; deployments set the secret's ARN."""

    mongodb_uri: str = ""
    mongodb_secret: str = ""
    mongodb_database: str = "chancery"
    mongodb_timeout_ms: int = 8000


class BusSettings(NamedTuple):
    """The EventBridge bus that carries events in and facts out."""

    event_bus: str


class DeliverySettings(NamedTuple):
    """The dead letter queue of the queue that a function consumes; `max_receives` is its maxReceiveCount."""

    dead_letter_queue_url: str
    max_receives: int = 5


class RetentionSettings(NamedTuple):
    """Retention of collections: JSON, collection → days, where it is not the declared one.

    Functions that read such a collection have the same value as the schema function.
    """

    retention_days: str = "{}"

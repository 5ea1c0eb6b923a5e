"""Settings from environment variables, read once, never at import."""

import os
from dataclasses import MISSING, dataclass, fields
from functools import cache


@cache
def load[S](kind: type[S]) -> S:
    """The frozen settings dataclass `kind`, filled from `CHANCERY_<FIELD>`; the same object each time.

    Fields are str or int. Raises LookupError naming every variable that is missing.
    """
    found: dict[str, str | int] = {}
    missing: list[str] = []
    for field in fields(kind):  # type: ignore[arg-type]
        name = f"CHANCERY_{field.name.upper()}"
        text = os.environ.get(name)
        if text is not None:
            found[field.name] = int(text) if field.type is int else text
        elif field.default is MISSING:
            missing.append(name)
    if missing:
        raise LookupError(f"Set these environment variables: {', '.join(missing)}")
    return kind(**found)


@dataclass(frozen=True, slots=True)
class MongoSettings:
    """Where records live. `mongodb_uri` wins over the secret; deployments set the secret's ARN."""

    mongodb_uri: str = ""
    mongodb_secret: str = ""
    mongodb_database: str = "chancery"
    mongodb_timeout_ms: int = 8000


@dataclass(frozen=True, slots=True)
class BusSettings:
    """The EventBridge bus that carries events in and facts out."""

    event_bus: str


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """The dead letter queue of the queue that a function consumes; `max_receives` is its maxReceiveCount."""

    dead_letter_queue_url: str
    max_receives: int = 5


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """How long records are kept that are not kept for ever: JSON, collection → days, where it is not the declared one.

    Functions that read such a collection have the same value as the schema function.
    """

    retention_days: str = "{}"

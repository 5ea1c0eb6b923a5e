"""Queries of lines, and the index that serves each; see docs/adr for what each filter reads."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from zlib import crc32

from pydantic.alias_generators import to_camel

from chancery.logs.fields import levels_from
from chancery.logs.kinds import LogKind

Keys = tuple[tuple[str, int], ...]  # of an index

SEVERE = levels_from("warn")  # an index has these levels only: few lines, which are searched most
NEWEST: Keys = (("createdOn", -1), ("refId", -1))
BY_TIME: Keys = (("tenantId", 1), *NEWEST)
BY_LEVEL: Keys = (("tenantId", 1), ("level", 1), *NEWEST)
SAMPLE_RATES = (32, 32**2, 32**3)
EQUAL = ("userId", "sessionId", "activityId", "traceId", "endpoint", "logger", "fingerprint", "eventType", "feature")
_MEASURED = (*(name for name in EQUAL if name != "traceId"), "durationMs")
_TEXTS = ("message", "summary", "error.type", "error.message")


class IndexRange(NamedTuple):
    """An index, and the condition whose lines it has next to each other."""

    keys: Keys
    condition: dict[str, Any]


def by_field(name: str) -> Keys:
    """The index of a selective field."""
    return ((name, 1), ("tenantId", 1), *NEWEST)


def selective(kind: LogKind) -> tuple[str, ...]:
    """The fields of a kind that have an index, the most selective first, by their API names."""
    return (*map(to_camel, kind.indexed), *(("fingerprint",) if kind.has_errors else ()))


def by_sample(kind: LogKind) -> Keys:
    """The index of sampled lines: it has all that an aggregate reads, so that no document is fetched."""
    names = {*map(to_camel, kind.fields), *selective(kind)}
    measured = (name for name in _MEASURED if name in names)
    return tuple((name, 1) for name in ("tenantId", "sample", "createdOn", "expiresOn", "level", *measured))


def sample_rate(ref_id: str) -> int | None:
    """The largest of `SAMPLE_RATES` whose sample has a line: one line in so many, by its refId; None for most."""
    number = crc32(ref_id.encode())
    if number % 32:
        return None
    return next(rate for rate in reversed(SAMPLE_RATES) if not number % rate)


def sampled(rate: int) -> dict[str, Any]:
    """The lines of the sample that has one line in `rate`."""
    return {"sample": {"$in": [larger for larger in SAMPLE_RATES if larger >= rate]}}


def index_range(kind: LogKind, filters: Mapping[str, Any]) -> IndexRange | None:
    """The index of one of the filters; None where they have none."""
    for name in selective(kind):
        if name in filters:
            return IndexRange(by_field(name), {name: filters[name]})
    return IndexRange(BY_LEVEL, at_least(filters["level"])) if filters.get("level") in SEVERE else None


def conditions(filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What lines must be for filters, given by their API names."""
    equal = {name: value for name, value in filters.items() if name in EQUAL}
    found: list[dict[str, Any]] = [equal] if equal else []
    if "level" in filters:
        found.append(at_least(filters["level"]))
    for word in filters.get("q", "").split():
        pattern = {"$regex": re.escape(word.replace("\0", " ")), "$options": "i"}
        found.append({"$or": [{text: pattern} for text in _TEXTS]})
    return found


def at_least(level: str) -> dict[str, Any]:
    """Lines of a level and above.

    For a level in `SEVERE` the query names all of `SEVERE` too: MongoDB uses a partial index for the very list that it
    is declared with, and not for a part of it.
    """
    wanted = {"level": {"$in": list(levels_from(level))}}
    return {"$and": [wanted, {"level": {"$in": list(SEVERE)}}]} if level in SEVERE else wanted

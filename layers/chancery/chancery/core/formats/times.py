"""Times in UTC, to the millisecond, as MongoDB stores them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from chancery.tlog.timestamps import to_rfc3339 as to_rfc3339  # the form in leaves and digests is that of every answer

Clock = Callable[[], datetime]
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:(\d\d)(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_NO_TIME = "must be an RFC 3339 time with its zone, e.g. 2026-01-31T12:00:00Z"
_OUT_OF_RANGE = "lies before the year 1 or after the year 9999 in UTC"


def _rfc3339(given: Any) -> Any:
    if isinstance(given, datetime):
        return given
    if isinstance(given, str) and (found := _RFC3339.fullmatch(given)):
        return _after_leap_second(given) if found[1] == "60" else given
    raise ValueError(_NO_TIME)


def _after_leap_second(given: str) -> datetime:
    """The second after a leap second, which POSIX and MongoDB do not count (RFC 3339 section 5.7, appendix D)."""
    try:
        before = datetime.fromisoformat(f"{given[:17]}59{given[19:].upper()}").astimezone(UTC)
        after = before + timedelta(seconds=1)
    except OverflowError:
        raise ValueError(_OUT_OF_RANGE) from None
    except ValueError:
        raise ValueError(_NO_TIME) from None
    if (before.hour, before.minute) != (23, 59):
        raise ValueError("has a second 60; leap seconds are inserted at 23:59:60 UTC only")
    return after


def _in_utc(moment: datetime) -> datetime:
    try:
        return to_milliseconds(moment)
    except OverflowError:
        raise ValueError(_OUT_OF_RANGE) from None


# A moment as a caller sends it: RFC 3339, never a number that could be seconds or milliseconds.
Moment = Annotated[AwareDatetime, BeforeValidator(_rfc3339), AfterValidator(_in_utc)]


def now() -> datetime:
    """The present, in UTC, cut to milliseconds."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(moment: datetime) -> datetime:
    """The moment in UTC without what MongoDB would drop. The moment must know its zone."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

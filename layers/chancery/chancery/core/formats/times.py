"""Times in UTC, to the millisecond, as MongoDB stores them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from chancery.tlog.timestamps import to_rfc3339 as to_rfc3339  # the form in leaves and digests is that of every answer

Clock = Callable[[], datetime]
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _is_rfc3339(given: Any) -> Any:
    if isinstance(given, datetime) or (isinstance(given, str) and _RFC3339.fullmatch(given)):
        return given
    raise ValueError("must be an RFC 3339 time with its zone, e.g. 2026-01-31T12:00:00Z")


def _in_utc(moment: datetime) -> datetime:
    try:
        return to_milliseconds(moment)
    except OverflowError:
        raise ValueError("lies before the year 1 or after the year 9999 in UTC") from None


# A moment as a caller sends it: RFC 3339, never a number that could be seconds or milliseconds.
Moment = Annotated[AwareDatetime, BeforeValidator(_is_rfc3339), AfterValidator(_in_utc)]


def now() -> datetime:
    """The present, in UTC, cut to milliseconds."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(moment: datetime) -> datetime:
    """The moment in UTC without what MongoDB would drop. The moment must know its zone."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

"""Times as loggers and databases write them."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from chancery.cli.errors import UsageError
from chancery.core.formats.times import to_rfc3339

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 10**11  # as seconds, this is the year 5138


def time_zone(name: str) -> tzinfo:
    """The zone of a name such as Europe/Berlin. Raises UsageError."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as exc:
        raise UsageError(f"--timezone: {name!r} is no time zone; give one such as UTC or Europe/Berlin.") from exc


def rfc3339_of(given: Any, zone: tzinfo) -> str | None:
    """RFC 3339 in UTC of `2025-11-07 00:24:48`, an ISO 8601 time, or seconds or milliseconds since 1970; else None.

    `zone` is that of times which have none.
    """
    try:
        if isinstance(given, str):
            moment = datetime.fromisoformat(given.strip())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        elif isinstance(given, int | float) and not isinstance(given, bool):
            moment = _EPOCH + timedelta(seconds=given / (1000 if abs(given) >= _MILLISECONDS_FROM else 1))
        else:
            return None
        return to_rfc3339(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return None

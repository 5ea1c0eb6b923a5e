"""Time as Chancery keeps it: UTC, to the millisecond, as MongoDB stores it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """The present, in UTC, cut to milliseconds."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(moment: datetime) -> datetime:
    """The moment in UTC without what MongoDB would drop. The moment must know its zone."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def to_rfc3339(moment: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`: UTC with milliseconds, the form in every answer and digest."""
    return moment.replace(tzinfo=None).isoformat("T", "milliseconds") + "Z"  # bson's zones are slow to ask

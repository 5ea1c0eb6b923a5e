"""How long a response asks its client to wait."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_LONGEST = timedelta(days=7)


def retry_after_of(headers: Sequence[tuple[str, str]], now: datetime) -> timedelta | None:
    """The delay that `Retry-After` asks for, in either form (RFC 9110 section 10.2.3), at most seven days."""
    text = next((value.strip() for name, value in headers if name == "retry-after"), "")
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), _LONGEST)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta()), _LONGEST)

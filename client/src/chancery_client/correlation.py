"""The trace id and correlation id of the current request; every event written during the request carries them."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from chancery_client.redaction import redact_text

# W3C Trace Context section 3.2: version ff, ids of zeros and upper case are not valid; version 00 has nothing behind
# its flags.
_TRACEPARENT = re.compile(r"(?!ff)(?!..-0{32})([0-9a-f]{2})-([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_XRAY_ROOT = re.compile(r"(?:Root=|^)1-([0-9a-f]{8})-([0-9a-f]{24})")
_MAX_CORRELATION_ID = 255  # characters


@dataclass(frozen=True, slots=True)
class Correlation:
    """The ids of a request: W3C trace id (32 hex digits), and the caller's own correlation id."""

    trace_id: str | None = None
    correlation_id: str | None = None


current: ContextVar[Correlation] = ContextVar("chancery_correlation", default=Correlation())


@contextmanager
def correlated(ids: Correlation) -> Iterator[None]:
    """Events written inside of the block carry these ids."""
    token = current.set(ids)
    try:
        yield
    finally:
        current.reset(token)


def correlation_of(headers: Mapping[str, str]) -> Correlation:
    """The ids in request headers (names in lower case): `traceparent`, else X-Ray's header, else its environment."""
    trace_id = trace_id_of(headers.get("traceparent", "")) or trace_id_of(headers.get("x-amzn-trace-id", ""))
    return Correlation(trace_id or lambda_trace_id(), _valid_correlation_id(headers.get("x-correlation-id", "")))


def trace_id_of(text: str) -> str | None:
    """The W3C trace id in a `traceparent` or an X-Ray trace header; X-Ray's root is the same 128 bits."""
    if match := _TRACEPARENT.fullmatch(text.strip()):
        return None if match[1] == "00" and match[3] else match[2]
    if match := _XRAY_ROOT.search(text):
        return match[1] + match[2]
    return None


def lambda_trace_id() -> str | None:
    """The X-Ray trace of the current Lambda invocation."""
    return trace_id_of(os.environ.get("_X_AMZN_TRACE_ID", ""))


def _valid_correlation_id(text: str) -> str | None:
    valid = 0 < len(text) <= _MAX_CORRELATION_ID and text.isprintable() and redact_text(text) == text
    return text if valid else None

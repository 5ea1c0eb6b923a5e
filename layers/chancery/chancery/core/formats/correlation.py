"""The ids that travel with a request, in every header form there is."""

import os
import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import NamedTuple

from chancery.core.redaction import redact_text

# W3C Trace Context section 3.2: version ff, ids of zeros and upper case are not valid; version 00 has nothing behind
# its flags.
_TRACEPARENT = re.compile(r"(?!ff)(?!..-0{32})([0-9a-f]{2})-([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_XRAY_ROOT = re.compile(r"(?:Root=|^)1-([0-9a-f]{8})-([0-9a-f]{24})")
_HEX = re.compile(r"[0-9A-Fa-f]{32}")
_PLAIN = re.compile(r"[0-9a-f]{32}")
_LONGEST = 255  # characters of a correlation id


class Correlation(NamedTuple):
    """The ids that travel with a request: W3C trace id (32 hex digits) and the caller's own correlation id."""

    trace_id: str | None = None
    correlation_id: str | None = None


correlation: ContextVar[Correlation] = ContextVar("correlation", default=Correlation())


def correlation_of(headers: Mapping[str, str]) -> Correlation:
    """From `traceparent` (W3C Trace Context), else X-Ray's header or environment; header names in lower case."""
    return Correlation(
        trace_id_of(headers.get("traceparent", ""))
        or trace_id_of(headers.get("x-amzn-trace-id", ""))
        or current_trace_id(),
        _own_id(headers.get("x-correlation-id", "")),
    )


def _own_id(text: str) -> str | None:
    """A caller's correlation id, where it may be stored as it is."""
    fit = 0 < len(text) <= _LONGEST and text.isprintable() and redact_text(text) == text
    return text if fit else None


def trace_id_of(text: str) -> str | None:
    """The W3C trace id in a `traceparent` or an X-Ray trace header; X-Ray's root is the same 128 bits."""
    if not text:
        return None
    if match := _TRACEPARENT.fullmatch(text.strip()):
        return None if match[1] == "00" and match[3] else match[2]
    if match := _XRAY_ROOT.search(text):
        return match[1] + match[2]
    return None


def plain_trace_id(text: str) -> str:
    """A trace id as it is stored and looked for, however a caller writes it: W3C's 32 digits where it is one."""
    if _PLAIN.fullmatch(text):  # most often
        return text
    return trace_id_of(text) or trace_id_of(text.lower()) or (text.lower() if _HEX.fullmatch(text) else text)


def current_trace_id() -> str | None:
    """The trace that X-Ray has put around this Lambda invocation."""
    return trace_id_of(os.environ.get("_X_AMZN_TRACE_ID", ""))

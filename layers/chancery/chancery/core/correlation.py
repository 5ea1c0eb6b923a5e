"""The ids that travel with a request, in every header form there is."""

import os
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from chancery.core.redaction import redact_text

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$")
_LONGEST = 200  # characters of a correlation id
_XRAY_ROOT = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})")


@dataclass(frozen=True, slots=True)
class Correlation:
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
    if match := _TRACEPARENT.match(text.strip().lower()):
        return match[1] if match[1] != "0" * 32 else None
    if match := _XRAY_ROOT.search(text):
        return match[1] + match[2]
    return None


def current_trace_id() -> str | None:
    """The trace that X-Ray has put around this Lambda invocation."""
    return trace_id_of(os.environ.get("_X_AMZN_TRACE_ID", ""))

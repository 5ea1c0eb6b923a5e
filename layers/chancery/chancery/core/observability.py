"""Logger, metrics and tracer: the one place that knows which libraries do it."""

import os
import re
import warnings
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

logger = Logger(utc=True)
metrics = Metrics(namespace="Chancery")

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$")
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
        or trace_id_of(os.environ.get("_X_AMZN_TRACE_ID", "")),
        headers.get("x-correlation-id") or None,
    )


def trace_id_of(text: str) -> str | None:
    """The W3C trace id in a `traceparent` or an X-Ray trace header; X-Ray's root is the same 128 bits."""
    if match := _TRACEPARENT.match(text.strip().lower()):
        return match[1] if match[1] != "0" * 32 else None
    if match := _XRAY_ROOT.search(text):
        return match[1] + match[2]
    return None


def count(name: str, value: int = 1) -> None:
    """Adds to a CloudWatch metric of the namespace."""
    if value:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def instrument(handler: Any) -> Any:
    """Wraps a Lambda handler: log context, metrics flushed at the end, tracing where CHANCERY_TRACING=true."""
    warnings.filterwarnings("ignore", message="No application metrics to publish")  # an invocation may count nothing
    handler = logger.inject_lambda_context(handler, clear_state=True)
    handler = metrics.log_metrics(handler, raise_on_empty_metrics=False)
    if os.environ.get("CHANCERY_TRACING") == "true":
        from aws_lambda_powertools.tracing import Tracer

        handler = Tracer().capture_lambda_handler(handler, capture_response=False)
    return handler

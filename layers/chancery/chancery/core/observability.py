"""Logger, metrics and tracer: the one place that knows which libraries do it."""

import functools
import gc
import os
import sys
import threading
import warnings
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit, single_metric

from chancery.core.redaction import counts
from chancery.core.redaction.text_engine import OWN_PATTERN

NAMESPACE = "Chancery"
_SWITCH_SECONDS = 0.0002
SERVICE = f"chancery-{os.environ.get('CHANCERY_STAGE', 'local')}"

logger = Logger(service="chancery", utc=True)
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)
_metrics_lock = threading.Lock()  # Powertools has none: threads count, handlers beside each other flush


def count(name: str, value: int = 1) -> None:
    """Adds to a CloudWatch metric of the namespace."""
    if value:
        with _metrics_lock:
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def count_by(name: str, value: int, **dimensions: str) -> None:
    """Adds to a CloudWatch metric with dimensions of its own. Each value of a dimension is a metric that costs."""
    with single_metric(name, MetricUnit.Count, value, namespace=NAMESPACE) as metric:
        metric.add_dimension("service", SERVICE)
        for dimension, text in dimensions.items():
            metric.add_dimension(dimension, text)


def gauge(name: str, seconds: float) -> None:
    """Sets a CloudWatch metric of the namespace, in seconds; zero counts too."""
    with _metrics_lock:
        metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=seconds)


def flush_redactions() -> None:
    """Writes `ValuesRedacted` for each kind that was redacted since the last time, with the kind as a dimension.

    The patterns of tenants are one kind: their names are the tenants' own, and each dimension is a metric that costs.
    """
    redacted: dict[str, int] = {}
    for kind, times in counts.take().items():
        group = OWN_PATTERN if kind.startswith(OWN_PATTERN) else kind
        redacted[group] = redacted.get(group, 0) + times
    for kind, times in redacted.items():
        count_by("ValuesRedacted", times, kind=kind)


def flush_metrics() -> None:
    """Writes what was counted since the last time as one line of the log, for CloudWatch."""
    with _metrics_lock:
        metrics.flush_metrics()


def _counts_flushed(handler: Any) -> Any:
    @functools.wraps(handler)
    def flushed(*arguments: Any, **named: Any) -> Any:
        try:
            return handler(*arguments, **named)
        finally:
            flush_redactions()
            flush_metrics()

    return flushed


def instrument(handler: Any) -> Any:
    """Wraps a Lambda handler: log context, metrics flushed at the end, tracing where CHANCERY_TRACING=Active.

    What has been imported by now stays: frozen, no garbage collection walks it again (a third of a batch's time). A
    thread that waits for the database goes on soon after the answer, not when another one has computed for 5 ms: that
    is as long as an insert takes.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.freeze()
    gc.enable()  # disabled by the package while a function imports
    warnings.filterwarnings("ignore", message="No application metrics to publish")  # an invocation may count nothing
    handler = logger.inject_lambda_context(_counts_flushed(handler), clear_state=True)
    if os.environ.get("CHANCERY_TRACING") == "Active":
        from aws_lambda_powertools.tracing import Tracer

        handler = Tracer().capture_lambda_handler(handler, capture_response=False)
    return handler

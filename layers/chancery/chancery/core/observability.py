"""Logger, metrics and tracer: the one place that knows which libraries do it."""

import gc
import os
import warnings
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

logger = Logger(service="chancery", utc=True)
metrics = Metrics(namespace="Chancery", service=f"chancery-{os.environ.get('CHANCERY_STAGE', 'local')}")


def count(name: str, value: int = 1) -> None:
    """Adds to a CloudWatch metric of the namespace."""
    if value:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def gauge(name: str, seconds: float) -> None:
    """Sets a CloudWatch metric of the namespace, in seconds; zero counts too."""
    metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=seconds)


def instrument(handler: Any) -> Any:
    """Wraps a Lambda handler: log context, metrics flushed at the end, tracing where CHANCERY_TRACING=Active.

    What has been imported by now stays: frozen, no garbage collection walks it again (a third of a batch's time).
    """
    gc.freeze()
    gc.enable()  # disabled by the package while a function imports
    warnings.filterwarnings("ignore", message="No application metrics to publish")  # an invocation may count nothing
    handler = logger.inject_lambda_context(handler, clear_state=True)
    handler = metrics.log_metrics(handler, raise_on_empty_metrics=False)
    if os.environ.get("CHANCERY_TRACING") == "Active":
        from aws_lambda_powertools.tracing import Tracer

        handler = Tracer().capture_lambda_handler(handler, capture_response=False)
    return handler

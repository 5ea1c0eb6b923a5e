"""The real OpenTelemetry SDK against the local stack."""

import logging

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_lines_of_the_sdk_are_found_with_trace_and_severity(stack, api, compression):
    exporter = OTLPLogExporter(
        f"{stack['apiUrl'].rstrip('/')}/otlp/v1/logs",
        headers={"Authorization": f"Bearer {stack['tokens']['user']}"},
        compression=compression,
        timeout=120,
    )
    provider = LoggerProvider(Resource.create({"service.name": "crm"}), shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = logging.Logger("crm.contacts")
    logger.addHandler(LoggingHandler(logger_provider=provider))

    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("request") as span:
        logger.warning("Disk at %d %%", 91)
        logger.error("The contact is not saved", exc_info=ValueError("contact is null"))
    provider.shutdown()

    found = api("GET", f"/traces/{span.get_span_context().trace_id:032x}").json()["items"]
    assert {(item["kind"], item["level"], item["message"]) for item in found} == {
        ("app_log", "warn", "Disk at 91 %"),
        ("error_log", "error", "The contact is not saved"),
    }

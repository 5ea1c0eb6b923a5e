"""OTLP/HTTP: log records of OpenTelemetry SDKs and Collectors.

Specification: https://opentelemetry.io/docs/specs/otlp/#otlphttp and .../specs/otel/logs/data-model/
"""

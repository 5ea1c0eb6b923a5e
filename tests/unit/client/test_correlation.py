"""The client and the server read the same ids from a request."""

import pytest

from chancery.core.formats import correlation as server
from chancery_client import correlation as client

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
XRAY = "5759e988bd862e3fe1be46a994272793"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f" 00-{TRACE}-00f067aa0ba902b7-01 ", TRACE),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-more", TRACE),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", XRAY),
        ("1-5759e988-bd862e3fe1be46a994272793", XRAY),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-00f067aa0ba902b7-01-more", None),
        ("00-xyz-01", None),
        ("", None),
    ],
)
def test_a_trace_id_is_read_from_both_header_forms(text, expected):
    assert client.trace_id_of(text) == server.trace_id_of(text) == expected


@pytest.mark.parametrize("name", ["traceparent", "x-amzn-trace-id"])
def test_a_header_overrides_the_trace_of_the_lambda_invocation(monkeypatch, name):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793")

    assert client.correlation_of({name: f"00-{TRACE}-00f067aa0ba902b7-01"}).trace_id == TRACE
    assert client.correlation_of({}).trace_id == XRAY


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("order-7", True),
        ("x" * 255, True),
        ("Größe 7", True),
        ("", False),
        ("x" * 256, False),
        ("a\nb", False),
        ("Bearer mF_9.B5f-4.1JqM", False),
        ("4111 1111 1111 1111", False),
    ],
)
def test_a_correlation_id_that_cannot_be_stored_is_ignored(text, valid):
    headers = {"x-correlation-id": text}

    assert client.correlation_of(headers).correlation_id == (text if valid else None)
    assert server.correlation_of(headers).correlation_id == (text if valid else None)

"""Trace ids from every header form."""

import pytest

from chancery.core.formats.correlation import Correlation, correlation_of, plain_trace_id, trace_id_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-00F067AA0BA902B7-01", None),
        (f"CC-{TRACE}-00f067aa0ba902b7-01", None),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-more", TRACE),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "5759e988bd862e3fe1be46a994272793"),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-00f067aa0ba902b7-01-more", None),
        ("1-5759e988-bd862e3fe1be46a994272793", "5759e988bd862e3fe1be46a994272793"),
        ("00-xyz-01", None),
        ("", None),
    ],
)
def test_both_header_forms_give_the_same_kind_of_id(text, expected):
    assert trace_id_of(text) == expected


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (TRACE.upper(), TRACE),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", TRACE),
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        ("1-5759e988-bd862e3fe1be46a994272793", "5759e988bd862e3fe1be46a994272793"),
        ("order-7", "order-7"),
    ],
)
def test_a_trace_is_the_same_however_it_is_written(written, plain):
    assert plain_trace_id(written) == plain


def test_traceparent_wins_over_xray_and_the_correlation_id_is_the_callers_own(monkeypatch):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793")
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "x-correlation-id": "order-7"}

    assert correlation_of(headers) == Correlation(TRACE, "order-7")
    assert correlation_of({}) == Correlation("5759e988bd862e3fe1be46a994272793", None)


@pytest.mark.parametrize("text", ["", "x" * 256, "a\nb", "Bearer mF_9.B5f-4.1JqM", "4111 1111 1111 1111", "token=abc"])
def test_a_correlation_id_that_cannot_be_stored_is_dropped(text):
    assert correlation_of({"x-correlation-id": text}).correlation_id is None


@pytest.mark.parametrize("text", ["order-7", "x" * 200, "Größe 7", "26925721-6385-4869-b094-f7bd9bb70fc9"])
def test_any_other_is_the_callers_own(text):
    assert correlation_of({"x-correlation-id": text}).correlation_id == text

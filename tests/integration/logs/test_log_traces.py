"""Lines of logs in the trace that they belong to."""

from datetime import timedelta

from chancery.core.formats.times import now
from tests.builders import http, principal


def trace(call, **caller):
    request = http("GET", "/v1/traces/trace-1", caller=principal(**caller))
    return call("read_traces", request, "reader")[1]["items"]


def test_lines_of_every_kind_are_found_by_their_trace(post, call):
    post("app", {"message": "a", "traceId": "trace-1", "createdOn": "2026-01-01T00:00:01Z"})
    post("error", {"message": "b", "traceId": "trace-1", "createdOn": "2026-01-01T00:00:02Z"})
    post("app", {"message": "another", "traceId": "trace-2"})

    found = trace(call)

    assert [(item["kind"], item["message"]) for item in found] == [("app_log", "a"), ("error_log", "b")]
    assert not {"batch", "expiresOn", "attributes"} & found[0].keys()
    assert trace(call, tenants=("globex",)) == []


def test_an_old_line_is_shown_until_it_expires_and_not_after(post, call, connect):
    post("app", {"message": "imported", "traceId": "trace-1", "createdOn": "2020-01-01T00:00:00Z"})
    assert [item["message"] for item in trace(call)] == ["imported"]

    connect("admin").app_logs.update_one({}, {"$set": {"expiresOn": now() - timedelta(seconds=1)}})

    assert trace(call) == []

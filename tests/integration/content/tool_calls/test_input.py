"""Input of tool calls that other systems read in several ways."""

import json

import pytest

from tests.builders import envelope, message
from tests.integration.content.tool_calls.conftest import RECORD, tool_call

TWICE = '"fullInput": {"query": "a", '


def pointers(problem):
    return [error["pointer"] for error in problem["errors"]]


def event_text(**changes):
    return json.dumps(envelope(tool_call(tenantId="acme", **changes), **{"detail-type": RECORD}))


def test_a_key_twice_in_a_tool_call_is_refused_by_its_place(post, connect):
    status, problem, _ = post(json.dumps(tool_call()).replace('"fullInput": {', TWICE))

    assert (status, pointers(problem)) == (422, ["/fullInput/query"])
    assert connect("reader").tool_call_logs.count_documents({}) == 0


def test_a_key_twice_in_an_event_of_a_tool_call_is_rejected_by_its_place(consume, connect, retry_queue):
    assert consume(message(event_text().replace('"fullInput": {', TWICE)), message(event_text())) == []

    (reject,) = (sent for sent in map(json.loads, retry_queue.sent) if "reason" in sent)
    assert pointers(reject["reason"]) == ["/fullInput/query"]
    assert reject["message"]["detail"]["fullInput"] == {"query": "seo", "page": 1}
    assert connect("reader").tool_call_logs.count_documents({}) == 1


def test_half_an_emoji_in_a_body_is_a_replacement_character(post, consume, body_of, connect):
    post(json.dumps(tool_call(eventId="http", fullOutput="CUT")).replace("CUT", "cut \\ud83d"))
    consume(message(event_text(eventId="bus", fullOutput="CUT").replace("CUT", "cut \\ud83d")))

    stored = list(connect("reader").tool_call_logs.find())
    assert [body_of(call["refId"], "output")[1].decode() for call in stored] == ["cut \ufffd"] * 2


@pytest.mark.parametrize(("size", "status"), [("3.0", 201), ("3", 201), ("3e0", 201), ("3.5", 422), ('"3"', 422)])
def test_the_size_of_an_upload_is_a_whole_number_as_json_schema_says(post, size, status):
    body = json.dumps({"bytes": 0, "sha256": "a" * 64}).replace('"bytes": 0', f'"bytes": {size}')

    answer = post(body, "/v1/tool-calls/uploads")

    assert answer[0] == status
    assert status == 201 or pointers(answer[1]) == ["/bytes"]


def test_an_uploaded_body_with_a_key_twice_loses_no_value(post, uploaded, redact, body_of):
    body = b'{"a": 4111111111111111, "b": 1, "b": 2}'  # in place the redaction of a number is no JSON
    _, call, _ = post(tool_call(fullInput=None, inputUploadId=uploaded(body)))
    redact()

    assert body_of(call["refId"], "input")[1] == b'{"a": [REDACTED], "b": 1, "b": 2}'

"""POST /v1/tool-calls: the stored document and bodies, and idempotency."""

import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import orjson
import pytest

from chancery.core.errors import Unavailable
from tests.builders import http, principal
from tests.fakes import LambdaContext
from tests.integration.content.tool_calls.conftest import BUCKET, tool_call

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def calls(connect):
    return list(connect("reader").tool_call_logs.find({}, {"_id": 0}))


def test_a_call_is_stored_and_comes_back_byte_for_byte(post, get, body_of):
    status, receipt, headers = post(tool_call(fullOutput="1,2\r\n\0 Zoë \U0001f600\n"))

    _, found, _ = get(f"/{receipt['refId']}")
    assert status == 201
    assert headers["Location"] == f"../v1/tool-calls/{receipt['refId']}"
    assert found["input"] == receipt["input"]
    assert found["inputHead"] == '{"query":"seo","page":1}'
    assert (found["createdBy"], found["sensitive"]) == ("producer-1", False)
    assert body_of(receipt["refId"], "input")[:2] == (200, b'{"query":"seo","page":1}')
    status, output, headers = body_of(receipt["refId"], "output")
    assert output.decode() == "1,2\r\n\0 Zoë \U0001f600\n"
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert receipt["output"]["sha256"] == sha256(output).hexdigest()


def test_a_call_needs_no_bodies(post, get):
    _, receipt, _ = post(tool_call(fullInput=None, fullOutput=None))

    assert set(receipt) == {"refId", "createdOn"}
    assert get(f"/{receipt['refId']}/output")[0] == 404


@pytest.mark.parametrize("size", [64 * 1024 - 2, 64 * 1024 - 1, 1_200_000])
def test_a_large_body_goes_to_s3_and_comes_back_byte_for_byte(post, body_of, cloud, connect, size):
    text = "é" * (size // 2) + "x" * (size % 2)
    body = f'"{text}"'.encode()

    _, receipt, _ = post(tool_call(fullInput=[text]))

    stored = calls(connect)[0]
    expected = b"[" + body + b"]"
    assert body_of(receipt["refId"], "input")[1] == expected
    assert receipt["input"]["bytes"] == len(expected)
    assert len(stored["inputHead"]) <= 4096 and expected.decode().startswith(stored["inputHead"])
    if len(expected) > 64 * 1024:
        day = stored["createdOn"].strftime("%Y-%m-%d")
        assert cloud.keys() == [f"tool-calls/{day}/tenant-acme/{sha256(expected).hexdigest()}"]
        assert "inline" not in stored["inputLocation"]
    else:
        assert cloud.keys() == []


def test_personal_data_and_secrets_are_redacted_before_storing_and_hashing(post, body_of, connect, cloud):
    lines = '{"password": "hunter2"}\n{"user": {"email": "a@b.example"}}\n'
    sent = tool_call(
        fullInput={"headers": {"Authorization": "hunter2"}, "note": f"use {TOKEN}", "email": "a@b.example"},
        fullOutput=lines + "x" * 70_000,
    )

    _, receipt, _ = post(sent)

    everything = repr(calls(connect)).encode() + cloud.stored()
    for secret in ("hunter2", TOKEN, "a@b.example"):
        assert secret.encode() not in everything
    found = json.loads(body_of(receipt["refId"], "input")[1])
    assert found == {"headers": {"Authorization": "[REDACTED]"}, "note": "use [REDACTED]", "email": "[REDACTED]"}
    assert receipt["input"]["sha256"] == sha256(body_of(receipt["refId"], "input")[1]).hexdigest()


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"toolName": None, "toolCallId": None}, {"/toolName", "/toolCallId"}),
        ({"fullInput": {"n": 2**60}}, {"/fullInput/n"}),
        ({"fullInput": {"a": [2**60]}, "toolName": 1}, {"/fullInput/a/0", "/toolName"}),
        ({"sensitive": "yes"}, {"/sensitive"}),
        ({"unknown": 1}, {"/unknown"}),
        ({"inputUploadId": "0" * 26}, {"/inputUploadId"}),
        ({"fullInput": None, "inputUploadId": "x"}, {"/inputUploadId"}),
    ],
)
def test_wrong_fields_are_all_named_and_nothing_is_stored(post, connect, cloud, changes, pointers):
    status, problem, _ = post(tool_call(**changes))

    assert status == 422
    assert {error["pointer"] for error in problem["errors"]} == pointers
    assert calls(connect) == [] and cloud.keys() == []


@pytest.mark.parametrize("body", ["[]", "1", "{", '"text"'])
def test_a_body_that_is_no_object_is_refused(post, body):
    assert post(body)[0] == 422


def test_a_body_beyond_the_apis_limit_is_too_large(post):
    assert post(tool_call(fullInput="x" * (4 * 1024 * 1024)))[0] == 413


@pytest.mark.parametrize(("role", "status"), [("auditor", 403), ("producer", 201), ("user", 201), ("dm_user", 201)])
def test_roles_that_may_record(post, role, status):
    assert post(tool_call(), role=role)[0] == status


def test_a_super_admin_names_the_tenant_and_the_crossing_is_audited(post, connect, bus):
    assert post(tool_call(), role="super_admin", tenants=())[0] == 422
    assert post(tool_call(tenantId="acme"), role="super_admin", tenants=())[0] == 201
    assert calls(connect)[0]["tenantId"] == "acme"
    assert [event["action"] for event in bus.of("Record Audit Event")] == ["tenant.crossed"]


def test_other_roles_cannot_name_another_tenant(post):
    assert post(tool_call(tenantId="other"))[0] == 403


def test_the_callers_ids_go_with_the_call(post, connect):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    post(tool_call(), headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "x-correlation-id": "c-1"})
    post(tool_call(eventId="e-2", traceId="own"))

    assert [(call["traceId"], call.get("correlationId")) for call in calls(connect)] == [(trace, "c-1"), ("own", None)]


def test_the_same_event_id_twice_is_one_call(post, connect, cloud):
    sent = tool_call(eventId="e-1", fullOutput="x" * 70_000)

    answers = [post(sent) for _ in range(3)]

    assert {status for status, _, _ in answers} == {201}
    assert len({json.dumps(receipt) for _, receipt, _ in answers}) == 1
    assert len(calls(connect)) == len(cloud.keys()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"fullInput": {"query": "other"}},
        {"fullInput": None},
        {"toolName": "other"},
        {"method": None},
        {"sensitive": True},
    ],
)
def test_an_event_id_of_another_call_is_refused(post, connect, changes):
    post(tool_call(eventId="e-1"))

    status, problem, _ = post(tool_call(**{"eventId": "e-1", **changes}))

    assert (status, problem["errors"][0]["pointer"]) == (422, "/eventId")
    assert len(calls(connect)) == 1


def test_an_event_id_is_a_tenants_own(post, connect):
    post(tool_call(eventId="e-1"))
    post(tool_call(eventId="e-1", toolName="other"), tenants=("other",))

    assert len(calls(connect)) == 2


def test_a_request_with_a_key_is_answered_once(post, connect):
    first = post(tool_call(), headers={"idempotency-key": "k"})
    again = post(tool_call(), headers={"idempotency-key": "k"})
    other = post(tool_call(toolName="other"), headers={"idempotency-key": "k"})

    assert first[:2] == again[:2]
    assert other[0] == 422
    assert len(calls(connect)) == 1


def test_a_request_without_key_or_event_id_is_a_call_each_time(post, connect):
    post(tool_call())
    post(tool_call())

    assert len(calls(connect)) == 2


def test_two_at_once_are_one_call(environment, cloud, retry_queue, load_function, connect):
    environment("writer")
    function = load_function("record_tool_calls")
    warm, request = (
        http("POST", "/v1/tool-calls", tool_call(eventId=event_id), caller=principal("producer"))
        for event_id in ("e-0", "e-1")
    )
    function.handler(warm, LambdaContext())

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: function.handler(request, LambdaContext()), range(4)))

    assert {answer["statusCode"] for answer in answers} == {201}
    assert len({orjson.loads(answer["body"])["refId"] for answer in answers}) == 1
    assert len(calls(connect)) == 2


def test_a_crash_between_body_and_document_leaves_an_unreferenced_object(post, connect, cloud, monkeypatch):
    sent = tool_call(fullOutput="x" * 70_000)
    key = {"idempotency-key": "k"}
    with monkeypatch.context() as patched:
        patched.setattr(
            "chancery.core.mongo.repository.Repository.add", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            post(sent, headers=key)

    assert calls(connect) == [] and len(cloud.keys("tool-calls/")) == 1
    assert post(sent, headers=key)[0] == post(sent, headers=key)[0] == 201
    assert len(calls(connect)) == len(cloud.keys("tool-calls/")) == 1


def test_an_unavailable_store_is_503_and_nothing_is_stored(post, connect, cloud, monkeypatch):
    cloud.s3.delete_bucket(Bucket=BUCKET)
    status, _, headers = post(tool_call(fullOutput="x" * 70_000))

    assert (status, headers["Retry-After"]) == (503, "5")
    assert calls(connect) == []
    assert post(tool_call())[0] == 201


def test_an_unavailable_database_is_503(post, monkeypatch):
    def unavailable(*_, **__):
        raise Unavailable("The database does not answer; try again.")

    monkeypatch.setattr("chancery.core.mongo.repository.Repository.get", unavailable)

    assert post(tool_call())[0] == 503

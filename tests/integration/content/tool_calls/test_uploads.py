"""Uploads: announced, put into S3, referred to, checked, redacted, stored, deleted."""

import json
from datetime import timedelta
from hashlib import sha256

import httpx
import orjson
import pytest
import requests

from chancery.content.tool_calls.body_store import CallBodies
from chancery.core.errors import Unavailable
from chancery.core.formats.times import now
from chancery.core.redaction import text_engine
from chancery.core.web import quotas
from tests.fakes import LambdaContext
from tests.integration.content.tool_calls.conftest import tool_call, tool_event
from tests.sqs import kill

BODY = b'{"rows": [1.10, {"password": "hunter2", "note": "b\\u00e9"}]}\r\n' + b" " * 70_000
CLEAN = BODY.replace(b'"hunter2"', b'"[REDACTED]"')


def announcement(body: bytes, **changes):
    return {"bytes": len(body), "sha256": sha256(body).hexdigest(), **changes}


@pytest.fixture
def send(post, uploaded):
    """Records a call whose output is an upload; its refId."""

    def record(body=BODY, **changes):
        upload_id = uploaded(body)
        status, receipt, _ = post(tool_call(**{"fullOutput": None, "outputUploadId": upload_id, **changes}))
        assert status == 201
        return receipt["refId"]

    return record


def test_an_upload_is_redacted_in_place_stored_and_deleted(send, redact, get, body_of, cloud, connect):
    ref_id = send()
    _, pending, _ = get(f"/{ref_id}")
    refused = body_of(ref_id, "output")

    assert redact() == []

    _, found, _ = get(f"/{ref_id}")
    assert pending["output"] == {"state": "pending", "bytes": len(BODY)}
    assert (refused[0], refused[2]["Retry-After"]) == (409, "5")
    assert found["output"]["state"] == "stored"
    assert found["output"]["sha256"] == sha256(CLEAN).hexdigest()
    assert found["output"]["contentType"] == "application/json"
    assert found["outputHead"] == CLEAN[:4096].decode()
    assert body_of(ref_id, "output")[:2] == (200, CLEAN)
    assert cloud.uploads() == [0]
    assert len(cloud.keys("tool-calls/")) == 1
    assert connect("reader").tool_call_logs.find_one()["pendingSince"] is None


def test_a_body_without_anything_to_redact_comes_back_as_it_was_sent(send, redact, get, body_of):
    body = b"plain text,\r\n with \xf0\x9f\x98\x80 and 1e400\n" * 5000
    ref_id = send(body)

    redact()

    assert body_of(ref_id, "output")[1] == body
    assert get(f"/{ref_id}")[1]["output"]["sha256"] == sha256(body).hexdigest()


def test_a_sensitive_upload_is_encrypted(send, redact, get, body_of, cloud, connect):
    ref_id = send(sensitive=True)

    redact()

    everything = repr(list(connect("reader").tool_call_logs.find())).encode() + cloud.stored()
    assert b'"password"' not in everything and b"hunter2" not in everything
    assert body_of(ref_id, "output")[1] == CLEAN
    assert "sha256" not in get(f"/{ref_id}")[1]["output"]


def test_both_bodies_may_be_uploads_and_small(post, uploaded, redact, body_of, cloud):
    sent = tool_call(fullInput=None, fullOutput=None, inputUploadId=uploaded(b"in"), outputUploadId=uploaded(b"out"))
    _, receipt, _ = post(sent)

    redact()

    assert [body_of(receipt["refId"], part)[1] for part in ("input", "output")] == [b"in", b"out"]
    assert (cloud.uploads(), cloud.keys("tool-calls/")) == ([0, 0], [])


def test_an_event_refers_to_an_upload(uploaded, consume, redact, connect, body_of):
    upload_id = uploaded(BODY)

    assert consume(tool_event(fullOutput=None, outputUploadId=upload_id)) == []
    redact()

    assert body_of(connect("reader").tool_call_logs.find_one()["refId"], "output")[1] == CLEAN


def test_the_link_accepts_the_announced_body_only(post):
    status, link, _ = post(announcement(BODY), "/v1/tool-calls/uploads")

    url = httpx.URL(link["url"])
    assert (status, link["method"]) == (201, "PUT")
    assert link["headers"]["Content-Length"] == str(len(BODY))
    signed = {"content-length", "host", "if-none-match", "x-amz-checksum-sha256"}
    assert link["headers"]["If-None-Match"] == "*"
    assert set(url.params["X-Amz-SignedHeaders"].split(";")) >= signed
    assert url.params["X-Amz-Expires"] == "900"
    assert f"uploads/tenant-acme/{link['id']}" in url.path


def test_a_link_works_once_even_after_the_upload_is_redacted(post, redact, cloud):
    _, link, _ = post(announcement(BODY), "/v1/tool-calls/uploads")

    def put():
        return requests.put(link["url"], data=BODY, headers=link["headers"], timeout=5).status_code

    assert (put(), put()) == (200, 412)
    assert post(tool_call(fullOutput=None, outputUploadId=link["id"]))[0] == 201
    assert redact() == []
    assert put() == 412
    assert cloud.uploads() == [0] and b"hunter2" not in cloud.stored()


def test_an_announcement_with_a_key_is_one_upload_with_a_fresh_link(post, connect):
    headers = {"idempotency-key": "k"}
    links = [post(announcement(BODY), "/v1/tool-calls/uploads", headers=headers)[1] for _ in range(2)]

    assert links[0]["id"] == links[1]["id"]
    assert links[0]["url"]
    assert "Signature" not in repr(list(connect("writer").idempotency_keys.find()))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"bytes": 0}, "/bytes"), ({"bytes": 100 * 1024 * 1024 + 1}, "/bytes"), ({"sha256": "x"}, "/sha256")],
)
def test_invalid_announcements_are_refused(post, changes, pointer):
    status, problem, _ = post(announcement(BODY, **changes), "/v1/tool-calls/uploads")

    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize(("role", "status"), [("auditor", 403), ("producer", 201), ("user", 201)])
def test_roles_that_may_upload(post, role, status):
    assert post(announcement(BODY), "/v1/tool-calls/uploads", role=role)[0] == status


def refusal(post, upload_id, **changes):
    status, problem, _ = post(tool_call(**{"fullOutput": None, "outputUploadId": upload_id, **changes}))
    assert (status, problem["errors"][0]["pointer"]) == (422, "/outputUploadId")
    return problem["errors"][0]["detail"]


def test_uploads_that_are_not_there_not_arrived_foreign_or_taken_are_refused(post, uploaded, connect, cloud):
    _, link, _ = post(announcement(BODY), "/v1/tool-calls/uploads")
    assert "not arrived" in refusal(post, link["id"])
    cloud.upload(link["id"], b"another length")
    assert "not arrived" in refusal(post, link["id"])
    assert "no such upload" in refusal(post, "0" * 26)
    assert "no such upload" in refusal(post, uploaded(BODY, "other"))
    taken = uploaded(BODY)
    assert post(tool_call(fullOutput=None, outputUploadId=taken))[0] == 201
    assert "another tool call" in refusal(post, taken)
    assert connect("reader").tool_call_logs.count_documents({}) == 1


def test_an_upload_that_has_expired_is_refused(post, uploaded, connect):
    upload_id = uploaded(BODY)
    connect("admin").tool_call_uploads.update_one({}, {"$set": {"createdOn": now() - timedelta(days=2)}})

    assert "no such upload" in refusal(post, upload_id)


def test_a_repeated_call_is_one_and_its_redaction_is_asked_for_again(post, uploaded, retry_queue, connect, redact):
    sent = tool_call(eventId="e-1", fullOutput=None, outputUploadId=uploaded(BODY))
    first = post(sent)
    again = post(sent)

    assert first[1] == again[1]
    assert len(retry_queue.sent) == 2
    assert redact() == []
    assert post(sent)[1]["output"]["state"] == "stored"
    assert connect("reader").tool_call_logs.count_documents({}) == 1


def test_a_crash_before_the_message_is_sent_is_repaired_by_the_repeated_request(
    post, uploaded, retry_queue, redact, body_of
):
    sent = tool_call(fullOutput=None, outputUploadId=uploaded(BODY))
    retry_queue.unavailable = True
    assert post(sent, headers={"idempotency-key": "k"})[0] == 503
    retry_queue.unavailable = False

    _, receipt, _ = post(sent, headers={"idempotency-key": "k"})
    redact()

    assert body_of(receipt["refId"], "output")[1] == CLEAN


def test_the_schedule_sends_the_message_of_a_call_without_one(
    send, retry_queue, connect, environment, load_function, redact, body_of
):
    ref_id = send()
    retry_queue.sent.clear()
    handler = load_function("redact_tool_uploads").handler
    environment("writer")
    assert handler({}, LambdaContext()) == {"pending": 0}
    connect("admin").tool_call_logs.update_one({}, {"$set": {"pendingSince": now() - timedelta(hours=1)}})
    assert handler({}, LambdaContext()) == {"pending": 1}
    redact()

    assert body_of(ref_id, "output")[1] == CLEAN
    assert handler({}, LambdaContext()) == {"pending": 0}


def test_the_same_message_twice_changes_nothing(send, redact, retry_queue, body_of, cloud, connect):
    ref_id = send()
    queued = retry_queue.sent[0]
    redact()
    before = connect("reader").tool_call_logs.find_one()

    assert redact(queued) == []
    assert connect("reader").tool_call_logs.find_one() == before
    assert body_of(ref_id, "output")[0] == 200


@pytest.mark.parametrize(
    "step", ["chancery.core.mongo.repository.Repository.change", "chancery.core.aws.objects.Objects.blank"]
)
def test_a_crash_between_two_steps_of_the_redaction_loses_nothing(
    send, redact, retry_queue, body_of, cloud, monkeypatch, step
):
    ref_id = send()
    queued = retry_queue.sent[0]
    with monkeypatch.context() as patched:
        patched.setattr(step, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            redact(queued)

    assert redact(queued) == []
    assert body_of(ref_id, "output")[1] == CLEAN
    assert len(cloud.keys("tool-calls/")) == 1


def test_an_unavailable_store_has_the_message_delivered_again(send, redact, retry_queue, monkeypatch, body_of):
    ref_id = send()
    queued = retry_queue.sent[0]
    with monkeypatch.context() as patched:
        patched.setattr("chancery.core.aws.objects.Objects.size", unavailable)
        assert len(redact(queued)) == 1

    assert body_of(ref_id, "output")[0] == 409
    assert redact(queued) == []
    assert body_of(ref_id, "output")[0] == 200


def broken(*_):
    raise TypeError("hunter2")


def unavailable(*_):
    raise Unavailable("The object store does not answer; try again.")


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [(broken, "failed", "An unexpected TypeError."), (unavailable, "pending", None)],
    ids=["an unexpected error ends it", "an outage does not"],
)
def test_the_last_delivery_of_a_redaction_that_fails(send, redact, get, retry_queue, monkeypatch, error, state, reason):
    ref_id, queued = send(), retry_queue.sent[0]

    with monkeypatch.context() as patched:
        patched.setattr("chancery.core.aws.objects.Objects.size", error)
        assert len(redact(queued, receives=2)) == 1
        assert get(f"/{ref_id}")[1]["output"]["state"] == "pending"
        assert redact(queued, receives=3) == []

    assert [message["body"] for message in retry_queue.forwarded] == [queued]
    found = get(f"/{ref_id}")[1]["output"]
    assert (found["state"], found.get("reason")) == (state, reason)


def test_an_upload_whose_redaction_is_killed_to_the_last_fails_and_a_redrive_stores_it(
    polled, send, get, body_of, environment, load_function, monkeypatch
):
    def handler(*invocation):
        environment("writer")
        return load_function("redact_tool_uploads").handler(*invocation)

    queue, found = polled("tool-uploads"), []
    ref_id = send()
    with monkeypatch.context() as patch:
        patch.setattr(CallBodies, "store", kill)
        while queue.deliver(handler):
            found.append(get(f"/{ref_id}")[1]["output"])

    assert [body["state"] for body in found] == ["pending", "pending", "failed"]
    assert found[-1]["reason"] == "Attempt 2 did not end: its process ran out of time or memory."
    assert queue.depth(queue.dead) == 1

    queue.redrive()
    assert queue.deliver(handler) == 1
    assert body_of(ref_id, "output")[:2] == (200, CLEAN)
    assert queue.depth(queue.dead) == 0


@pytest.mark.parametrize(
    ("body", "there", "reason"),
    [
        (BODY, b"x" * len(BODY), "is not the body that was announced"),
        (BODY, BODY + b" ", "is not the body that was announced"),
        (BODY, None, "was not redacted before it expired"),
        (b"\x89PNG\r\n\x1a\n" * 10, b"\x89PNG\r\n\x1a\n" * 10, "is neither JSON nor text in UTF-8"),
    ],
)
def test_an_upload_that_can_never_be_stored_fails_with_its_reason(
    send, redact, get, body_of, cloud, connect, body, there, reason
):
    ref_id = send(body)
    key = cloud.keys("uploads/")[0]
    if there is None:
        cloud.s3.delete_object(Bucket="content-bucket", Key=key)
    else:
        cloud.s3.put_object(Bucket="content-bucket", Key=key, Body=there)

    assert redact() == []

    found = get(f"/{ref_id}")[1]["output"]
    assert found["state"] == "failed" and found["reason"].startswith(reason)
    status, problem, _ = body_of(ref_id, "output")
    assert status == 409 and reason in orjson.loads(problem)["detail"]
    assert (cloud.uploads(), cloud.keys("tool-calls/")) == ([0], [])


def test_too_much_to_redact_fails(send, redact, get, monkeypatch):
    monkeypatch.setattr(text_engine, "MAX_EDITS", 3)
    ref_id = send(json.dumps([{"password": f"x4{at}"} for at in range(4)]).encode())

    redact()

    assert "values to redact" in get(f"/{ref_id}")[1]["output"]["reason"]


def test_a_call_that_has_expired_is_left_alone(send, redact, connect, cloud):
    send()
    connect("admin").tool_call_logs.update_one({}, {"$set": {"createdOn": now() - timedelta(days=91)}})

    assert redact() == []
    assert cloud.keys("tool-calls/") == []


def test_the_body_of_an_upload_is_of_the_day_of_its_call(send, redact, connect, cloud, body_of):
    ref_id = send()
    connect("admin").tool_call_logs.update_one({}, {"$set": {"createdOn": now() - timedelta(days=1)}})

    redact()

    assert f"{now() - timedelta(days=1):%Y-%m-%d}" in cloud.keys("tool-calls/")[0]
    assert body_of(ref_id, "output")[1] == CLEAN


def test_a_tenant_over_its_quota_gets_no_link(post, monkeypatch, connect):
    monkeypatch.setitem(quotas.QUOTAS, "uploads", quotas.Quota(len(BODY) + 1, "bytes of uploads", "uploadBytesPerDay"))
    path, key = "/v1/tool-calls/uploads", {"idempotency-key": "k"}
    first, again = (post(announcement(BODY), path, headers=key) for _ in range(2))

    status, problem, _ = post(announcement(b"ab"), path)

    assert (first[0], again[0]) == (201, 201)
    assert (status, problem["violated-policies"]) == (429, ["uploads"])
    assert "bytes of uploads today" in problem["detail"]
    assert connect("reader").tool_call_uploads.count_documents({}) == 1
    assert post(announcement(b"a"), path)[0] == 201

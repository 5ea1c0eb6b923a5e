"""GET /v1/tool-calls: lists that load no bodies, heads, bodies whole and in ranges, roles, and audited reads."""

import json
from datetime import timedelta

import httpx
import orjson
import pytest
from pymongo import MongoClient, monitoring

from chancery.content.tool_calls import reader
from chancery.content.tool_calls.collections import TOOL_CALL_LOGS
from chancery.core.formats.times import now
from chancery.core.mongo.repository import Repository
from tests.builders import http, principal
from tests.fakes import LambdaContext
from tests.integration.content.tool_calls.conftest import BUCKET, tool_call


@pytest.fixture
def audited(bus):
    """The audit events since the last call."""

    def events():
        found = [(event["action"], event["actorRole"], event["resourceId"]) for event in bus.of("Record Audit Event")]
        bus.published.clear()
        return found

    return events


def ids(page):
    return [item["toolCallId"] for item in page["items"]]


def test_lists_are_filtered_newest_first_and_paged(post, get):
    for at in range(5):
        post(tool_call(toolCallId=f"call-{at}", activityRunId=f"run-{at % 2}", traceId=f"t-{at}"))
    post(tool_call(toolCallId="foreign"), tenants=("other",))

    first = get("", query={"limit": "2"})[1]
    second = get("", query={"limit": "2", "cursor": first["nextCursor"]})[1]
    assert ids(first) + ids(second) == ["call-4", "call-3", "call-2", "call-1"]
    assert ids(get("", query={"activityRunId": "run-1"})[1]) == ["call-3", "call-1"]
    assert ids(get("", query={"toolCallId": "call-2"})[1]) == ["call-2"]
    assert ids(get("", query={"traceId": "t-3"})[1]) == ["call-3"]
    assert ids(get("", query={"toolName": "other"})[1]) == []
    assert ids(get("", query={"to": "2020-01-01T00:00:00Z"})[1]) == []
    assert get("", query={"fields": "toolName"})[1]["items"][0].keys() == {"refId", "toolName"}
    assert get("", query={"fields": "inputLocation"})[0] == get("", query={"wrong": "1"})[0] == 422


def test_the_heads_are_searched(post, get):
    post(tool_call(toolCallId="early", fullOutput="x " * 2000 + "needle"))
    post(tool_call(toolCallId="late", fullOutput="needle " + "x" * 100_000))
    post(tool_call(toolCallId="hidden", fullOutput="needle", sensitive=True))
    post(tool_call(toolCallId="input", fullInput={"word": "needle"}))
    post(tool_call(toolCallId="behind", fullOutput="x " * 2050 + "needle"))

    assert ids(get("", query={"q": "needle"})[1]) == ["input", "late", "early"]
    assert get("", query={"q": "needle"}, role="super_admin", tenants=())[0] == 422
    assert ids(get("", query={"q": "needle", "tenantId": "acme"}, role="super_admin", tenants=())[1])[-1] == "early"


def test_a_list_of_large_bodies_answers_with_none_of_them(post, environment, load_function, cloud, mongod):
    """Fifty calls with a megabyte each, and fifty with what fits into a document."""
    for at in range(50):
        post(tool_call(toolCallId=f"large-{at}", fullOutput="y" * 1024 * 1024, fullInput="z" * 60_000))
    received: list[int] = []

    class Replies(monitoring.CommandListener):
        def started(self, event):
            pass

        def succeeded(self, event):
            if event.command_name in ("find", "getMore"):
                received.append(len(orjson.dumps(event.reply["cursor"], default=str)))

        def failed(self, event):
            pass

    environment("reader")
    cloud.asked.clear()
    with MongoClient(mongod.uri("reader"), event_listeners=[Replies()], tz_aware=True) as client:
        documents = Repository(client[mongod.database], TOOL_CALL_LOGS)
        page = documents.page({"tenantId": "acme"}, fields=TOOL_CALL_LOGS.list_fields, descending=True, limit=50)
    request = http("GET", "/v1/tool-calls", caller=principal(), query={"limit": "50"})
    answer = load_function("read_tool_calls").handler(request, LambdaContext())

    assert len(page) == len(orjson.loads(answer["body"])["items"]) == 50
    assert sum(received) < 50_000
    assert len(answer["body"]) < 50_000
    assert cloud.asked == []


def test_a_call_is_in_its_trace(post, call, cloud):
    _, receipt, _ = post(tool_call(traceId="t-1", fullOutput="y" * 100_000))

    request = http("GET", "/v1/traces/t-1", caller=principal())
    _, found, _ = call("read_traces", request, "reader")

    assert [(item["kind"], item["refId"]) for item in found["items"]] == [("tool_call", receipt["refId"])]
    assert len(json.dumps(found)) < 2000


@pytest.mark.parametrize(("role", "status"), [("producer", 403), ("user", 200), ("dm_user", 200), ("auditor", 200)])
def test_roles_that_may_read(post, get, body_of, role, status):
    _, receipt, _ = post(tool_call())

    assert get("", role=role)[0] == get(f"/{receipt['refId']}", role=role)[0] == status
    assert body_of(receipt["refId"], "output", role=role)[0] == status


def test_another_tenants_call_is_not_found(post, get, body_of):
    _, receipt, _ = post(tool_call())

    assert get(f"/{receipt['refId']}", tenants=("other",))[0] == 404
    assert body_of(receipt["refId"], "input", tenants=("other",))[0] == 404
    assert get(f"/{receipt['refId']}", query={"tenantId": "acme"}, tenants=("other",))[0] == 404
    assert get("", tenants=("other",))[1]["items"] == []


def test_views_of_bodies_are_audited_for_every_role_and_other_reads_for_auditors_only(post, get, body_of, audited):
    _, receipt, _ = post(tool_call())
    ref_id = receipt["refId"]

    for role in ("user", "auditor"):
        get("", role=role)
        get(f"/{ref_id}", role=role)
        body_of(ref_id, "input", role=role)
    assert audited() == [
        ("tool_call.input_viewed", "user", ref_id),
        ("tool_call.listed", "auditor", "*"),
        ("tool_call.viewed", "auditor", ref_id),
        ("tool_call.input_viewed", "auditor", ref_id),
    ]
    assert body_of(ref_id, "output", role="super_admin", tenants=())[0] == 200
    assert audited() == [("tool_call.output_viewed", "super_admin", ref_id), ("tenant.crossed", "super_admin", "acme")]


def test_a_body_is_not_returned_when_the_read_cannot_be_audited(post, body_of, bus):
    _, receipt, _ = post(tool_call())
    bus.unavailable = True

    assert body_of(receipt["refId"], "output")[0] == 503


class TestSensitive:
    """Bodies encrypted under separate data keys."""

    @pytest.fixture
    def sent(self, post):
        def send(output="the secret ingredient is love", **changes):
            return post(tool_call(sensitive=True, fullOutput=output, **changes))[1]["refId"]

        return send

    @pytest.mark.parametrize("size", [1, 64 * 1024, 64 * 1024 + 1, 1024 * 1024, 3 * 1024 * 1024])
    def test_neither_store_holds_it_and_it_comes_back_byte_for_byte(self, sent, body_of, connect, cloud, size):
        text = ("love and " * (size // 9 + 1))[:size]

        ref_id = sent(text)

        everything = repr(list(connect("reader").tool_call_logs.find())).encode() + cloud.stored()
        assert b"love and love" not in everything and b'"query"' not in everything
        assert body_of(ref_id, "output")[:2] == (200, text.encode())
        assert body_of(ref_id, "input")[1] == b'{"query":"seo","page":1}'

    def test_it_has_neither_head_nor_hash(self, sent, get):
        _, found, _ = get(f"/{sent()}")

        assert not {"inputHead", "outputHead"} & found.keys()
        assert found["output"] == {"state": "stored", "bytes": 29, "contentType": "text/plain; charset=utf-8"}

    def test_it_is_redacted_too(self, sent, body_of):
        assert body_of(sent({"password": "hunter2"}), "output")[1] == b'{"password":"[REDACTED]"}'

    def test_an_auditor_reads_the_call_and_not_its_body(self, sent, get, body_of, audited):
        ref_id = sent()

        assert get(f"/{ref_id}", role="auditor")[0] == 200
        audited()
        assert body_of(ref_id, "output", role="auditor")[0] == 403
        assert audited() == []

    def test_the_same_body_twice_is_two_ciphertexts(self, sent, cloud):
        sent("x" * 100_000)
        sent("x" * 100_000)

        assert len(cloud.keys()) == 2

    def test_repeated_it_is_one_call(self, sent, connect):
        assert sent(eventId="e-1") == sent(eventId="e-1")
        assert connect("reader").tool_call_logs.count_documents({}) == 1

    def test_moved_to_another_call_it_does_not_open(self, sent, body_of, connect):
        mine, other = sent(), sent("another secret ingredient....")
        documents = connect("admin").tool_call_logs
        location = documents.find_one({"refId": mine})["outputLocation"]
        documents.update_one({"refId": other}, {"$set": {"outputLocation": location}})

        assert body_of(other, "output")[0] == 500

    def test_damaged_in_s3_it_does_not_open(self, sent, body_of, cloud):
        ref_id = sent("x" * 100_000)
        stored = cloud.stored()
        cloud.s3.put_object(Bucket=BUCKET, Key=cloud.keys()[0], Body=stored[:-1] + bytes([stored[-1] ^ 1]))
        assert body_of(ref_id, "output")[0] == 500

        cloud.s3.delete_object(Bucket=BUCKET, Key=cloud.keys()[0])
        assert body_of(ref_id, "output")[0] == 500

    def test_without_its_key_it_is_neither_stored_nor_read(self, sent, post, body_of, connect, cloud):
        def unavailable(**_):
            raise ConnectionError

        ref_id = sent()
        cloud.kms.generate_data_key = cloud.kms.decrypt = unavailable

        assert post(tool_call(sensitive=True))[0] == 503
        assert connect("reader").tool_call_logs.count_documents({}) == 1
        assert body_of(ref_id, "output")[0] == 503

    def test_in_parts_it_is_whole_again(self, sent, body_of, monkeypatch):
        monkeypatch.setattr(reader, "MOST_BYTES", 300_000)
        text = "".join(map(str, range(400_000)))
        ref_id = sent(text)

        status, problem, _ = body_of(ref_id, "output")
        whole, at = b"", 0
        while at < len(text):
            answered, part, headers = body_of(ref_id, "output", headers={"range": f"bytes={at}-"})
            assert (answered, headers["Content-Range"]) == (206, f"bytes {at}-{at + len(part) - 1}/{len(text)}")
            whole, at = whole + part, at + len(part)

        assert (status, orjson.loads(problem)["errors"][0]["pointer"]) == (422, "/Range")
        assert whole == text.encode()


@pytest.mark.parametrize("sensitive", [False, True])
@pytest.mark.parametrize(
    ("header", "status", "part"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=-999999", 206, slice(0, None)),
        ("bytes=5-999999999", 206, slice(5, None)),
        ("bytes=99999-100003", 206, slice(99999, 100004)),
        ("bytes=4-2", 200, slice(0, None)),
        ("bytes=0-1,4-5", 200, slice(0, None)),
        ("lines=1-2", 200, slice(0, None)),
        ("bytes=150000-", 416, None),
        ("bytes=-0", 416, None),
    ],
)
def test_ranges(post, body_of, sensitive, header, status, part):
    text = "é" * 50_000 + "abcdefghij" * 5000
    _, receipt, _ = post(tool_call(fullOutput=text, sensitive=sensitive))

    answered, found, headers = body_of(receipt["refId"], "output", headers={"range": header})

    assert answered == status
    if part is None:
        assert headers["Content-Range"] == "bytes */150000"
    else:
        assert found == text.encode()[part]


class TestLarge:
    """What does not fit into an answer is linked to."""

    def test_the_link_serves_the_body_until_the_call_expires(self, post, get, monkeypatch, cloud):
        monkeypatch.setattr(reader, "MOST_BYTES", 100_000)
        _, receipt, _ = post(tool_call(fullOutput=["x" * 100_000]))

        status, _, headers = get(f"/{receipt['refId']}/output")

        link = httpx.URL(headers["Location"])
        assert status == 307
        assert link.params["X-Amz-Expires"] == "900"
        assert link.params["response-content-type"] == "application/json"
        assert cloud.keys()[0] in link.path

    def test_a_link_does_not_outlive_the_call(self, post, get, monkeypatch, connect):
        monkeypatch.setattr(reader, "MOST_BYTES", 100_000)
        _, receipt, _ = post(tool_call(fullOutput="x" * 100_001))
        created_on = now() - timedelta(days=90) + timedelta(seconds=60)
        connect("admin").tool_call_logs.update_one({}, {"$set": {"createdOn": created_on}})

        _, _, headers = get(f"/{receipt['refId']}/output")

        assert 0 < int(httpx.URL(headers["Location"]).params["X-Amz-Expires"]) <= 60

    def test_without_accept_the_api_would_answer_in_base64(self, post, get):
        _, clear, _ = post(tool_call(fullOutput="x" * 100_000))
        _, hidden, _ = post(tool_call(fullOutput="x" * 100_000, sensitive=True))
        _, small, _ = post(tool_call())

        assert get(f"/{clear['refId']}/output", headers={"accept": None})[0] == 307
        assert get(f"/{hidden['refId']}/output", headers={"accept": None})[1]["errors"][0]["pointer"] == "/Accept"
        assert get(f"/{small['refId']}/output", headers={"accept": None, "range": "bytes=0-1"})[0] == 200


def test_an_expired_call_is_gone_before_mongodb_sweeps(post, get, body_of, connect, call, cloud, monkeypatch):
    _, receipt, _ = post(tool_call(traceId="t-1"))
    created_on = now() - timedelta(days=30)
    connect("admin").tool_call_logs.update_one({}, {"$set": {"createdOn": created_on}})
    assert get(f"/{receipt['refId']}")[0] == 200
    monkeypatch.setenv("CHANCERY_RETENTION_DAYS", '{"tool_call_logs": 30}')

    assert get(f"/{receipt['refId']}")[0] == body_of(receipt["refId"], "input")[0] == 404
    assert get("")[1]["items"] == []
    request = http("GET", "/v1/traces/t-1", caller=principal())
    assert call("read_traces", request, "reader")[1]["items"] == []


def test_a_changed_body_is_not_returned(post, body_of, cloud):
    _, receipt, _ = post(tool_call(fullOutput="x" * 100_000))
    cloud.s3.put_object(Bucket=BUCKET, Key=cloud.keys()[0], Body=b"y" * 100_000)

    assert body_of(receipt["refId"], "output")[0] == 500

"""Input that other systems read in several ways: from the request, or the message, to the stored record."""

import gzip
import json
import unicodedata

import pytest

from tests.builders import envelope, event, http, message, principal

CUT = "cut \\ud83d"
CLASSES = {"soft hyphen": "\xad", "C1": "\x85", "zero width space": "\u200b", "override": "\u202e", "tag": "\U000e0041"}


def text_of(body: dict, written: str) -> str:
    """The body as JSON, with the text CUT as it is written."""
    return json.dumps(body).replace('"CUT"', f'"{written}"')


def pointers(problem: dict) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]


@pytest.fixture
def consume(environment, load_function, retry_queue, monkeypatch):
    """Has the consumer take messages; what it has sent to other queues."""
    for name in ("REJECTS_QUEUE_URL", "DEAD_LETTER_QUEUE_URL"):
        monkeypatch.setenv(f"CHANCERY_{name}", "https://queue")

    class Context:
        function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "f"

    def run(*bodies: str) -> list[dict]:
        environment("writer")
        records = [message(body) for body in bodies]
        assert load_function("consume_audit_events").handler({"Records": records}, Context()) == {
            "batchItemFailures": []
        }
        return [sent for sent in map(json.loads, retry_queue.sent) if "reason" in sent]

    return run


def test_half_an_emoji_in_a_batch_is_stored_as_a_replacement_character(post, connect):
    batch = {"records": [event(resourceId="good"), event(resourceId="cut", description="CUT")]}

    status, answer, _ = post(text_of(batch, CUT))

    assert (status, [result["status"] for result in answer["results"]]) == (201, [201, 201])
    stored = {item["resourceId"]: item["description"] for item in connect("reader").audit_logs.find()}
    assert stored["cut"] == "cut \ufffd"


def test_half_an_emoji_in_an_event_is_stored_as_a_replacement_character(consume, connect):
    assert consume(text_of(envelope(event(description="CUT", metadata={"CUT": ["CUT"]})), CUT)) == []

    (stored,) = connect("reader").audit_logs.find()
    assert (stored["description"], stored["metadata"]) == ("cut \ufffd", {"cut \ufffd": ["cut \ufffd"]})


def test_a_key_twice_in_an_event_is_rejected_with_its_place_and_the_redacted_event(consume, connect):
    body = json.dumps(envelope(event(before={"email": "sarah@example.com"}))).replace(
        '"before": {', '"before": {"a": 1, "a": 2, '
    )

    (reject,) = consume(body, json.dumps(envelope(event())))

    assert pointers(reject["reason"]) == ["/before/a"]
    assert "sarah@example.com" not in json.dumps(reject)
    assert reject["message"]["detail"]["before"] == {"a": 2, "email": "[REDACTED]"}
    assert connect("reader").audit_logs.count_documents({}) == 1


def test_a_key_twice_in_a_request_is_refused_by_its_place(post, connect):
    body = json.dumps({"records": [event(), event()]})

    status, problem, _ = post(body.replace('"before": {', '"before": {"status": 1, '))

    assert (status, sorted(pointers(problem))) == (422, ["/records/0/before/status", "/records/1/before/status"])
    assert connect("reader").audit_logs.count_documents({}) == 0


@pytest.mark.parametrize("length", [256, 512])
def test_a_resource_with_a_long_id_is_found_by_it(post, get, length):
    assert post(event(resourceId="x" * length))[0] == 201

    status, found, _ = get("/v1/audit-logs", query={"resourceId": "x" * length})

    assert (status, len(found["items"])) == (200, 1)
    assert get("/v1/audit-logs", query={"resourceId": "x" * 513})[0] == 422


@pytest.mark.parametrize("name", ["actorId", "resourceId", "eventId", "correlationId", "traceId", "actorRole"])
@pytest.mark.parametrize("kind", CLASSES)
def test_an_identifier_with_a_character_that_cannot_be_seen_is_refused(post, name, kind):
    status, problem, _ = post(event(**{name: f"a{CLASSES[kind]}b"}))

    assert (status, pointers(problem)) == (422, [f"/{name}"])


def test_an_identifier_is_the_same_in_every_normal_form(post, get, connect):
    forms = [unicodedata.normalize(form, "zoë-café") for form in ("NFC", "NFD")]
    for form in forms:
        assert post(event(actorId=form, resourceId=form, eventId=f"e-{form}"))[0] == 201

    assert connect("reader").audit_logs.count_documents({}) == 1
    for form in forms:
        assert len(get("/v1/audit-logs", query={"actorId": form, "resourceId": form})[1]["items"]) == 1


def test_a_tenant_is_the_same_in_every_normal_form(post, get):
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))

    status, receipt, _ = post(event(tenantId=decomposed), "dm_user", tenants=(composed,))
    assert status == 201
    assert post(event(), "dm_user", tenants=("acme", composed), headers={"X-Tenant-Id": decomposed})[0] == 201
    assert post(event(tenantId=decomposed), "super_admin", tenants=())[0] == 201
    found = get("/v1/audit-logs", "dm_user", query={"tenantId": decomposed}, tenants=(composed,))[1]["items"]
    assert [item["tenantId"] for item in found] == [composed] * 3
    assert receipt["refId"] in {item["refId"] for item in found}


@pytest.mark.parametrize("kind", CLASSES)
def test_a_tenant_header_with_a_character_that_cannot_be_seen_is_refused(post, kind):
    status, problem, _ = post(event(), "super_admin", headers={"X-Tenant-Id": f"acme{CLASSES[kind]}"})

    assert (status, pointers(problem)) == (422, ["/X-Tenant-Id"])


def test_a_leap_second_is_stored_as_the_second_after(post, get):
    receipt = post(event(createdOn="1990-12-31T23:59:60Z"))[1]

    assert receipt["createdOn"] == "1991-01-01T00:00:00.000Z"
    found = get("/v1/audit-logs", query={"from": "1990-12-31T23:59:60Z", "to": "1991-01-01T00:00:01Z"})[1]["items"]
    assert [item["refId"] for item in found] == [receipt["refId"]]


@pytest.mark.parametrize("moment", ["1969-12-31T23:59:59.999Z", "1969-12-31T23:59:60.5+00:01", "3000-01-01T00:00:00Z"])
def test_an_event_of_another_time_is_refused(post, moment):
    status, problem, _ = post(event(createdOn=moment))

    assert (status, pointers(problem)) == (422, ["/createdOn"])


def test_a_traceparent_in_upper_case_is_ignored(post, connect):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    post(event(resourceId="upper"), headers={"traceparent": f"00-{trace.upper()}-00f067aa0ba902b7-01"})
    post(event(resourceId="lower"), headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})

    traces = {item["resourceId"]: item.get("traceId") for item in connect("reader").audit_logs.find()}
    assert traces == {"upper": None, "lower": trace}


def test_a_gzipped_request_is_stored_once_as_the_plain_one(call, connect):
    body = json.dumps(event()).encode()

    def send(text: bytes, **headers: str) -> tuple:
        sent = {"Idempotency-Key": "k", **headers}
        return call("record_audit_logs", http("POST", "/v1/audit-logs", text, caller=principal(), headers=sent))

    zipped, plain = send(gzip.compress(body), **{"Content-Encoding": "gzip"}), send(body)

    assert (zipped[0], zipped) == (201, plain)
    assert connect("reader").audit_logs.count_documents({}) == 1
    assert send(gzip.compress(bytes(30_000_000)), **{"Content-Encoding": "gzip"})[0] == 413
    status, problem, headers = send(body, **{"Content-Encoding": "br"})
    assert (status, problem["title"], headers["Accept-Encoding"]) == (
        415,
        "Unsupported content coding",
        "gzip, identity",
    )


def test_words_of_scripts_without_spaces_are_found_as_they_stand_between_spaces_only(post, get):
    post(event(resourceId="zh", description="批准 博客文章已经批准。", before=None))
    post(event(resourceId="ja", description="ブログ記事を承認しました", before=None))

    def found(words: str) -> list[str]:
        return [item["resourceId"] for item in get("/v1/audit-logs", query={"q": words})[1]["items"]]

    assert (found("批准"), found("ブログ記事を承認しました")) == (["zh"], ["ja"])
    assert (found("文章"), found("承認")) == ([], [])

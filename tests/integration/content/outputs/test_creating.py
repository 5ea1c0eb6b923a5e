"""A new output: a draft with computed counts, its content unchanged, created once."""

import pytest

from tests.integration.content.conftest import CONTENT, audited
from tests.integration.content.outputs.conftest import LARGE, PATH, output, stored


def test_a_new_output_is_a_draft_with_our_counts(ask, connect):
    claimed = {"wordCount": 9000, "platform": "x", "charCounts": {"x": 1, "linkedin": "many"}, "tone": "warm"}
    results = [{"rule": "length", "passed": False, "authorEmail": "gone@example.com"}]
    body = output(content='{"x": "Zoe\u0308!", "linkedin": {"text": "hello world"}}', metadata={**claimed})
    body["metadata"]["validationResults"] = results

    status, made, headers = ask(
        "POST", body=body, role="producer", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    )
    whole = ask("GET", f"/{made['refId']}")[1]

    assert (status, made["status"], made["wordCount"], made["version"]) == (201, "draft", 6, 1)
    assert headers["Location"] == f"..{PATH}/{made['refId']}"
    assert "content" not in made and "metadata" not in made
    assert whole["content"] == body["content"]
    assert whole["metadata"] == {
        "wordCount": 6,
        "platform": "x",
        "charCounts": {"x": 4, "linkedin": 11},
        "validationResults": [{"rule": "length", "passed": False, "authorEmail": "[REDACTED]"}],
        "tone": "warm",
    }
    assert whole["traceId"] == "a" * 32
    assert (whole["createdBy"], whole["tenantId"]) == ("producer-1", "acme")
    assert not {"bodies", "requestKey", "decisionKey"} & whole.keys()
    assert stored(connect, made["refId"])["bodies"] == {}


def test_large_content_goes_to_s3_by_its_hash_and_comes_back_byte_for_byte(create, ask, connect, content_bucket):
    ref_id, again = create(content=LARGE), create(content=LARGE)

    document = stored(connect, ref_id)
    keys = [item["Key"] for item in content_bucket.list_objects_v2(Bucket=CONTENT)["Contents"]]

    assert ask("GET", f"/{ref_id}")[1]["content"] == ask("GET", f"/{again}")[1]["content"] == LARGE
    assert document["content"] == LARGE[:4096]
    assert document["bodies"]["content"] == {"key": keys[0], "sha256": keys[0][-64:], "bytes": len(LARGE.encode())}
    assert len(keys) == 1 and keys[0].startswith("content/tenant-acme/")


@pytest.mark.parametrize("size", [64 * 1024, 64 * 1024 + 1])
def test_content_up_to_64_kb_stays_in_its_document(create, ask, connect, size):
    text = "é" * (size // 2) + "x" * (size % 2)

    ref_id = create(content=text)

    assert bool(stored(connect, ref_id)["bodies"]) is (size > 64 * 1024)
    assert ask("GET", f"/{ref_id}")[1]["content"] == text


def test_credentials_in_content_are_redacted_before_it_is_stored(create, ask, content_bucket):
    ref_id = create(content="key AKIAABCDEFGHIJKLMNOP. " + "x" * 70_000)

    key = content_bucket.list_objects_v2(Bucket=CONTENT)["Contents"][0]["Key"]
    assert b"AKIA" not in content_bucket.get_object(Bucket=CONTENT, Key=key)["Body"].read()
    assert ask("GET", f"/{ref_id}")[1]["content"].startswith("key [REDACTED]. xxx")


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"activityId": None, "content": ""}, ["/activityId", "/content"]),
        ({"status": "published"}, ["/status"]),
        ({"type": "a\nb", "activityRunId": 7}, ["/activityRunId", "/type"]),
        ({"metadata": {"validationResults": "none"}}, ["/metadata/validationResults"]),
        ({"metadata": {"big": 2**60}}, ["/metadata/big"]),
        ({"metadata": []}, ["/metadata"]),
    ],
)
def test_wrong_fields_are_named_and_nothing_is_stored(ask, connect, bus, content_bucket, changes, pointers):
    status, problem, _ = ask("POST", body=output(**changes), role="producer")

    assert status == 422
    assert sorted(error["pointer"] for error in problem["errors"]) == pointers
    assert connect("admin").activity_outputs.count_documents({}) == 0
    assert not bus.published and "Contents" not in content_bucket.list_objects_v2(Bucket=CONTENT)


def test_a_body_that_is_no_object_is_refused(ask):
    assert ask("POST", body=[output()])[0] == ask("POST", body="{")[0] == 422


def test_a_document_too_large_for_an_answer_is_refused(ask, connect):
    status, problem, _ = ask("POST", body=output(content='"' * 1_900_000))

    assert (status, problem["title"]) == (413, "Body too large")
    assert connect("admin").activity_outputs.count_documents({}) == 0


def test_the_same_request_twice_is_one_output(ask, connect, bus):
    key = {"Idempotency-Key": "k-1"}

    first, again = (ask("POST", body=output(), headers=key) for _ in range(2))
    other = ask("POST", body=output(type="report"), headers=key)
    without = ask("POST", body=output())

    assert first[:2] == again[:2]
    assert other[0] == 422
    assert without[1]["refId"] != first[1]["refId"]
    assert len(audited(bus, "activity_output.created")) == connect("admin").activity_outputs.count_documents({}) == 2


def test_a_request_that_died_before_it_was_answered_is_taken_up_again(ask, connect):
    key = {"Idempotency-Key": "k-1"}
    first = ask("POST", body=output(), headers=key)[1]
    approved = ask("POST", f"/{first['refId']}/approve", headers=key | {"Idempotency-Key": "k-2"})
    connect("admin").idempotency_keys.update_many({}, {"$set": {"answer": None}})

    again = ask("POST", body=output(), headers=key)
    approved_again = ask("POST", f"/{first['refId']}/approve", headers=key | {"Idempotency-Key": "k-2"})

    assert again[0] == 201 and again[1]["refId"] == first["refId"]
    assert approved_again[:2] == approved[:2]
    assert connect("admin").activity_outputs.count_documents({}) == 1

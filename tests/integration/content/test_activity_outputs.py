"""Activity outputs through the real handler: kept whole, decided once, audited or not done."""

import threading

import orjson
import pytest
from jsonschema import Draft202012Validator

from chancery.content.outputs.bootstrap import outputs
from chancery.core.http import Request
from chancery.core.mongo import Unavailable
from chancery.core.principal import Principal, Role
from chancery.openapi import document
from chancery.routes import ROUTES
from tests.builders import http
from tests.integration.content.conftest import CONTENT, audited

PATH = "/v1/activity-outputs"
UNKNOWN = "01J00000000000000000000000"
DECIDED = ("activity.approved", "activity.rejected", "deliverable.published")
PUBLISHED = {"publishedUrl": "https://www.example.com/posts/1?ref=a"}
LARGE = "Zoë wrote “this” about 日本.\r\n\t<b>&amp;</b> \\ 👩‍👩‍👧\n" * 3000


def output(**changes):
    body = {
        "activityId": "act-1",
        "activityRunId": "run-1",
        "type": "blog_post",
        "content": "# Why SEO matters\n\nBecause people search.",
        "metadata": {"platform": "wordpress", "validationResults": [{"rule": "length", "passed": True}]},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


@pytest.fixture
def ask(send):
    def request(method, path="", body=None, **options):
        status, answer, headers = send("manage_activity_outputs", method, f"{PATH}{path}", body, **options)
        if status < 400:
            check_documented(method, f"{PATH}{path}", status, answer)
        return status, answer, headers

    return request


def check_documented(method, path, status, answer):
    route = next(route for route in ROUTES if route.method == method and route.pattern.fullmatch(path))
    schemas = {"components": {"schemas": document()["components"]["schemas"]}}
    Draft202012Validator({"$ref": f"#/components/schemas/{route.answers[status]}", **schemas}).validate(answer)


@pytest.fixture
def create(ask):
    def made(**changes):
        status, answer, _ = ask("POST", body=output(**changes), role="producer")
        assert status == 201, answer
        return answer["refId"]

    return made


@pytest.fixture
def reach(create, ask):
    """An output in a state."""

    def bring(state):
        ref_id = create()
        for verb, body in {
            "draft": [],
            "approved": [("approve", None)],
            "rejected": [("reject", None)],
            "published": [("approve", None), ("publish", PUBLISHED)],
        }[state]:
            assert ask("POST", f"/{ref_id}/{verb}", body)[0] == 200
        return ref_id

    return bring


def stored(connect, ref_id):
    return connect("admin").activity_outputs.find_one({"refId": ref_id})


# ---- created


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


def test_what_no_answer_could_hold_is_refused(ask, connect):
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


# ---- decided


def test_the_way_to_publication_is_kept_with_who_and_when(create, ask, bus):
    ref_id = create()

    approved = ask("POST", f"/{ref_id}/approve", {"comment": "Good."}, role="dm_user")[1]
    published = ask("POST", f"/{ref_id}/publish", PUBLISHED)[1]
    whole = ask("GET", f"/{ref_id}")[1]

    assert (approved["status"], approved["approvedBy"], approved["comment"]) == ("approved", "dm_user-1", "Good.")
    assert approved["approvedOn"] == approved["updatedOn"] >= approved["createdOn"]
    assert (published["status"], published["publishedBy"], published["version"]) == ("published", "user-1", 3)
    assert published["publishedUrl"] == PUBLISHED["publishedUrl"]
    assert published.items() <= whole.items()
    events = [(e["action"], e["resourceType"], e["resourceId"], e["actorId"]) for e in audited(bus, *DECIDED)]
    assert events == [
        ("activity.approved", "activity", "act-1", "dm_user-1"),
        ("deliverable.published", "deliverable", ref_id, "user-1"),
    ]
    assert audited(bus, "activity.approved")[0]["metadata"]["outputId"] == ref_id


@pytest.mark.parametrize(
    ("state", "verb", "allowed"),
    [
        ("draft", "publish", "approve or reject"),
        ("approved", "approve", "publish"),
        ("approved", "reject", "publish"),
        ("rejected", "approve", "Nothing follows"),
        ("rejected", "reject", "Nothing follows"),
        ("rejected", "publish", "Nothing follows"),
        ("published", "approve", "Nothing follows"),
        ("published", "reject", "Nothing follows"),
        ("published", "publish", "Nothing follows"),
    ],
)
def test_what_the_state_does_not_allow_is_a_conflict_that_says_what_is(reach, ask, connect, bus, state, verb, allowed):
    ref_id = reach(state)
    before, heard = stored(connect, ref_id), len(bus.published)

    status, problem, _ = ask("POST", f"/{ref_id}/{verb}", PUBLISHED if verb == "publish" else None)

    assert (status, problem["title"]) == (409, "Conflict")
    assert f"is {state}" in problem["detail"] and allowed in problem["detail"]
    assert stored(connect, ref_id) == before and len(bus.published) == heard


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "ftp://example.com/a",
        "data:text/html,x",
        "//example.com/a",
        "/posts/1",
        "https://",
        "https:///posts",
        "https://user:secret@example.com/",
        "https://example.com/a b",
        "https://example.com/\u202emoc",
        "https://exa\\mple.com",
        "http://[::1",
        "https://example.com:x/",
        "https://example.com/" + "x" * 2048,
    ],
)
def test_only_an_address_of_the_web_is_published(reach, ask, url):
    ref_id = reach("approved")

    status, problem, _ = ask("POST", f"/{ref_id}/publish", {"publishedUrl": url})

    assert status == 422
    assert [error["pointer"] for error in problem["errors"]] == ["/publishedUrl"]
    assert ask("GET", f"/{ref_id}")[1]["status"] == "approved"


def test_of_an_approval_and_a_rejection_at_once_one_wins(create, environment, ask, connect, bus):
    """Eight times, since only some meet in the database; each time exactly one of them is stored and audited."""
    for _ in range(8):
        ref_id = create()
        environment("writer")
        service, barrier, results = outputs(), threading.Barrier(2), {}

        def decide(verb, ref_id=ref_id, service=service, barrier=barrier, results=results):
            caller = Principal(f"{verb}r", Role.USER, ("acme",))
            request = Request("POST", f"{PATH}/{ref_id}/{verb}", {}, {}, b"", caller)
            barrier.wait()
            try:
                results[verb] = service.decide(request, ref_id, verb).status
            except Exception as exc:
                results[verb] = getattr(exc, "status", exc)

        threads = [threading.Thread(target=decide, args=(verb,)) for verb in ("approve", "reject")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        document = stored(connect, ref_id)
        assert sorted(results.values()) == [200, 409], results
        winner = "approve" if results["approve"] == 200 else "reject"
        assert document["status"] == {"approve": "approved", "reject": "rejected"}[winner]
        assert document.get("approvedBy", document.get("rejectedBy")) == f"{winner}r"
        assert {e["action"] for e in audited(bus, *DECIDED) if e["metadata"]["outputId"] == ref_id} == {
            f"activity.{document['status']}"
        }


def test_without_its_audit_nothing_is_created_or_decided(create, ask, connect, bus):
    ref_id = create()
    bus.away = True

    assert ask("POST", body=output())[0] == 503
    assert ask("POST", f"/{ref_id}/approve")[0] == 503

    bus.away = False
    assert connect("admin").activity_outputs.count_documents({}) == 1
    assert stored(connect, ref_id)["status"] == "draft"
    assert ask("POST", f"/{ref_id}/approve")[0] == 200


def test_without_s3_nothing_is_stored_and_large_content_is_unavailable(create, ask, connect, monkeypatch):
    ref_id = create(content=LARGE)
    small = create()
    monkeypatch.setenv("CHANCERY_CONTENT_BUCKET", "no-such-bucket")

    assert ask("POST", body=output(content=LARGE))[0] == 503
    assert ask("GET", f"/{ref_id}")[0] == 503
    assert ask("GET", f"/{small}")[0] == 200
    assert connect("admin").activity_outputs.count_documents({}) == 2


def test_damaged_content_is_not_returned(create, ask, content_bucket):
    ref_id = create(content=LARGE)
    key = content_bucket.list_objects_v2(Bucket=CONTENT)["Contents"][0]["Key"]
    content_bucket.put_object(Bucket=CONTENT, Key=key, Body=b"something else")

    status, problem, _ = ask("GET", f"/{ref_id}")

    assert status == 500 and "damaged" in problem["detail"]


def test_without_the_database_it_says_when_to_come_back(ask, monkeypatch):
    ask("GET")
    monkeypatch.setattr("chancery.core.stored.Documents.get", _away)
    monkeypatch.setattr("chancery.core.stored.Documents.page", _away)

    for method, path in (("GET", ""), ("GET", f"/{UNKNOWN}"), ("POST", f"/{UNKNOWN}/approve")):
        status, _, headers = ask(method, path)
        assert (status, headers["Retry-After"]) == (503, "5")


def _away(*_, **__):
    raise Unavailable("The database does not answer; try again.")


# ---- read, and by whom


def test_lists_are_filtered_and_leave_content_and_metadata_out(create, ask, reach):
    reach("approved")
    create(activityId="act-2", type="report")
    newest = create(activityId="act-2")

    def found(**query):
        return ask("GET", query=query)[1]["items"]

    assert [item["refId"] for item in found(activityId="act-2", type="blog_post")] == [newest]
    assert {item["type"] for item in found(status="draft")} == {"report", "blog_post"}
    assert [item["status"] for item in found(status="approved", fields="status")] == ["approved"]
    assert found(status="approved", fields="status")[0].keys() == {"refId", "status"}
    assert not {"content", "metadata", "bodies", "requestKey"} & {key for item in found() for key in item}
    assert ask("GET", query={"status": "lost", "limit": "0"})[1]["errors"].__len__() == 2
    assert ask("GET", query={"fields": "content"})[0] == 422


def test_another_tenants_output_does_not_exist(create, ask):
    ref_id = create()
    others = {"tenants": ("globex",)}

    assert ask("GET", f"/{ref_id}", **others)[0] == 404
    assert ask("GET", **others)[1]["items"] == []
    for verb, body in (("approve", None), ("reject", None), ("publish", PUBLISHED)):
        assert ask("POST", f"/{ref_id}/{verb}", body, **others)[0] == 404
    assert ask("POST", body=output(tenantId="acme"), role="producer", **others)[0] == 403
    assert ask("GET", f"/{ref_id}")[1]["status"] == "draft"


def test_a_super_admin_crosses_tenants_and_that_is_audited(create, ask, bus):
    ref_id = create()

    status, answer, _ = ask("POST", f"/{ref_id}/approve", role="super_admin")
    refused = ask("POST", body=output(), role="super_admin")
    created = ask("POST", body=output(tenantId="globex"), role="super_admin")

    assert (status, answer["status"]) == (200, "approved")
    assert refused[0] == 422 and created[1]["tenantId"] == "globex"
    assert audited(bus, "activity.approved")[0]["tenantId"] == "acme"
    assert [event["resourceId"] for event in audited(bus, "tenant.crossed")] == ["acme", "globex"]


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("super_admin", {"POST", "GET list", "GET", "approve", "reject", "publish"}),
        ("dm_user", {"POST", "GET list", "GET", "approve", "reject", "publish"}),
        ("user", {"POST", "GET list", "GET", "approve", "reject", "publish"}),
        ("auditor", {"GET list", "GET"}),
        ("producer", {"POST"}),
    ],
)
def test_roles(reach, ask, role, may):
    ids = {"approve": reach("draft"), "reject": reach("draft"), "publish": reach("approved"), "GET": reach("draft")}
    asked = {
        "POST": ("POST", "", output(tenantId="acme")),
        "GET list": ("GET", "", None),
        "GET": ("GET", f"/{ids['GET']}", None),
        "approve": ("POST", f"/{ids['approve']}/approve", None),
        "reject": ("POST", f"/{ids['reject']}/reject", {"comment": "no"}),
        "publish": ("POST", f"/{ids['publish']}/publish", PUBLISHED),
    }

    statuses = {name: ask(*parts, role=role)[0] for name, parts in asked.items()}

    assert {name for name, status in statuses.items() if status in (200, 201)} == may
    assert {status for name, status in statuses.items() if name not in may} <= {403}


def test_nobody_may_without_a_token(call, content_bucket):
    assert call("manage_activity_outputs", http("GET", PATH))[0] == 401


def test_an_auditors_reads_are_audited_and_nobody_elses(create, ask, bus):
    ref_id = create()
    for role in ("user", "auditor"):
        ask("GET", f"/{ref_id}", role=role)
        ask("GET", query={"status": "draft"}, role=role)

    seen = audited(bus, "activity_output.viewed", "activity_output.listed")
    assert [(e["action"], e["actorId"]) for e in seen] == [
        ("activity_output.viewed", "auditor-1"),
        ("activity_output.listed", "auditor-1"),
    ]


def test_a_list_of_large_outputs_is_small(create, ask, connect, mongod):
    """Fifty outputs of 1 MB each: what MongoDB sends for a list of them, counted by the server itself."""
    for _ in range(2):
        create(content="x" * 1_000_000)
    admin = connect("admin")
    sample = admin.activity_outputs.find_one({}, {"_id": 0})
    admin.activity_outputs.insert_many(
        [{**sample, "refId": f"{n:026d}", "content": "x" * 1_000_000} for n in range(48)]
    )
    ask("GET", query={"limit": "1"})

    def sent():
        return admin.command("serverStatus")["network"]["bytesOut"]

    idle = -sent() + sent()
    before = sent()
    items = ask("GET", query={"limit": "50"})[1]["items"]
    after = sent()

    assert len(items) == 50
    assert len(orjson.dumps(items)) < 50_000
    assert 0 < after - before - idle < 100_000  # the documents hold 48 MB

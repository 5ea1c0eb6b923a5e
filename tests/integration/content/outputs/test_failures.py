"""An unavailable bus, S3 or database, and damaged content."""

from chancery.core.mongo.client import Unavailable
from tests.integration.content.conftest import CONTENT
from tests.integration.content.outputs.conftest import LARGE, UNKNOWN, output, stored


def test_without_its_audit_nothing_is_created_or_decided(create, ask, connect, bus):
    ref_id = create()
    bus.unavailable = True

    assert ask("POST", body=output())[0] == 503
    assert ask("POST", f"/{ref_id}/approve")[0] == 503

    bus.unavailable = False
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


def test_without_the_database_the_answer_is_503_with_retry_after(ask, monkeypatch):
    ask("GET")
    monkeypatch.setattr("chancery.core.mongo.repository.Repository.get", _unavailable)
    monkeypatch.setattr("chancery.core.mongo.repository.Repository.page", _unavailable)

    for method, path in (("GET", ""), ("GET", f"/{UNKNOWN}"), ("POST", f"/{UNKNOWN}/approve")):
        status, _, headers = ask(method, path)
        assert (status, headers["Retry-After"]) == (503, "5")


def _unavailable(*_, **__):
    raise Unavailable("The database does not answer; try again.")

"""Which archived month holds what, asked of the small indexes; nothing is restored for it."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from chancery.archive import month_index
from chancery.archive.month_index import MonthIndexes
from tests.integration.archive.restoring import BUCKET


@pytest.fixture
def months(insert, seal, archive_month, scenario) -> dict[str, str]:
    """Four archived months of two tenants, and one that is only planned: name → id."""

    def build() -> dict[str, str]:
        insert(4, start=datetime(2023, 11, 1, tzinfo=UTC), actorId="sarah")
        insert(4, start=datetime(2024, 1, 1, tzinfo=UTC), actorId="omar", action="invoice.paid", resourceType="invoice")
        insert(3, start=datetime(2024, 2, 1, tzinfo=UTC), actorId="sarah", recorded_on=datetime(2024, 2, 2, tzinfo=UTC))
        insert(2, start=datetime(2024, 2, 9, tzinfo=UTC), actorId="late", recorded_on=datetime(2025, 2, 2, tzinfo=UTC))
        insert(3, "globex", start=datetime(2023, 12, 1, tzinfo=UTC), actorId="sarah")
        for tenant in ("acme", "globex"):
            seal(tenant)
        cut = datetime(2024, 6, 1, tzinfo=UTC)
        wanted: dict[str, dict[str, Any]] = {
            "2024-02": {"month": "2024-02", "recordedTo": cut},
            "2024-02 late": {"month": "2024-02", "recordedFrom": cut, "supplement": 1},
            "2023-11": {"month": "2023-11"},
            "2024-01": {"month": "2024-01"},
            "globex": {"tenant_id": "globex", "month": "2023-12"},
        }
        return {name: archive_month(**changes)["refId"] for name, changes in wanted.items()}

    return scenario("months", build)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"actorId": "sarah"}, ["2023-11", "globex", "2024-02"]),
        ({"actorId": "sarah", "tenantId": "acme"}, ["2023-11", "2024-02"]),
        ({"actorId": "omar"}, ["2024-01"]),
        ({"actorId": "late"}, ["2024-02 late"]),
        ({"actorId": "nobody"}, []),
        ({"action": "invoice.paid"}, ["2024-01"]),
        ({"action": "invoice.*"}, ["2024-01"]),
        ({"action": "blog_post.*", "tenantId": "acme"}, ["2023-11", "2024-02", "2024-02 late"]),
        ({"action": "invoice"}, []),
        ({"resourceId": "post-3"}, ["2023-11", "2024-01"]),
        ({"resourceId": "invoice/post-3"}, ["2024-01"]),
        ({"resourceId": "post-99"}, []),
        ({"actorId": "omar", "action": "blog_post.*"}, []),
        ({"actorId": "sarah", "resourceId": "post-3", "action": "blog_post.approved"}, ["2023-11"]),
        ({"actorId": "sarah", "tenantId": "null"}, []),
    ],
)
def test_months_are_found_by_all_that_is_asked_for_in_their_order(restoring, months, query, found):
    status, answer = restoring.locate(**query)

    assert status == 200
    assert [item["id"] for item in answer["items"]] == [months[name] for name in found]


def test_an_answer_describes_the_month(restoring, months):
    (item,) = restoring.locate(actorId="late")[1]["items"]

    about = {"tenantId": "acme", "month": "2024-02", "supplement": 1, "state": "archived"}
    assert item == {"id": months["2024-02 late"], **about}


def test_archived_months_are_found_while_they_are_restored_and_others_are_not(restoring, months, plan):
    for number, state in enumerate(("pending", "running", "failed"), 1):
        plan(month=f"2022-0{number}", state=state)
    restoring.ask(months["2024-01"])

    found = {item["id"]: item["state"] for item in restoring.locate(resourceId="post-1")[1]["items"]}

    assert found[months["2024-01"]] == "archived"
    assert len(found) == 5
    assert set(found.values()) == {"archived"}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [({}, ""), ({"tenantId": "acme"}, ""), ({"actor": "x"}, "/actor"), ({"actorId": ""}, "/actorId")],
)
def test_a_question_without_anything_to_look_for_is_refused(restoring, query, pointer):
    status, problem = restoring.locate(**query)

    assert status == 422
    assert pointer in [error["pointer"] for error in problem["errors"]]


def test_more_months_than_an_answer_can_look_at_need_a_tenant(restoring, months, monkeypatch):
    monkeypatch.setattr(month_index, "MOST_MONTHS", 4)

    status, problem = restoring.locate(actorId="sarah")

    assert (status, problem["errors"][0]["pointer"]) == (422, "/tenantId")
    assert restoring.locate(actorId="sarah", tenantId="acme")[0] == 200


def test_a_lookup_is_audited_without_the_searched_values(restoring, months, bus):
    restoring.locate(actorId="sarah", tenantId="acme")

    looked, crossed = bus.of("Record Audit Event")
    assert (looked["action"], looked["tenantId"]) == ("archive.located", "acme")
    assert looked["metadata"] == {"filters": ["actorId", "tenantId"]}
    assert (crossed["action"], "sarah" in str((looked, crossed))) == ("tenant.crossed", False)


@pytest.mark.parametrize("forged", [b'{"actions": []}', b"{"])
def test_a_changed_index_is_not_used(restoring, month, forged, capsys):
    key = restoring.objects(month)["index.json"]
    restoring.replace(key, forged)

    status, problem = restoring.locate(action="blog_post.approved")

    assert status == 500
    assert month["key"] in problem["detail"]


def test_a_month_whose_index_is_gone_is_named_and_reported(restoring, month, capsys):
    restoring.s3.delete_object(Bucket=BUCKET, Key=restoring.objects(month)["index.json"])

    status, answer = restoring.locate(actorId="an actor of no record")

    assert (status, [item["id"] for item in answer["items"]]) == (200, [month["refId"]])
    assert "ArchivesDamaged" in capsys.readouterr().out


class Bucket:
    """Counts the bytes that are read of each index."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, key: str) -> tuple[bytes, str]:
        self.asked.append(key)
        return b'{"actions": ["%s"]}' % key.encode(), "etag"


def test_indexes_are_read_once_while_there_is_room(restoring):
    bucket = Bucket()
    indexes = MonthIndexes(bucket, most_bytes=2 * len('{"actions": ["a.index.json"]}'))

    for name in "abaabcacb":
        text = b'{"actions": ["%s.index.json"]}' % name.encode()
        assert indexes.get(f"{name}.ndjson.zst", sha256(text).hexdigest()) == {"actions": [f"{name}.index.json"]}

    assert [key[0] for key in bucket.asked] == list("abcab")


def test_the_real_indexes_are_small_and_stay_readable_without_a_restore(restoring, months):
    found = restoring.s3.list_objects_v2(Bucket=BUCKET)["Contents"]

    indexes = [item for item in found if item["Key"].endswith(".index.json")]
    assert len(indexes) == 5
    assert all(item["StorageClass"] == "STANDARD" and item["Size"] < 1000 for item in indexes)

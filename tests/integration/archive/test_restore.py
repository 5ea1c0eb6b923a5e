"""A month from the archive back into the searchable set: the same records for every role."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from chancery.audit.digest import stored_digest
from chancery.audit.restored_records import RestoredSet
from tests.builders import principal
from tests.integration.archive.conftest import LOGS
from tests.integration.archive.restoring import OF_THE_SET, canonical

# ---- from Glacier to the restored set


def test_a_restored_month_equals_the_archived_one_record_for_record(restoring, month, live, restored):
    status, answer = restoring.ask(month["refId"], days=3)
    assert (status, answer["state"], answer["id"]) == (202, "archived", month["refId"])
    assert (answer["restore"]["state"], answer["restore"]["requestedBy"]) == ("requested", "super_admin-1")
    assert (answer["restore"]["tier"], answer["restore"]["days"]) == ("Standard", 3)
    assert restored() == []

    done = restoring.come_back(month)

    assert (done["state"], done.get("error"), done["progress"]) == ("restored", None, None)
    assert done["records"] == 25
    assert restoring.partition(month["refId"]) == month
    assert done["expiresOn"] - done["completedOn"] <= timedelta(days=3)
    assert canonical(restored()) == canonical(live())
    assert {item["expiresOn"] for item in restored()} == {done["expiresOn"]}
    for found, original in zip(restored(), live(), strict=True):
        plain = {name: value for name, value in found.items() if name not in OF_THE_SET}
        assert plain == {name: value for name, value in original.items() if name != "_id"}
        assert stored_digest(plain) == plain["digest"]


def test_the_api_answers_with_the_record_as_if_it_were_live(restoring, month, live):
    restoring.restore(month["refId"])

    for record in live():
        assert restoring.get(record["refId"], source="restored") == restoring.get(record["refId"])


def test_values_of_every_kind_come_back_as_they_were(restoring, insert, seal, archive_month, live, restored):
    after = {"n": 2**40, "small": 1e-7, "whole": 1.0, "ключ": ["é\u2028", None, True, {"a": {"b": -1}}], "empty": {}}
    insert(3, after=after, before=None, metadata={"list": [[]], "zero": 0.0}, description="\x01 \U0001f600")
    seal()

    restoring.restore(archive_month()["refId"])

    assert canonical(restored()) == canonical(live())
    assert restored()[0]["after"] == live()[0]["after"]
    assert [type(value) for value in restored()[0]["after"].values()] == [
        type(value) for value in live()[0]["after"].values()
    ]


def test_the_platforms_own_month_comes_back_too(restoring, insert, seal, archive_month, live, restored):
    insert(12, None)
    seal(None)

    done = restoring.restore(archive_month(None)["refId"])

    assert done["state"] == "restored"
    assert canonical(restored(None)) == canonical(live(None))


def test_records_from_before_sealing_come_back_by_their_digests(
    restoring, insert_unsealed, archive_month, live, restored
):
    insert_unsealed(15)

    assert restoring.restore(archive_month()["refId"])["state"] == "restored"
    assert canonical(restored()) == canonical(live())


def test_records_with_and_without_a_leaf_come_back_together(
    restoring, insert, insert_unsealed, seal, archive_month, live, restored
):
    insert_unsealed(15)
    insert(15, start=datetime(2024, 2, 1, 0, 0, 7, tzinfo=UTC))
    seal()

    assert restoring.restore(archive_month()["refId"])["state"] == "restored"
    assert canonical(restored()) == canonical(live())


def test_a_month_of_which_only_others_have_leaves_comes_back(restoring, insert, insert_unsealed, seal, archive_month):
    insert_unsealed(4)
    insert(3, start=datetime(2024, 3, 1, tzinfo=UTC))
    seal()

    assert restoring.restore(archive_month()["refId"])["state"] == "restored"


@pytest.mark.parametrize("count", [1, 256, 300])
def test_logs_with_and_without_partial_tiles(restoring, insert, seal, archive_month, live, restored, count):
    insert(count)
    seal()
    insert(600, start=datetime(2024, 3, 1, tzinfo=UTC))
    seal()

    assert restoring.restore(archive_month()["refId"])["state"] == "restored"
    assert canonical(restored()) == canonical(live())


def test_a_deleted_partial_tile_is_cut_from_the_full_one(restoring, month, insert, seal, restored):
    insert(300, start=datetime(2024, 3, 2, tzinfo=UTC))
    seal()
    restoring.s3.delete_object(Bucket=LOGS, Key="logs/tenant-acme/tile/0/000.p/33")

    assert restoring.restore(month["refId"])["state"] == "restored"


def test_a_supplement_is_restored_next_to_its_month(restoring, insert, seal, archive_month, live, restored):
    insert(10)
    seal()
    cut = datetime(2024, 4, 1, tzinfo=UTC)
    first = archive_month(recordedTo=cut)
    insert(5, start=datetime(2024, 2, 1, 0, 0, 3, tzinfo=UTC), recorded_on=datetime(2024, 5, 1, tzinfo=UTC))
    seal()
    second = archive_month(supplement=1, recordedFrom=cut)

    for partition in (first, second):
        assert restoring.restore(partition["refId"])["state"] == "restored"

    assert len(restored()) == 15
    assert canonical(restored()) == canonical(live())


def test_large_records_are_taken_few_at_a_time(restoring, insert, seal, archive_month, live, restored, monkeypatch):
    monkeypatch.setattr("chancery.archive.archive_verifier._BATCH_BYTES", 5000)
    add, taken = RestoredSet.add, []

    def counted(original: RestoredSet, partition_id: str, records: Any, until: datetime) -> None:
        taken.append(len(records))
        add(original, partition_id, records, until)

    monkeypatch.setattr(RestoredSet, "add", counted)
    insert(10, after={"text": "x" * 2000})
    seal()
    done = restoring.restore(archive_month()["refId"])

    assert (done["state"], sum(taken), max(taken)) == ("restored", 10, 2)
    assert canonical(restored()) == canonical(live())


# ---- the request


def test_a_second_request_while_it_is_under_way_answers_the_same(restoring, month, bus):
    first = restoring.ask(month["refId"])
    second = restoring.ask(month["refId"], tier="Bulk", days=9)

    assert first == second
    asked = [event for event in bus.of("Record Audit Event") if event["action"] == "archive.restore_requested"]
    assert [event["metadata"]["days"] for event in asked] == [3, 9]


def test_a_key_restores_once_and_belongs_to_one_request(restoring, month, bus):
    def ask(**body: Any) -> tuple[int, Any]:
        return restoring.ask(month["refId"], headers={"Idempotency-Key": "k-1"}, **body)

    first = ask()
    done = restoring.come_back(month)

    assert first[0] == 202
    assert ask() == first
    assert restoring.newest(month["refId"]) == done
    assert (ask(days=9)[0], restoring.newest(month["refId"])) == (422, done)


def test_a_restored_month_can_be_asked_for_again_and_stays_longer(restoring, month, restored):
    first = restoring.restore(month["refId"], days=1)

    status, _ = restoring.ask(month["refId"], days=30)
    assert status == 202
    assert {item["expiresOn"] for item in restored()} == {first["expiresOn"]}
    requested = restoring.newest(month["refId"])
    assert json.loads(restoring.queue.sent[0])["refId"] == requested["refId"]  # S3 has the file: no event follows
    assert restoring.deliver(restoring.queue.sent.pop()) == []

    again = restoring.newest(month["refId"])
    assert again["refId"] == requested["refId"] != first["refId"]
    assert again["state"] == "restored"
    assert {item["expiresOn"] for item in restored()} == {again["expiresOn"]}
    assert again["expiresOn"] - first["expiresOn"] >= timedelta(days=29)
    assert len(restored()) == 25


def test_a_restored_record_that_was_changed_is_as_it_was_once_the_month_is_restored_again(
    restoring, month, connect, live, restored
):
    restoring.restore(month["refId"])
    connect("archiver").restored_audit_logs.update_one({}, {"$set": {"actorId": "somebody-else"}})

    restoring.restore(month["refId"])

    assert canonical(restored()) == canonical(live())


@pytest.mark.parametrize("state", ["pending", "running", "failed"])
def test_only_an_archived_month_can_be_restored(restoring, plan, state):
    wanted = plan(state=state)

    status, problem = restoring.ask(wanted["refId"])

    assert (status, problem["title"]) == (409, "Conflict")
    assert state in problem["detail"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tier": "Fast"}, "/tier"),
        ({"tier": None}, "/tier"),
        ({"days": 0}, "/days"),
        ({"days": 366}, "/days"),
        ({"days": "3 days"}, "/days"),
        ({"more": 1}, "/more"),
    ],
)
def test_an_invalid_request_is_422_with_the_field(restoring, month, body, pointer):
    status, problem = restoring.ask(month["refId"], **body)

    assert status == 422
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert restoring.newest(month["refId"]) == {}


def test_deep_archive_has_no_expedited_tier(restoring, insert_unsealed, archive_month):
    insert_unsealed(1)
    partition = archive_month(storageClass="DEEP_ARCHIVE")

    status, problem = restoring.ask(partition["refId"], tier="Expedited")

    assert (status, problem["errors"][0]["pointer"]) == (422, "/tier")
    assert restoring.ask(partition["refId"], tier="Bulk")[0] == 202


def test_another_tenants_archive_is_404_within_the_tenant_of_the_request(restoring, month):
    assert restoring.ask(month["refId"], headers={"X-Tenant-Id": "globex"})[0] == 404
    assert restoring.newest(month["refId"]) == {}
    assert restoring.ask(month["refId"], headers={"X-Tenant-Id": "acme"})[0] == 202


def test_an_unknown_archive_is_404(restoring):
    assert restoring.ask("01J00000000000000000000000")[0] == 404


@pytest.mark.parametrize("role", ["user", "dm_user", "auditor", "producer"])
def test_only_a_super_admin_may_ask(restoring, month, role):
    assert restoring.ask(month["refId"], caller=principal(role))[0] == 403
    assert restoring.locate(principal(role), actorId="user-1")[0] == 403
    assert restoring.newest(month["refId"]) == {}


def test_a_request_is_audited_and_refused_where_it_cannot_be(restoring, month, bus):
    bus.unavailable = True
    assert restoring.ask(month["refId"])[0] == 503
    assert restoring.newest(month["refId"]) == {}

    bus.unavailable = False
    restoring.ask(month["refId"])

    (event,) = [event for event in bus.of("Record Audit Event") if event["action"] == "archive.restore_requested"]
    assert (event["resourceType"], event["resourceId"], event["tenantId"]) == ("archive", month["refId"], "acme")
    assert event["metadata"] == {"tier": "Standard", "days": 3}


def test_the_archiver_may_neither_remove_restored_records_nor_let_the_reader_write(connect):
    for user, name in (("archiver", "delete_many"), ("reader", "delete_many"), ("writer", "delete_many")):
        with pytest.raises(OperationFailure) as refused:
            getattr(connect(user).restored_audit_logs, name)({})
        assert refused.value.code == 13
    with pytest.raises(OperationFailure):
        connect("reader").restored_audit_logs.update_many({}, {"$set": {"actorId": "x"}})

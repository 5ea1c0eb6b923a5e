"""Events of S3 about files: repeated, early, missing, and about unknown files."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.moto_api import state_manager

from chancery.archive.bucket import ArchiveBucket
from chancery.archive.restores import RestoreStore
from chancery.audit.restored_records import RestoredSet
from chancery.core.aws.queue import ItemRef
from chancery.core.errors import Unavailable
from chancery.core.mongo.client import DatabaseFailure
from tests.builders import message
from tests.integration.archive.restoring import restored_event


def test_an_event_that_comes_twice_restores_once(restoring, month, restored):
    first = restoring.restore(month["refId"])

    again = restoring.come_back(month)

    assert again == first
    assert len(restored()) == 25


@pytest.mark.parametrize(
    "event",
    [
        restored_event("archives/tenant-acme/2024-02/999.ndjson.zst"),
        restored_event("something/else"),
        {"refId": "01J00000000000000000000000", "tenantId": "acme"},
    ],
)
def test_an_event_of_an_unknown_file_is_dropped(restoring, month, event):
    restoring.ask(month["refId"])

    assert restoring.deliver(event) == []
    assert restoring.newest(month["refId"])["state"] == "requested"


@pytest.mark.parametrize(
    "text",
    ["", "not JSON", "[]", '"detail"', "7", "{}", '{"detail": null}', '{"detail": {"bucket": {"name": "archive"}}}'],
)
def test_a_foreign_message_is_dropped_and_the_others_of_its_batch_are_handled(restoring, month, text):
    restoring.ask(month["refId"])
    strange = message(text)

    restoring.deliver_all(strange, message(restored_event(month["key"])))

    assert restoring.newest(month["refId"])["state"] == "restored"


def test_an_event_of_another_bucket_is_dropped(restoring, month):
    restoring.ask(month["refId"])

    assert restoring.deliver(restored_event(month["key"], "somebody-elses")) == []
    assert restoring.newest(month["refId"])["state"] == "requested"


def test_an_event_of_a_file_without_a_restore_changes_nothing(restoring, month, restored):
    assert restoring.come_back(month) == {}
    assert restoring.partition(month["refId"]) == month
    assert restored() == []


def test_a_file_that_is_still_on_its_way_is_waited_for(restoring, month, restored):
    state_manager.set_transition("s3::keyrestore", {"progression": "manual", "times": 1})
    restoring.ask(month["refId"])

    assert restoring.come_back(month)["state"] == "requested"
    assert restored() == []


def test_the_schedule_completes_restores_without_an_event(restoring, month, connect, restored):
    restoring.ask(month["refId"])
    assert restoring.sweep()["waiting"] == 0  # its event may still arrive
    earlier = {"$set": {"updatedOn": datetime.now(UTC) - timedelta(minutes=16)}}
    connect("admin").archive_restores.update_one({}, earlier)

    assert restoring.sweep() == {"waiting": 1, "expired": 0}
    assert restoring.deliver(restoring.queue.sent.pop()) == []

    assert restoring.newest(month["refId"])["state"] == "restored"
    assert len(restored()) == 25


def test_an_expired_restore_is_archived_again_while_s3_is_unavailable(restoring, month, connect, monkeypatch):
    restoring.restore(month["refId"])
    past = datetime.now(UTC) - timedelta(hours=1)
    restores = connect("admin").archive_restores
    waiting = {**restores.find_one({}, {"_id": 0}), "refId": "0" * 26, "state": "checking", "createdOn": past}
    restores.update_one({}, {"$set": {"expiresOn": past}})
    restores.insert_one(waiting | {"updatedOn": past})
    monkeypatch.setattr(restoring.s3._client.meta.events, "emit_until_response", lambda *_, **__: (None, unavailable()))

    with pytest.raises(Unavailable):
        restoring.sweep()

    assert restoring.newest(month["refId"])["state"] == "expired"


def test_an_expired_restore_is_hidden_at_once_and_archived_again(restoring, month, connect, live):
    restoring.restore(month["refId"])
    past = datetime.now(UTC) - timedelta(seconds=1)
    connect("admin").restored_audit_logs.update_many({}, {"$set": {"expiresOn": past}})
    connect("admin").archive_restores.update_one({}, {"$set": {"expiresOn": past}})

    assert restoring.get(live()[0]["refId"], source="restored")[0] == 404
    assert restoring.get(live()[0]["refId"])[0] == 200
    assert restoring.sweep() == {"waiting": 0, "expired": 1}
    assert restoring.newest(month["refId"])["state"] == "expired"
    assert restoring.restore(month["refId"])["state"] == "restored"
    assert restoring.get(live()[0]["refId"], source="restored")[0] == 200


def test_a_copy_that_expired_in_s3_before_it_was_read_can_be_requested_again(restoring, month, monkeypatch):
    restoring.ask(month["refId"])
    with monkeypatch.context() as patch:
        head = ArchiveBucket.head
        patch.setattr(ArchiveBucket, "head", lambda self, key: head(self, key) | {"restore": None})
        failed = restoring.come_back(month)

    assert failed["state"] == "failed"
    assert "ask for it again" in failed["error"]
    assert restoring.restore(month["refId"])["state"] == "restored"


def test_an_unavailable_bucket_is_retried_for_ever(restoring, month, monkeypatch):
    restoring.ask(month["refId"])
    with monkeypatch.context() as patch:
        patch.setattr(restoring.s3._client.meta.events, "emit_until_response", lambda *_, **__: (None, unavailable()))
        assert restoring.deliver(restored_event(month["key"]), receives=3) == []

    assert len(restoring.queue.forwarded) == 1
    assert restoring.newest(month["refId"])["state"] == "requested"
    assert restoring.come_back(month)["state"] == "restored"


def unavailable() -> Any:
    from botocore.exceptions import EndpointConnectionError

    raise EndpointConnectionError(endpoint_url="https://s3")


def test_a_write_that_the_database_always_refuses_fails_with_the_last_delivery(restoring, month, monkeypatch):
    def refuse(*_: Any) -> Any:
        raise DatabaseFailure("The database refused a record (code 121).")

    monkeypatch.setattr(RestoredSet, "_write", refuse)
    restoring.ask(month["refId"])
    states = []
    for receives in (1, 2, 3):
        assert bool(restoring.deliver(restored_event(month["key"]), receives=receives)) == (receives < 3)
        states.append(restoring.newest(month["refId"])["state"])

    assert states == ["loading", "loading", "failed"]
    assert "code 121" in restoring.newest(month["refId"])["error"]


@pytest.mark.parametrize(("meanwhile", "status"), [("requested", 202), ("failed", 409)])
def test_of_two_requests_at_once_the_second_answers_with_the_first(
    restoring, month, connect, monkeypatch, meanwhile, status
):
    add = RestoreStore.add

    def interrupted(store: RestoreStore, restore: dict[str, Any]) -> Any:
        first = {**restore, "refId": "0" * 26}
        assert add(store, first)
        added = add(store, restore)
        assert store.advance(store.get(ItemRef.of(first)), state=meanwhile)
        return added

    monkeypatch.setattr(RestoreStore, "add", interrupted)

    answered, body = restoring.ask(month["refId"])
    assert answered == status
    assert status != 202 or body["restore"]["id"] == "0" * 26
    assert [item["refId"] for item in connect("admin").archive_restores.find({})] == ["0" * 26]

"""Messages of runs: repeated, continued, malformed, and with the queue or the database unavailable."""

import pytest

from chancery.audit.store import AuditStore
from chancery.core.errors import Unavailable
from tests.builders import message
from tests.integration.archive.planner.synthetic import due_by
from tests.integration.archive.planning import TODAY, keys


def test_the_schedules_message_is_one_run_however_often_it_is_delivered(planning, store):
    store("2024-02-10T12:00:00Z")
    scheduled = message({"trigger": "schedule"})

    for _ in range(3):
        assert planning.deliver(scheduled) == []

    assert len(planning.runs.page(None, 10)) == 1
    assert planning.planned() == [("acme", "2024-02", 0)]
    assert planning.newest_run()["trigger"] == "schedule"


def test_a_run_takes_as_many_turns_as_it_needs(planning, synthetic):
    turns = []

    def short():
        turns.append(1)
        return 1000

    planning.run(short)

    run = planning.newest_run()
    assert keys(planning.planned()) == due_by(TODAY)
    assert planning.queued() == planning.planned()
    assert len(turns) == len(due_by(TODAY))
    assert (run["state"], run["reached"]) == ("planned", None)


def test_a_turn_that_is_delivered_twice_plans_nothing_twice(planning, synthetic):
    planning.deliver(message({"trigger": "schedule"}), lambda: 1000)
    while planning.runs_queue.sent:
        carried_on = message(planning.runs_queue.sent.pop(0))
        for _ in range(2):
            planning.deliver(carried_on, lambda: 1000)

    assert keys(planning.planned()) == due_by(TODAY)
    assert planning.queued() == planning.planned()


def test_a_run_whose_queue_is_unavailable_is_delivered_again_and_fails_in_the_end(planning, store):
    store("2024-02-10T12:00:00Z")
    planning.months_queue.unavailable = True
    first, last = message({"trigger": "schedule"}), message({"trigger": "schedule"}, receives=3)
    last["messageId"] = first["messageId"]

    assert planning.deliver(first) == [first["messageId"]] == planning.runs_queue.deferred
    assert planning.newest_run()["state"] == "planning"
    assert planning.deliver(last) == []
    assert planning.loop.dead_letters.forwarded == [last]
    assert (planning.newest_run()["state"], bool(planning.newest_run()["error"])) == ("failed", True)

    planning.months_queue.unavailable = False
    assert planning.deliver(first) == []
    assert (planning.newest_run()["state"], planning.newest_run()["error"]) == ("planned", None)
    assert planning.queued() == [("acme", "2024-02", 0)]


def test_a_message_of_an_unknown_run_is_dropped(planning):
    assert planning.deliver(message({"runId": "01J00000000000000000000000"})) == []


@pytest.mark.parametrize("receives", [1, 3])
@pytest.mark.parametrize("body", ["", "{", "null", "[]", '"text"'])
def test_a_malformed_message_is_delivered_again(planning, body, receives):
    unreadable = message(body, receives)

    assert planning.deliver(unreadable) == [unreadable["messageId"]] == planning.runs_queue.deferred
    assert planning.runs.page(None, 1) == []


@pytest.mark.parametrize("remaining_ms", [300_000, 1000], ids=["in one turn", "in many"])
def test_a_month_that_cannot_be_looked_at_holds_up_no_other(planning, store, monkeypatch, remaining_ms):
    for tenant in ("acme", "globex", "initech"):
        store("2024-01-10T12:00:00Z", "2024-02-10T12:00:00Z", tenant=tenant)
    looked = AuditStore.has_recorded

    def too_many(records, tenant_id, created, *rest):
        if (tenant_id, created[0].month) == ("globex", 1):
            raise Unavailable("The database did not answer in time; try again.")
        return looked(records, tenant_id, created, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(AuditStore, "has_recorded", too_many)
        planning.run(lambda: remaining_ms)
        if planning.newest_run()["state"] == "planning":
            planning.deliver(message({"runId": planning.newest_run()["refId"]}, receives=3), lambda: remaining_ms)

    others = [("acme", "2024-01"), ("acme", "2024-02"), ("globex", "2024-02"), ("initech", "2024-01")]
    assert keys(planning.planned()) == [*others, ("initech", "2024-02")]
    assert (planning.newest_run()["state"], "in time" in planning.newest_run()["error"]) == ("failed", True)

    planning.run()
    assert ("globex", "2024-01", 0) in planning.planned()
    assert (planning.newest_run()["state"], planning.newest_run()["error"]) == ("planned", None)

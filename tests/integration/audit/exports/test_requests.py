"""Requests for an export and reads of it: validation, tenants, audit, idempotency, expiry."""

import json
from datetime import timedelta

import pytest

from chancery.core.formats.times import now
from chancery.core.web import quotas
from tests.builders import NOON
from tests.integration.audit.exports.conftest import long_time


@pytest.mark.parametrize(
    ("role", "tenants", "actions"),
    [
        ("auditor", ("acme",), ["audit_log.export_viewed"]),
        ("super_admin", (), ["tenant.crossed"]),
        ("user", ("acme",), []),
    ],
)
def test_giving_the_links_of_an_export_is_audited(ask, look, worker, stored, bus, role, tenants, actions):
    stored(1)
    export_id = ask({"format": "ndjson"})[1]["id"]
    look(export_id, role, tenants=tenants)
    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)
    bus.published.clear()

    assert look(export_id, role, tenants=tenants)[1]["url"]

    assert [item["action"] for item in bus.of("Record Audit Event")] == actions
    assert {item["tenantId"] for item in bus.of("Record Audit Event")} <= {"acme"}


def test_links_that_cannot_be_audited_are_not_given(ask, look, worker, stored, bus):
    stored(1)
    export_id = ask({"format": "ndjson"})[1]["id"]
    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)
    bus.unavailable = True

    assert look(export_id, "auditor")[0] == 503


@pytest.mark.parametrize(
    ("state", "age", "sent"),
    [
        ("queued", timedelta(minutes=3), True),
        ("running", timedelta(minutes=119), False),
        ("running", timedelta(minutes=121), True),
        ("written", timedelta(minutes=121), True),
        ("failed", timedelta(minutes=121), False),
    ],
)
def test_an_open_export_whose_message_is_lost_is_sent_again_by_a_read(
    ask, look, retry_queue, connect, state, age, sent
):
    export_id = ask({"format": "ndjson"})[1]["id"]
    retry_queue.sent.clear()
    connect("admin").audit_exports.update_one({}, {"$set": {"state": state, "updatedOn": now() - age}})

    look(export_id)

    assert [json.loads(body)["refId"] for body in retry_queue.sent] == [export_id] * sent


def test_another_tenants_export_is_404(ask, look):
    export_id = ask({"format": "ndjson"})[1]["id"]

    assert look(export_id)[0] == 200
    assert look(export_id, tenants=("globex",))[0] == 404


def test_staff_find_an_export_of_any_tenant_of_their_token(ask, look):
    tenants = ("acme", "globex")
    export_id = ask({"format": "csv", "tenantId": "globex"}, "dm_user", tenants=tenants)[1]["id"]

    assert look(export_id, "dm_user", tenants=tenants)[0] == 200
    assert look(export_id, "user", tenants=("globex",))[0] == 200
    assert look(export_id, "user", tenants=("acme",))[0] == 404


def test_an_export_of_all_tenants_is_the_admins_alone(ask, look, bus):
    export_id = ask({"format": "ndjson"}, "super_admin", tenants=())[1]["id"]

    assert look(export_id, "super_admin", tenants=())[0] == 200
    assert look(export_id)[0] == 404
    assert [item["action"] for item in bus.of("Record Audit Event")] == ["audit_log.exported", "tenant.crossed"]


def test_an_expired_export_is_gone_before_mongodb_sweeps_it(ask, look, connect):
    export_id = ask({"format": "ndjson"})[1]["id"]
    connect("admin").audit_exports.update_one({}, {"$set": {"createdOn": NOON}})

    assert look(export_id)[0] == 404


@pytest.mark.parametrize("body", [{"format": "xml"}, {"surprise": 1}, [], {"from": "yesterday"}, {"format": None}])
def test_a_wrong_request_is_refused(ask, body):
    assert ask(body)[0] == 422


def test_a_filter_that_is_a_secret_is_refused_and_not_stored(ask, connect):
    status, problem, _ = ask({"q": "4111 1111 1111 1111", "actorId": "Bearer mF_9.B5f-4.1JqM", "action": "a.b"})

    assert (status, sorted(error["pointer"] for error in problem["errors"])) == (422, ["/actorId", "/q"])
    assert connect("admin").audit_exports.count_documents({}) == 0


def test_a_producer_cannot_export(ask):
    assert ask({"format": "csv"}, "producer")[0] == 403


def test_the_same_key_asks_for_one_export(ask, connect):
    first = ask({"format": "csv"}, headers={"Idempotency-Key": "k"})
    again = ask({"format": "csv"}, headers={"Idempotency-Key": "k"})

    assert first == again
    assert connect("reader").audit_exports.count_documents({}) == 1


def test_a_tenant_over_its_quota_is_refused_and_nothing_is_queued(ask, retry_queue, connect, monkeypatch, bus):
    monkeypatch.setitem(quotas.QUOTAS, "exports", quotas.Quota(1, "exports", "exportsPerDay"))
    key = {"Idempotency-Key": "k"}
    first, again = (ask({"action": "a.b"}, headers=key) for _ in range(2))

    status, problem, headers = ask({"action": "a.b"})

    assert (first[0], again[1]) == (202, first[1])  # a repetition does not count
    assert (status, problem["violated-policies"]) == (429, ["exports"])
    assert "1 of its 1 exports today" in problem["detail"] and int(headers["Retry-After"]) > 0
    assert connect("reader").audit_exports.count_documents({}) == len(retry_queue.sent) == 1
    assert ask({"action": "a.b"}, tenants=("globex",))[0] == 202

"""Refused and missed accesses leave a trace: a count, a log line, and in the trail what a super_admin missed."""

import json

import pytest
from moto import mock_aws

from chancery.core.log_limit import LogLimit
from chancery.core.web import refused_accesses
from tests.builders import event, http, principal, record


@pytest.fixture
def lines(caplog, monkeypatch):
    """The log lines with a code, of a process that has logged nothing yet."""
    monkeypatch.setattr(refused_accesses, "_LIMIT", LogLimit())
    return lambda code: [vars(line) for line in caplog.records if line.getMessage() == code]


@pytest.mark.parametrize(
    ("path", "role", "query", "status", "code"),
    [
        ("/v1/audit-logs", "producer", None, 403, "ACCESS_REFUSED"),
        ("/v1/audit-logs", "user", {"tenantId": "globex"}, 404, "ACCESS_REFUSED"),
        ("/v1/audit-logs/01J00000000000000000000000", "user", {"tenantId": "globex"}, 404, "ACCESS_REFUSED"),
        ("/v1/audit-logs/01J00000000000000000000000", "user", None, 404, "ACCESS_MISSED"),
        ("/v1/audit-logs/01J00000000000000000000000", "super_admin", {"tenantId": "globex"}, 404, "ACCESS_MISSED"),
    ],
)
def test_a_refused_access_is_logged_with_subject_and_address(get, lines, path, role, query, status, code):
    answer = get(path, role, query)

    (line,) = lines(code)
    assert answer[0] == line["status"] == status
    assert (line["subject"], line["role"], line["address"]) == (f"{role}-1", role, "203.0.113.9")
    assert line["named_tenant"] == (query or {}).get("tenantId")
    assert len(line["request_id"]) == 26
    assert line["unlogged"] == 0


@pytest.mark.parametrize(
    ("path", "query", "metric"),
    [("/v1/audit-logs", {"tenantId": "globex"}, "AccessesRefused"), ("/v1/audit-logs/nothing", None, "AccessesMissed")],
)
def test_each_is_counted_and_one_logged(get, lines, capsys, path, query, metric):
    for _ in range(3):
        assert get(path, "user", query)[0] == 404

    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if metric in line]
    assert sum(line[metric][0] for line in metrics) == 3
    assert len(lines("ACCESS_MISSED") + lines("ACCESS_REFUSED")) == 1


def test_an_access_that_is_granted_leaves_no_trace(get, store, lines):
    (stored,) = store(record())

    assert get(f"/v1/audit-logs/{stored['refId']}")[0] == 200
    assert lines("ACCESS_MISSED") + lines("ACCESS_REFUSED") == []


def test_a_record_that_is_not_sealed_yet_was_not_missed(call, store, lines, bus, monkeypatch):
    (stored,) = store(record())
    monkeypatch.setenv("CHANCERY_LOG_BUCKET", "log-bucket")
    monkeypatch.setenv("CHANCERY_SIGNING_KEY", "key")
    monkeypatch.setenv("CHANCERY_LOG_ORIGIN", "log.example/chancery")
    asked = http("GET", f"/v1/audit-logs/{stored['refId']}/proof", caller=principal("super_admin", tenants=()))

    with mock_aws():
        status, problem, _ = call("prove_audit_logs", asked, "reader")

    assert (status, problem["type"]) == (404, "not-yet-sealed")
    assert lines("ACCESS_MISSED") + bus.of("Record Audit Event") == []


def test_a_record_of_a_batch_for_another_tenant_is_logged(post, lines):
    answer = post({"records": [event(), event(tenantId="globex")]})[1]

    assert [item["status"] for item in answer["results"]] == [201, 403]
    assert [line["subject"] for line in lines("ACCESS_REFUSED")] == ["user-1"]


def test_what_a_super_admin_missed_in_a_tenant_is_in_its_trail(get, bus):
    get("/v1/audit-logs/01J00000000000000000000000", "super_admin", {"tenantId": "globex"})
    get("/v1/audit-logs/not%20an\x00id", "super_admin", {"tenantId": "globex"})
    get("/v1/audit-logs/01J00000000000000000000000", "super_admin")
    get("/v1/audit-logs/01J00000000000000000000000", "user")

    crossed = bus.of("Record Audit Event")
    assert [(each["action"], each["tenantId"]) for each in crossed] == [
        ("tenant.crossed", "globex"),
        ("tenant.crossed", "globex"),
        ("tenant.crossed", None),
    ]
    assert [each["metadata"]["resourceId"] for each in crossed] == [
        "01J00000000000000000000000",
        "*",
        "01J00000000000000000000000",
    ]
    assert all(each["metadata"]["found"] is False for each in crossed)

"""`chancery import postgres-audit` against an API of given answers."""

import csv
import io
import json

import pytest

from chancery.cli.errors import UsageError

HEADER = (
    "id",
    "tenant_id",
    "user_id",
    "action",
    "resource_type",
    "resource_id",
    "old_values",
    "new_values",
    "ip_address",
    "user_agent",
    "created_at",
)
ROW = {
    "id": "6e1f",
    "tenant_id": "t-1",
    "user_id": "sarah",
    "action": "UPDATE",
    "resource_type": "contacts",
    "resource_id": "c-1",
    "old_values": '{"name": "Ann"}',
    "new_values": '{"name": "âœ… Ann",\n "tags": []}',
    "ip_address": "10.0.0.7/32",
    "user_agent": "Mozilla/5.0",
    "created_at": "2025-11-07 00:24:48.123456+00",
}


@pytest.fixture
def taken(service):
    """The events that the service has taken: all but those whose actor is `refused`."""
    taken = []

    def record(_, body):
        refused = [event["actorId"] == "refused" for event in body["records"]]
        taken.extend(event for event, is_refused in zip(body["records"], refused, strict=True) if not is_refused)
        return (
            207,
            {"results": [{"status": 422, "problem": {"detail": "No."}} if no else {"status": 201} for no in refused]},
            {},
        )

    service.routes["POST", "/v1/audit-logs"] = record
    return taken


@pytest.fixture
def imported(taken, chancery, tmp_path):
    """Imports CSV text: the summary and the rejects."""

    def run(text, *arguments):
        (tmp_path / "audit.csv").write_text(text)
        done = chancery("import", "postgres-audit", "audit.csv", "--json", *arguments)
        assert done.stdout, done.stderr
        rejects = tmp_path / "audit.csv.rejects.jsonl"
        rejected = [json.loads(line) for line in rejects.read_text().splitlines()] if rejects.exists() else []
        summary = json.loads(done.stdout)
        parts = ("imported", "joined", "blank", "header", "rejected")
        assert sum(summary[part] for part in parts) == summary["lines"] == len(text.splitlines())
        return summary, rejected

    return run


def table(*rows, header=HEADER):
    out = io.StringIO()
    writer = csv.DictWriter(out, header, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def test_a_row_becomes_an_audit_event(imported, taken):
    summary, rejected = imported(table(ROW))

    assert taken == [
        {
            "eventId": "postgres:audit_logs:6e1f",
            "action": "update",
            "actorId": "sarah",
            "resourceType": "contacts",
            "resourceId": "c-1",
            "ipAddress": "10.0.0.7",
            "userAgent": "Mozilla/5.0",
            "createdOn": "2025-11-07T00:24:48.123Z",
            "before": {"name": "Ann"},
            "after": {"name": "✅ Ann", "tags": []},
            "metadata": {"tenant_id": "t-1"},
        }
    ]
    assert rejected == []
    assert (summary["imported"], summary["joined"], summary["repaired"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"action": "user.login"}, {"action": "login", "resourceType": "contacts"}),
        (
            {"action": "user.login_failed", "resource_type": "", "resource_id": ""},
            {"action": "login_failed", "resourceType": "user", "resourceId": "sarah"},
        ),
        ({"action": "login", "resource_type": "", "resource_id": ""}, {"resourceType": "user", "resourceId": "sarah"}),
        (
            {"resource_type": "BlogPost", "action": "Status-Changed"},
            {"resourceType": "blog_post", "action": "status_changed"},
        ),
        ({"user_id": "\\N"}, {"actorId": "system", "actorType": "system"}),
        ({"old_values": "null", "new_values": "[1, 2]"}, {"before": None, "after": {"value": [1, 2]}}),
        ({"old_values": "open", "new_values": "closed"}, {"before": {"value": "open"}, "after": {"value": "closed"}}),
        ({"old_values": '{"cut": '}, {"before": {"value": '{"cut": '}}),
        ({"created_at": "2025-11-07 00:24:48"}, {"createdOn": "2025-11-06T23:24:48.000Z"}),
    ],
)
def test_columns_of_other_forms(imported, taken, changes, expected):
    imported(table(ROW | changes), "--timezone", "Europe/Berlin")

    (event,) = taken
    assert {name: event.get(name) for name in expected} == expected


def test_columns_of_other_names_and_those_without_a_field(imported, taken):
    row = {
        "id": "1",
        "actor_id": "sarah",
        "event_type": "create",
        "entity_type": "deal",
        "entity_id": "d-1",
        "ip": "::1",
        "timestamp": "2025-11-07T00:24:48Z",
        "request_id": "r-1",
        "status": "success",
        "metadata": '{"source": "api", "status": "own"}',
        "changes": '{"stage": ["a", "b"]}',
    }

    imported(table(row, header=tuple(row)), "--tenant", "acme")

    (event,) = taken
    assert event == {
        "eventId": "postgres:audit_logs:1",
        "tenantId": "acme",
        "actorId": "sarah",
        "action": "create",
        "resourceType": "deal",
        "resourceId": "d-1",
        "ipAddress": "::1",
        "createdOn": "2025-11-07T00:24:48.000Z",
        "correlationId": "r-1",
        "metadata": {
            "status": "success",
            "metadata": {"source": "api", "status": "own"},
            "changes": {"stage": ["a", "b"]},
        },
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,2,3", "3 values, the header 11 columns"),
        ('1,t,sarah,x,deal,d,"a"b,,,,2025-11-07', "not valid CSV"),
        ("1,t,sarah,x,deal,d,,,,,yesterday", "no time"),
        (",t,sarah,x,deal,d,,,,,2025-11-07", "no id"),
        ("1,t,sarah,,deal,d,,,,,2025-11-07", "no action"),
        ('1,t,refused,x,deal,d,"{""password"": ""hunter2hunter2""}",,,,2025-11-07', "No."),
        ("1,t,sarah,x,deal,d,{},,,Mozilla" + "x" * 2_000_000 + ",2025-11-07", "not valid CSV"),
    ],
)
def test_a_row_that_cannot_be_imported_is_in_the_rejects(imported, taken, row, reason):
    summary, (rejected,) = imported(table(ROW) + row + "\n\n" + table(ROW | {"id": "9"}).partition("\n")[2])

    assert (rejected["line"], rejected["lines"]) == (4, 1)
    assert reason in rejected["reason"]
    assert "hunter2" not in rejected["text"]
    assert [event["eventId"][-2:] for event in taken] == ["1f", ":9"]
    assert (summary["imported"], summary["header"], summary["blank"]) == (2, 1, 1)


def test_quotes_that_are_not_closed_reject_the_lines_up_to_the_end(imported, taken):
    summary, (rejected,) = imported(table(ROW) + '2,t,sarah,x,deal,d,"{\nlost\n')

    assert (rejected["line"], rejected["lines"]) == (4, 2)
    assert summary["rejected"] == 2


@pytest.mark.parametrize(
    ("header", "message"),
    [("action,created_at", "lacks the columns id"), ("id,id,action,created_at", "names a column twice")],
)
def test_a_header_without_the_columns_cannot_be_used(taken, chancery, tmp_path, header, message):
    (tmp_path / "audit.csv").write_text(f"{header}\n1,2,3,4\n")

    done = chancery("import", "postgres-audit", "audit.csv")

    assert done.returncode == UsageError.exit_code
    assert message in done.stderr
    assert not taken


def test_a_dry_run_prints_events_redacted(taken, chancery, tmp_path):
    (tmp_path / "audit.csv").write_text(table(ROW | {"old_values": '{"password": "hunter2"}'}))

    done = chancery("import", "postgres-audit", "audit.csv", "--dry-run", "--json")

    shown, summary = map(json.loads, done.stdout.splitlines())
    assert (shown["line"], shown["entry"]["ipAddress"]) == (2, "10.0.0.7")
    assert shown["entry"]["before"] == {"password": "[REDACTED]"}
    assert (summary["imported"], done.returncode, taken) == (1, 0, [])

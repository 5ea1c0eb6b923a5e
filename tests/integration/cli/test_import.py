"""`chancery import` through the real handlers into a real mongod."""

import gzip
import json

import pytest

from tests.builders import http, principal
from tests.command_line import run_here
from tests.http_server import QuietHandler, serving

FUNCTIONS = {"/v1/logs/app": "record_logs", "/v1/logs/error": "record_logs", "/v1/audit-logs": "record_audit_logs"}


@pytest.fixture
def chancery(call, tmp_path, monkeypatch):
    """Runs a command in this process against the handlers."""

    class Handler(QuietHandler):
        def record(self):
            body = json.loads(self.body())
            try:
                status, answer, headers = call(
                    FUNCTIONS[self.path], http("POST", self.path, body, caller=principal("user"))
                )
            except Exception as exc:  # ends the command instead of a retry
                status, answer, headers = 400, {"title": "The handler failed", "detail": repr(exc)}, {}
            if status >= 500:  # ends the command, which would try again
                status = 400
            self.respond(status, json.dumps(answer).encode(), {"Retry-After": headers.get("Retry-After", "0")})

        do_POST = record

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHANCERY_TOKEN", "t")
    with serving(Handler) as url:
        monkeypatch.setenv("CHANCERY_API_URL", f"{url}/v1")
        yield run_here


@pytest.fixture
def stored(connect):
    def read(collection):
        return list(connect("reader")[collection].find().sort([("createdOn", 1), ("refId", 1)]))

    return read


def test_a_winston_file_is_imported_and_a_second_time_stores_nothing_twice(chancery, stored, tmp_path):
    lines = [
        b'\xef\xbb\xbf{"level":"info","message":"\xc3\xaf\xc2\xbf\xc2\xbdo. Error handling configured"}',
        b'{"level":"info","message":"dYs? Server running","timestamp":"2025-11-07 00:24:48"}',
        '{"level":"info","message":"âœ… Active","timestamp":"2025-11-07 00:24:49","max":10}'.encode(),
        b"",
        b'{"level":"error","message":"failed","timestamp":"2025-11-07 00:24:50",'
        b'"stack":"TypeError: no\\n    at f (a.js:1:2)"}',
        b'{"level":"error","message":"also failed","timestamp":"2025-11-07 00:24:51"}',
        b"    at g (b.js:3:4)",
        b"Listening on 3000",
        *(b'{"level":"debug","message":"%d","timestamp":"2025-11-07 00:25:00"}' % (at // 2) for at in range(1200)),
        b'{"level":"info","message":"' + b"x" * 300_000 + b'"}',
        b'{"level":"info","message":"nul \\u0000"}',
        b'{"level":"info","messa',
    ]
    (tmp_path / "combined.log").write_bytes(b"\r\n".join(lines))

    first = chancery("import", "winston", "combined.log", "--json")
    (tmp_path / "combined1.log.gz").write_bytes(gzip.compress(b"\n".join(lines)))
    again = chancery("import", "winston", "combined1.log.gz", "--json")

    assert (first.returncode, again.returncode) == (1, 1), first.stderr + again.stderr
    summary = json.loads(first.stdout.splitlines()[-1])  # the handlers print metrics before it
    assert {name: summary[name] for name in ("lines", "imported", "joined", "blank", "rejected")} == {
        "lines": len(lines),
        "imported": 1205,
        "joined": 1,
        "blank": 1,
        "rejected": 4,
    }
    rejects = [json.loads(line) for line in (tmp_path / "combined.log.rejects.jsonl").read_text().splitlines()]
    assert [reject["line"] for reject in rejects] == [8, 1209, 1210, 1211]
    app, errors = stored("app_logs"), stored("error_logs")
    assert [line["message"] for line in app[:3]] == [
        "✅ Error handling configured",
        "🚀 Server running",
        "✅ Active",
    ] or {line["message"] for line in app[:3]} == {"✅ Error handling configured", "🚀 Server running", "✅ Active"}
    assert len(app) == 1203
    assert app[2]["attributes"] == {"max": 10}
    assert [(line["error"]["type"], line["error"]["stack"]) for line in errors if "type" in line["error"]] == [
        ("TypeError", "TypeError: no\n    at f (a.js:1:2)")
    ]
    assert len(errors) == 2


def test_an_audit_table_is_imported_and_a_second_time_stores_nothing_twice(chancery, stored, tmp_path):
    header = "id,user_id,action,entity_type,entity_id,old_values,new_values,ip_address,created_at\n"
    rows = [
        f'{at},sarah,UPDATE,contact,c-{at},"{{""name"": ""A""}}","{{""name"": ""B""}}",10.0.0.7,2025-11-07 00:24:48\n'
        for at in range(600)
    ]
    (tmp_path / "audit.csv").write_text(
        header + "".join(rows) + "x,sarah,UPDATE,contact,c,,,unknown,2025-11-07 00:24:48\n"
    )

    first = chancery("import", "postgres-audit", "audit.csv", "--json")
    again = chancery("import", "postgres-audit", "audit.csv", "--json")

    assert (first.returncode, again.returncode) == (1, 1), first.stderr + again.stderr
    assert first.stdout.splitlines()[-1] == again.stdout.splitlines()[-1]
    (reject,) = [json.loads(line) for line in (tmp_path / "audit.csv.rejects.jsonl").read_text().splitlines()]
    assert (reject["line"], reject["errors"][0]["pointer"]) == (602, "/ipAddress")
    records = stored("audit_logs")
    assert len(records) == 600
    assert (
        records[0].items()
        >= {
            "action": "contact.update",
            "actorId": "sarah",
            "before": {"name": "A"},
            "after": {"name": "B"},
            "ipAddress": "10.0.0.7",
        }.items()
    )

"""`chancery exchanges`, `chancery integrations health|stats` and `chancery export summaries`."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from chancery.cli.summaries import COLUMNS, snake_case
from tests.command_line import page

DOCS = Path(__file__).parents[3] / "docs"
FIGURES = {
    "totalRequests": 20,
    "successful": 19,
    "failed": 1,
    "timeout": 0,
    "cancelled": 0,
    "successRate": 95.0,
    "avgDurationMs": 120.5,
    "p50DurationMs": 100,
    "p95DurationMs": 300,
    "p99DurationMs": 400,
}


def exchange(request_id="r-1", **changes):
    found = {
        "refId": "01J00000000000000000000001",
        "tenantId": "acme",
        "requestId": request_id,
        "attemptNumber": 1,
        "systemCode": "sap",
        "endpointCode": "orders",
        "httpMethod": "POST",
        "requestUrl": "https://sap.example/orders",
        "responseStatus": 503,
        "status": "FAILED",
        "isSuccess": False,
        "error": {"type": "HTTPError", "message": 'busy, "try again"'},
        "context": {"entityType": "invoice", "entityId": "i-1"},
        "actor": {"userId": "sarah"},
        "requestBodyInfo": {"bytes": 9},
        "startedAt": "2026-03-01T12:00:00.000Z",
        "completedAt": "2026-03-01T12:00:01.000Z",
        "createdOn": "2026-03-01T12:00:00.000Z",
        "durationMs": 1000,
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize("command", [("exchanges", "list"), ("integrations", "exchanges")], ids=" ".join)
def test_exchanges_are_listed_by_their_filters(chancery, service, command):
    service.on("GET", "/exchanges", page(exchange(), exchange("r-2", endpointCode=None, error=None)))

    filters = ("--system", "sap", "--status", "FAILED", "--entity", "invoice/i-1", "--actor", "sarah", "--unsuccessful")
    done = chancery(*command, *filters, "--correlation", "c-1", "--from", "2026-03-01T00:00:00Z")

    assert done.returncode == 0, done.stderr
    header, first, second = (line.split("\t") for line in done.stdout.splitlines())
    assert header[1:4] == ["system", "endpoint", "method"]
    assert first[1:] == ["sap", "orders", "POST", "FAILED", "503", "1000", "1", 'busy, "try again"', "r-1"]
    assert second[-1] == "r-2"
    asked = service.asked[0][2]
    expected = {
        "systemCode": "sap",
        "status": "FAILED",
        "isSuccess": "false",
        "userId": "sarah",
        "correlationId": "c-1",
    }
    assert expected.items() <= asked.items()
    assert (asked["entityType"], asked["entityId"]) == ("invoice", "i-1")


def test_exchanges_as_json_are_whole_items(chancery, service):
    service.on("GET", "/exchanges", page(exchange()))

    done = chancery("exchanges", "list", "--json", "--entity", "i-1")

    assert [json.loads(line) for line in done.stdout.splitlines()] == [exchange()]
    assert "fields" not in service.asked[0][2] and "entityType" not in service.asked[0][2]


def test_one_exchange_its_chain_and_its_body(chancery, service):
    service.on("GET", "/exchanges/r-1", (200, exchange(), {}))
    service.on("GET", "/exchanges/r-1/chain", page(exchange("r-0"), exchange()))
    service.on("GET", "/exchanges/r-1/response", (200, {"po_number": "4500012345"}, {}))

    assert json.loads(chancery("exchanges", "show", "r-1", "--json").stdout)["requestId"] == "r-1"
    assert "busy" in chancery("exchanges", "show", "r-1").stdout
    chain = chancery("exchanges", "chain", "r-1").stdout.splitlines()
    assert [line.split("\t")[-1] for line in chain] == ["requestId", "r-0", "r-1"]


def test_health_is_a_line_a_system(chancery, service):
    systems = [{"tenantId": "acme", "systemCode": code, **FIGURES} for code in ("crm", "sap")]
    answer = {"from": "2026-03-01T11:00:00.000Z", "to": "2026-03-01T12:00:00.000Z", "systems": systems}
    service.on("GET", "/integrations/health", (200, answer, {}))

    lines = chancery("integrations", "health").stdout.splitlines()

    assert lines[0].split("\t")[:4] == ["system", "total", "ok", "failed"]
    assert lines[2].split("\t") == ["sap", "20", "19", "1", "0", "0", "95.0", "120.5", "100", "300", "400"]
    assert [json.loads(line) for line in chancery("integrations", "health", "--json").stdout.splitlines()] == systems


def test_stats_are_a_line_a_bucket_and_one_in_all(chancery, service):
    item = {"beginsOn": "2026-03-01T12:00:00.000Z", **FIGURES}
    answer = {"systemCode": "sap", "bucket": "hour", "total": FIGURES, "items": [item]}
    service.on("GET", "/integrations/systems/sap/stats", (200, answer, {}))
    service.on("GET", "/integrations/systems/sap/endpoints/orders/stats", (200, answer, {}))

    lines = chancery("integrations", "stats", "sap", "--bucket", "day").stdout.splitlines()

    assert [line.split("\t")[0] for line in lines][2:] == ["in all"]
    assert service.asked[0][2]["bucket"] == "day"
    assert json.loads(chancery("integrations", "stats", "sap", "orders", "--json").stdout) == answer


def test_summaries_are_rows_of_the_reporting_table(chancery, service, tmp_path):
    pages = (
        page(exchange(), exchange("open", status="PENDING", isSuccess=None), cursor="c"),
        page(exchange("r-2", status="SUCCESS", isSuccess=True, error=None), exchange("lost", systemCode=None)),
    )
    service.on("GET", "/exchanges", *pages)

    done = chancery(
        "export", "summaries", "-o", "out.csv", "--from", "2026-03-01T00:00:00Z", "--tenant", "acme", "--json"
    )

    assert json.loads(done.stdout) == {"file": "out.csv", "summaries": 2}
    first, second = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(newline="")))
    assert (first["request_id"], second["request_id"]) == ("r-1", "r-2")
    assert (first["is_success"], second["is_success"], second["error_type"]) == ("false", "true", "")
    assert (first["error_message"], first["entity_id"], first["request_bytes"]) == ('busy, "try again"', "i-1", "9")
    assert service.asked[0][2]["from"] == "2026-03-01T00:00:00Z" and service.asked[0][2]["tenantId"] == "acme"


def test_summaries_take_no_filter_of_audit_records(chancery, service, tmp_path):
    done = chancery("export", "summaries", "-o", "out.csv", "--actor", "sarah")

    assert done.returncode == 2 and "--from" in done.stderr
    assert list(tmp_path.glob("out.csv*")) == []


def test_the_table_in_the_documentation_has_these_columns_in_this_order():
    table = re.search(r"CREATE TABLE \w+ \((.*?)PRIMARY KEY", (DOCS / "reporting.md").read_text(), re.DOTALL)
    assert table
    columns = re.findall(r"^\s+([a-z_]+)\s+\w", table[1], re.MULTILINE)

    assert columns == [snake_case(name) for name in COLUMNS]

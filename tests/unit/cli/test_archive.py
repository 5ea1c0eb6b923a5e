"""`chancery archive plan`, `run` and `status`: requests, output and exit codes."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from chancery.cli.errors import ProblemError, Unreachable
from chancery.cli.main import app

pytestmark = pytest.mark.usefixtures("waits")
RUNS = "/archives/runs"
STATES = ("pending", "running", "archived", "failed")


def invoke(*arguments: str) -> tuple[int, str, BaseException | None]:
    done = CliRunner().invoke(app, ["archive", *arguments])
    return done.exit_code, done.stdout, done.exception


def due(month: str, **changes: Any) -> dict[str, Any]:
    return {"tenantId": "acme", "month": month, "supplement": 0, "state": "due", "records": 12, **changes}


def archived(month: str, **changes: Any) -> dict[str, Any]:
    more = {"id": f"01J-{month}", "bytes": 99, "storageClass": "GLACIER", "state": "archived", **changes}
    return due(month) | more


def run_is(state: str, error: str | None = None, requeued: int = 0, **states: int):
    counts = dict.fromkeys(STATES, 0) | states
    sums = {
        "partitions": counts | {"total": sum(counts.values())},
        "records": 5,
        "bytes": 6,
    }
    return 200, {"id": "r1", "state": state, "error": error, "requeuedPartitions": requeued, **sums}, {}


def test_plan_lists_all_pages_of_due_months_by_dry_runs(service):
    pages = (
        {"items": [due("2024-01"), due("2024-02", tenantId=None)], "nextCursor": "c1"},
        {"items": [due("2024-02", supplement=3, state="failed")], "nextCursor": None},
    )
    service.on("POST", RUNS, *((200, page, {}) for page in pages))

    status, text, _ = invoke("plan", "--tenant", "acme", "--month", "2024-01")

    assert status == 0
    assert [line.split() for line in text.splitlines()] == [
        ["month", "tenant", "part", "state", "records"],
        ["2024-01", "acme", "month", "due", "12"],
        ["2024-02", "(platform)", "month", "due", "12"],
        ["2024-02", "acme", "supplement", "3", "failed", "12"],
    ]
    asked = {"tenantId": "acme", "month": "2024-01", "dryRun": True}
    assert [body for *_, body in service.asked] == [asked, asked | {"cursor": "c1"}]


def test_plan_as_json_is_one_item_a_line(service):
    answer = {"items": [due("2024-01"), due("2024-02")], "nextCursor": None}
    service.on("POST", RUNS, (200, answer, {}), (200, {"items": [], "nextCursor": None}, {}))

    assert [json.loads(line) for line in invoke("plan", "--json")[1].splitlines()] == answer["items"]
    assert invoke("plan", "--json")[:2] == (0, "")
    assert invoke("plan")[:2] == (0, "")


def test_run_starts_a_run_of_the_given_months_with_a_new_key(service):
    service.on("POST", RUNS, (202, {"id": "r1", "state": "planning"}, {}))

    for arguments in ((), ("--tenant", "null", "--month", "2024-02", "--storage-class", "DEEP_ARCHIVE")):
        status, text, _ = invoke("run", "--json", *arguments)
        assert (status, json.loads(text)) == (0, {"id": "r1", "state": "planning"})

    named = {"tenantId": "null", "month": "2024-02", "storageClass": "DEEP_ARCHIVE"}
    assert [body for *_, body in service.asked] == [{}, named]
    assert len({headers["Idempotency-Key"] for headers in service.headers}) == 2


def test_run_waits_until_no_month_is_open(service):
    service.on("POST", RUNS, (202, {"id": "r1", "state": "planning"}, {}))
    done = run_is("planned", archived=3)
    steps = (run_is("planning"), run_is("planning", pending=1), run_is("planned", running=2, archived=1), done)
    service.on("GET", f"{RUNS}/r1", *steps)

    status, text, _ = invoke("run", "--wait", "--json")

    assert (status, json.loads(text)) == (0, done[1])
    assert len(service.asked) == 5


def test_run_shows_each_change_of_its_progress_where_stderr_is_no_terminal(service):
    service.on("POST", RUNS, (202, {"id": "r1", "state": "planning"}, {}))
    running = run_is("planned", running=2, archived=1)
    service.on("GET", f"{RUNS}/r1", running, running, run_is("planned", archived=3))

    done = CliRunner().invoke(app, ["archive", "run", "--wait"])

    assert done.stderr.splitlines() == [
        "planned: 5 records, 6 bytes (1 of 3)",
        "planned: 5 records, 6 bytes (3 of 3)",
    ]


def test_run_stops_waiting_after_the_timeout_and_says_how_to_look_later(service):
    service.on("POST", RUNS, (202, {"id": "r1", "state": "planning"}, {}))
    service.on("GET", f"{RUNS}/r1", run_is("planned", running=1))

    done = CliRunner().invoke(app, ["archive", "run", "--wait", "--timeout", "0.001"])

    assert isinstance(done.exception, Unreachable)
    assert str(done.exception) == "The run r1 is not done after 0.001 minutes; it continues."
    assert "chancery archive status --run r1" in done.stderr


def test_run_retries_while_the_service_is_unavailable(service):
    service.on("POST", RUNS, (202, {"id": "r1", "state": "planning"}, {}))
    service.on("GET", f"{RUNS}/r1", (503, {"title": "Away"}, {}), run_is("planned", archived=1))

    assert invoke("run", "--wait")[0] == 0


def test_run_reports_open_months_of_earlier_runs(service):
    service.on("POST", RUNS, (202, {"id": "r1", "state": "planning"}, {}))
    service.on("GET", f"{RUNS}/r1", run_is("planned", requeued=2))

    done = CliRunner().invoke(app, ["archive", "run", "--wait"])

    assert done.exit_code == 0
    assert "2 months of earlier runs are still open" in done.stderr


@pytest.mark.parametrize(
    ("end", "title"),
    [
        (run_is("planned", archived=2, failed=1), "Not everything is archived"),
        (run_is("failed", error="The queue does not answer; try again."), "The run failed"),
    ],
)
def test_run_fails_if_a_month_is_not_archived(service, end, title):
    service.on("POST", RUNS, (202, {"id": "r1", "state": "planning"}, {}))
    service.on("GET", f"{RUNS}/r1", run_is("planning"), end)

    _, text, error = invoke("run", "--wait", "--json")

    assert json.loads(text) == end[1]
    assert isinstance(error, ProblemError)
    assert error.problem["title"] == title


def test_status_lists_archived_months(service):
    page = {"items": [archived("2024-02"), archived("2024-01", supplement=1, tenantId=None)], "nextCursor": "c1"}
    service.on("GET", "/archives", (200, page, {}))

    status, text, _ = invoke("status", "--tenant", "acme", "--month", "2024-02", "--state", "archived", "--limit", "2")

    assert status == 0
    assert text.splitlines()[2].split() == [
        *("2024-01", "(platform)", "supplement", "1", "archived", "12", "99", "GLACIER", "01J-2024-01")
    ]
    assert service.asked[0][2] == {"tenantId": "acme", "month": "2024-02", "state": "archived", "limit": "2"}
    assert len(service.asked) == 1


def test_status_of_a_run_and_of_one_that_does_not_exist(service):
    service.on("GET", f"{RUNS}/r1", run_is("planned", archived=3), (404, {"title": "Not found", "status": 404}, {}))

    assert json.loads(invoke("status", "--run", "r1", "--json")[1]) == run_is("planned", archived=3)[1]
    error = invoke("status", "--run", "r1")[2]
    assert isinstance(error, ProblemError)
    assert error.status == 404

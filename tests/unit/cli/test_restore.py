"""`chancery archive restore`, `locate` and `verify`: requests, output and exit codes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from chancery.cli.errors import ProblemError, Unreachable, UsageError
from chancery.cli.main import app
from tests.archived import Archive, archive, month_records
from tests.sealed import ORIGIN, SealedLog, Signer

ID = "01J00000000000000000000000"
RECORDS = month_records(40)
LOG = SealedLog(Signer(), RECORDS[:35])
pytestmark = pytest.mark.usefixtures("waits")
TOOL = Path(__file__).parents[3] / "tools" / "verify_audit.py"


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["archive", *arguments])


def partition(state: str, loaded: int = 0, **changes: Any) -> dict[str, Any]:
    restore = {"state": state, "records": loaded, "error": None, **changes}
    return {"id": ID, "state": "archived", "records": 40, "restore": restore}


# ---- restore


def test_restore_sends_tier_and_days_and_does_not_wait(service):
    service.on("POST", f"/archives/{ID}/restore", (202, partition("requested"), {}))

    done = invoke("restore", ID, "--tier", "Bulk", "--days", "30", "--json")

    assert (done.exit_code, json.loads(done.stdout)["restore"]["state"]) == (0, "requested")
    assert [asked[3] for asked in service.asked] == [{"tier": "Bulk", "days": 30}]


def test_restore_waits_until_the_records_are_loaded(service):
    service.on("POST", f"/archives/{ID}/restore", (202, partition("requested"), {}))
    states = (partition("requested"), partition("loading", 20), partition("restored", 40))
    service.on("GET", f"/archives/{ID}", *((200, state, {}) for state in states))

    done = invoke("restore", ID, "--wait", "--json")

    assert (done.exit_code, json.loads(done.stdout)["restore"]["records"]) == (0, 40)
    assert len(service.asked) == 4


def test_restore_stops_waiting_after_the_timeout_and_says_how_to_look_later(service):
    service.on("POST", f"/archives/{ID}/restore", (202, partition("requested"), {}))
    service.on("GET", f"/archives/{ID}", (200, partition("loading", 20), {}))

    done = invoke("restore", ID, "--wait", "--timeout", "0.001")

    assert isinstance(done.exception, Unreachable)
    assert "loading (20 of 40)" in done.stderr
    assert f"GET /v1/archives/{ID}" in done.stderr


def test_a_failed_restore_reports_its_error(service):
    service.on("POST", f"/archives/{ID}/restore", (202, partition("requested"), {}))
    failed = partition("failed", error="Part 2 of the file, bytes 7 to 9, is not what was archived.")
    service.on("GET", f"/archives/{ID}", (200, failed, {}))

    done = invoke("restore", ID, "--wait")

    assert isinstance(done.exception, ProblemError)
    assert done.exception.problem == {"title": "The restore failed", "detail": failed["restore"]["error"]}


@pytest.mark.parametrize("wrong", [("--tier", "Fast"), ("--days", "0"), ("--days", "366")])
def test_options_that_s3_would_refuse_are_wrong_usage(service, wrong):
    assert invoke("restore", ID, *wrong).exit_code == 2
    assert service.asked == []


# ---- locate


def test_locate_lists_months_in_order(service):
    items = [
        {"id": "a", "tenantId": "acme", "month": "2023-01", "supplement": 0, "state": "archived"},
        {"id": "b", "tenantId": None, "month": "2023-02", "supplement": 2, "state": "archived"},
    ]
    service.on("GET", "/archives/locate", (200, {"items": items}, {}))

    table = invoke("locate", "--actor", "u-1", "--resource", "blog_post/p-1", "--action", "blog_post.*")
    lines = invoke("locate", "--actor", "u-1", "--json")

    assert [line.split() for line in table.stdout.splitlines()] == [
        ["month", "tenant", "part", "state", "id"],
        ["2023-01", "acme", "month", "archived", "a"],
        ["2023-02", "(platform)", "supplement", "2", "archived", "b"],
    ]
    assert [json.loads(line) for line in lines.stdout.splitlines()] == items
    assert service.asked[0][2] == {"actorId": "u-1", "resourceId": "blog_post/p-1", "action": "blog_post.*"}


def test_search_and_show_read_restored_records(service):
    service.on("GET", "/audit-logs", (200, {"items": [], "nextCursor": None}, {}))
    service.on("GET", "/audit-logs/r1", (200, {"refId": "r1"}, {}))

    for arguments in (("search", "--restored"), ("show", "r1", "--restored"), ("show", "r1")):
        assert CliRunner().invoke(app, list(arguments)).exit_code == 0

    assert [asked[2].get("source") for asked in service.asked] == ["restored", "restored", None]


# ---- verify


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("acme.vkey").write_text(f"{LOG.signer.key}\n")
    return tmp_path


@pytest.fixture
def month(folder) -> Archive:
    """A month of 40 records, of which the log has 35."""
    found = archive(RECORDS, LOG)
    write(found)
    return found


def write(found: Archive) -> None:
    for name, content in (
        ("000.ndjson.zst", found.file),
        ("000.manifest.json", found.manifest),
        ("000.proof", found.proof),
    ):
        Path(name).write_bytes(content)


def verify(*more: str) -> Result:
    return invoke("verify", "000.ndjson.zst", "000.manifest.json", *more, "--json")


PROVEN = ("--proof", "000.proof", "--key", "acme.vkey")


def test_an_archive_holds_with_its_proof(month):
    done = verify(*PROVEN, "--leafless", "5")

    found = json.loads(done.stdout)
    assert found.pop("manifestSha256")
    about = {"tenantId": "acme", "month": "2024-02", "supplement": 0, "records": 40, "withoutLeaf": 5}
    assert (done.exit_code, found) == (0, {"holds": True, **about, "log": ORIGIN, "size": 35})


def test_records_without_a_leaf_must_be_allowed(month):
    done = verify(*PROVEN, "--leafless", "4")

    assert done.exit_code == 1
    assert json.loads(done.stdout)["what"] == "5 records have no leaf in the log; --leafless allows for so many"


def test_without_a_proof_the_log_is_null(month):
    found = json.loads(verify().stdout)

    assert (found["holds"], found["log"], found["size"]) == (True, None, None)


def test_proof_and_key_go_together(month):
    for alone in (PROVEN[:2], PROVEN[2:]):
        assert isinstance(verify(*alone).exception, UsageError)


def test_a_damaged_archive_is_reported_with_its_first_bad_part(month):
    body = bytearray(month.file)
    body[100] ^= 1
    write(month.changed(file=bytes(body)))

    done = verify(*PROVEN)

    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert (found["holds"], found["file"]) == (False, "000.ndjson.zst")
    assert found["what"].startswith("part 1 of the file, bytes 0 to ")
    assert [line.split()[:3] for line in done.stderr.splitlines() if line] == [["DOES", "NOT", "HOLD"]]


def test_a_missing_file_is_wrong_usage(folder):
    assert verify().exit_code == 2


def test_the_auditors_tool_verifies_a_decompressed_archive(month):
    import zstandard

    text = zstandard.ZstdDecompressor().stream_reader(month.file, read_across_frames=True).read()

    def run() -> subprocess.CompletedProcess[str]:
        Path("000.ndjson").write_bytes(text)
        command = [sys.executable, str(TOOL), "archive", "000.ndjson", *PROVEN, "--leafless", "5"]
        return subprocess.run(command, capture_output=True, text=True)

    held = run()
    text = text.replace(b"user-1", b"user-2", 1)
    changed = run()

    assert held.returncode == 0, held.stdout
    assert held.stdout.startswith("HOLDS: 35 records are as they were sealed in the log")
    assert "; 5 more have no leaf there" in held.stdout
    assert (changed.returncode, RECORDS[0]["refId"] in changed.stdout) == (1, True)

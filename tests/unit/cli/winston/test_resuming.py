"""An import that ends early continues, and no entry is stored twice."""

import gzip
import signal
import subprocess

from chancery.cli.errors import ProblemError, Unreachable
from tests.command_line import COMMAND
from tests.unit.cli.winston.conftest import SEED, jsonl


def test_a_renamed_compressed_and_longer_file_sends_the_same_ids(logs, write, imported):
    line = {"level": "info", "message": "twice", "timestamp": "2025-11-07 00:24:48"}
    text = jsonl(line, line)
    write(text)
    imported()
    write(gzip.compress(("\ufeff" + text + jsonl(line)).replace("\n", "\r\n").encode()), "combined1.log.gz")
    imported("combined1.log.gz")

    first, second, *again = [body["id"] for body in logs["app"]]
    assert first != second
    assert again[:2] == [first, second]
    assert again[2] not in (first, second)


def test_an_import_that_was_stopped_continues_after_the_last_chunk(service, logs, write, imported, chancery, tmp_path):
    lines = [{"level": "info", "message": str(at)} for at in range(4500)]
    lines[10] = lines[3000] = {"level": "info", "message": "refuse"}
    write(jsonl(*lines))
    take = service.routes["POST", "/v1/logs/app"]
    service.routes["POST", "/v1/logs/app"] = lambda *asked: (
        (403, {"title": "No"}, {}) if len(service.asked) > 6 else take(*asked)
    )

    stopped = chancery("import", "winston", "combined.log")
    sent = len(logs["app"])
    service.routes["POST", "/v1/logs/app"] = take
    summary, rejected = imported()

    assert stopped.returncode == ProblemError.exit_code
    assert "the same command continues" in stopped.stderr
    assert 0 < sent < 4500
    assert (summary["lines"], summary["imported"], summary["rejected"]) == (4500, 4498, 2)
    assert [item["line"] for item in rejected] == [11, 3001]
    assert {body["message"] for body in logs["app"]} == {str(at) for at in range(4500)} - {"10", "3000"}
    assert len(logs["app"]) < 2 * 4498  # it did not begin again
    assert len({body["id"] for body in logs["app"]}) == 4498


def test_an_import_that_was_killed_continues(service, logs, write, imported, tmp_path):
    write(jsonl(*({"level": "info", "message": "refuse" if at % 700 == 0 else str(at)} for at in range(6000))))
    take = service.routes["POST", "/v1/logs/app"]

    def take_and_kill(*asked):
        answer = take(*asked)
        if len(service.asked) == 6:  # between two checkpoints
            process.kill()
        return answer

    service.routes["POST", "/v1/logs/app"] = take_and_kill
    environment = {"PATH": "/usr/bin:/bin", "CHANCERY_API_URL": service.url, "CHANCERY_TOKEN": "t"}
    process = subprocess.Popen([COMMAND, "import", "winston", "combined.log"], cwd=tmp_path, env=environment)
    killed = process.wait(60)
    service.routes["POST", "/v1/logs/app"] = take
    summary, rejected = imported()

    assert killed == -signal.SIGKILL
    assert (summary["lines"], summary["imported"]) == (6000, 5991)
    assert [item["line"] for item in rejected] == [at + 1 for at in range(0, 6000, 700)]
    assert {body["message"] for body in logs["app"]} == {str(at) for at in range(6000) if at % 700}
    assert len({body["id"] for body in logs["app"]}) == 5991
    assert len(logs["app"]) < 5991 + 2001  # at most the chunk that had no checkpoint was sent again


def test_a_file_with_the_name_of_one_that_was_not_finished_begins_at_its_first_line(
    service, logs, write, imported, chancery
):
    write(jsonl(*({"level": "info", "message": str(at)} for at in range(2500))))
    take = service.routes["POST", "/v1/logs/app"]
    service.routes["POST", "/v1/logs/app"] = lambda *asked: (
        (403, {"title": "No"}, {}) if len(service.asked) > 4 else take(*asked)
    )
    assert chancery("import", "winston", "combined.log").returncode == 1
    service.routes["POST", "/v1/logs/app"] = take

    write(SEED)

    assert imported()[0]["lines"] == 3


def test_a_service_that_stays_away_ends_the_import_with_its_code(logs, write, chancery, waits, monkeypatch):
    monkeypatch.setattr("chancery.cli.imports.importer._PATIENCE", 0.0)
    write(SEED)

    done = chancery("import", "winston", "combined.log", CHANCERY_API_URL="http://127.0.0.1:9/v1")

    assert done.returncode == Unreachable.exit_code
    assert "the same command continues" in done.stderr

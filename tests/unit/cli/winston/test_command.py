"""`chancery import winston`: batches, waiting, memory, dry runs, files that cannot be used."""

import json

import pytest

from chancery.cli.api import open_api
from chancery.cli.errors import UsageError
from chancery.cli.imports.importer import Importer
from chancery.cli.imports.progress_files import Checkpoint, RejectsFile
from chancery.cli.imports.source_lines import open_lines
from chancery.cli.imports.source_times import time_zone
from chancery.cli.imports.summary import Summary
from chancery.cli.imports.winston import read_winston
from chancery.cli.imports.winston_entries import WinstonEntries
from tests.unit.cli.winston.conftest import SEED, jsonl


def test_batches_have_at_most_500_lines_and_fit_a_request(service, logs, write, imported):
    write(jsonl(*({"level": "info", "message": str(at)} for at in range(1201))))
    write(jsonl(*({"level": "info", "message": "x" * 30_000} for _ in range(300))), "long.log")

    assert imported()[0]["imported"] == 1201
    assert [len(body["records"]) for *_, body in service.asked] == [500, 500, 201]
    assert imported("long.log")[0]["imported"] == 300
    assert max(len(json.dumps(body)) for *_, body in service.asked) < 4 * 1024 * 1024
    assert [body["message"] for body in logs["app"]][:1201] == [str(at) for at in range(1201)]


def test_a_limited_or_unavailable_service_is_waited_for(service, logs, write, imported, waits):
    take, answers = (
        service.routes["POST", "/v1/logs/app"],
        [(429, {}, {"Retry-After": "7"}), (503, {}, {"Retry-After": "9"})],
    )
    service.routes["POST", "/v1/logs/app"] = lambda *asked: answers.pop(0) if answers else take(*asked)
    write(SEED)

    summary, _ = imported()

    assert summary["imported"] == len(logs["app"]) == 3
    assert waits == [7, 9]


def test_a_dry_run_prints_entries_and_counts_and_sends_nothing(service, logs, write, chancery, tmp_path):
    write(SEED * 10 + "broken\n")

    done = chancery("import", "winston", "combined.log", "--dry-run", "--json")

    *shown, summary = map(json.loads, done.stdout.splitlines())
    assert (len(shown), shown[2]["line"], shown[2]["path"]) == (10, 3, "/logs/app")
    assert shown[2]["entry"]["message"].startswith("✅ PostgreSQL")
    assert (summary["imported"], summary["rejected"], done.returncode) == (30, 1, 1)
    assert service.asked == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["combined.log"]


def test_several_files_and_a_folder_for_their_state(logs, write, chancery, tmp_path):
    write(SEED, "a.log")
    write("broken\n", "b.log")

    done = chancery("import", "winston", "a.log", "b.log", "--state", "state")
    same = chancery("import", "winston", "a.log", "./a.log", "--state", "state")

    assert done.returncode == 1
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["b.log.rejects.jsonl"]
    assert same.returncode == UsageError.exit_code
    assert "same name" in same.stderr


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (None, (), "combined.log cannot be used"),
        (SEED, ("--timezone", "Mars/Base"), "no time zone"),
        (SEED.encode("utf-16"), (), "UTF-16"),
    ],
)
def test_what_cannot_be_used_is_named(logs, write, chancery, content, arguments, message):
    if content:
        write(content)

    done = chancery("import", "winston", "combined.log", *arguments)

    assert done.returncode == UsageError.exit_code
    assert message in done.stderr


@pytest.mark.parametrize("length", [0, 50_000])
def test_no_more_than_a_chunk_of_the_file_is_in_memory(service, logs, write, length, tmp_path):
    """At each request, the lines that were read and are not counted yet are those of one chunk, and 8 MB at most."""
    line = json.dumps({"level": "info", "message": "x" * length}).encode() + b"\n"
    write(line * (9000 if length == 0 else 600))
    read, most = [0, 0], [0, 0]
    take = service.routes["POST", "/v1/logs/app"]

    def take_and_measure(*asked):
        held = read[0] - importer.summary.as_json()["lines"]
        most[0], most[1] = max(most[0], held), max(most[1], held * len(line))
        return take(*asked)

    def counted(lines):
        for line in lines:
            read[0] += 1
            yield line

    service.routes["POST", "/v1/logs/app"] = take_and_measure
    checkpoint, rejects = Checkpoint(tmp_path / "c", []), RejectsFile(tmp_path / "r", 0)
    importer = Importer(open_api(service.url, "t", "user"), checkpoint, rejects, Summary(), 0)
    entries = WinstonEntries(time_zone("UTC"), "2025-11-07T00:00:00.000Z")
    with open_lines(tmp_path / "combined.log") as lines:
        sent = list(importer.run(read_winston(counted(lines), entries)))

    rejects.close()
    assert len(sent) > 2
    assert 0 < most[0] <= 2002
    assert most[1] <= 8.2 * 1024 * 1024


def test_an_empty_file_has_no_lines(logs, write, imported):
    write("")

    assert imported()[0]["lines"] == 0

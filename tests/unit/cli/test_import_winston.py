"""`chancery import winston` against an API of given answers."""

import gzip
import json
import signal
import subprocess

import pytest

from chancery.cli.api import open_api
from chancery.cli.errors import ProblemError, Unreachable, UsageError
from chancery.cli.imports.importer import Importer
from chancery.cli.imports.progress_files import Checkpoint, RejectsFile
from chancery.cli.imports.source_lines import open_lines
from chancery.cli.imports.source_times import time_zone
from chancery.cli.imports.summary import Summary
from chancery.cli.imports.winston import read_winston
from chancery.cli.imports.winston_entries import WinstonEntries
from tests.command_line import COMMAND

SEED = """{"level":"info","message":"ï¿½o. Error handling configured"}
{"level":"info","message":"dYs? Server running"}
{"level":"info","message":"âœ… PostgreSQL connection pool initialized","timestamp":"2025-11-07 00:24:48","max":10}
"""


@pytest.fixture
def logs(service):
    """Takes logs of every kind except messages with `refuse`; returns the bodies that it has taken, by kind."""
    taken = {"app": [], "error": []}

    def answer(kind):
        def record(_, body):
            results = []
            for line in body["records"]:
                if "refuse" in line["message"]:
                    problem = {"detail": "Not valid.", "errors": [{"pointer": "/message", "detail": "is refused"}]}
                    results.append({"status": 422, "problem": problem})
                else:
                    taken[kind].append(line)
                    results.append({"status": 201, "refId": "r", "createdOn": "c"})
            return 201, {"results": results}, {}

        return record

    for kind in taken:
        service.routes["POST", f"/v1/logs/{kind}"] = answer(kind)
    return taken


@pytest.fixture
def write(tmp_path):
    def write(content, name="combined.log"):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        return name

    return write


@pytest.fixture
def imported(chancery, tmp_path):
    """Imports a file: its summary and its rejects."""

    def run(name="combined.log", *arguments, code=None):
        done = chancery("import", "winston", name, "--json", *arguments)
        assert done.stdout, done.stderr
        summary = json.loads(done.stdout.splitlines()[-1])
        rejects = tmp_path / f"{name}.rejects.jsonl"
        rejected = [json.loads(line) for line in rejects.read_text().splitlines()] if rejects.exists() else []
        parts = ("imported", "joined", "blank", "header", "rejected")
        assert sum(summary[part] for part in parts) == summary["lines"]
        assert sum(item["lines"] for item in rejected) == summary["rejected"]
        assert done.returncode == (1 if rejected else 0)
        assert not (tmp_path / f"{name}.import.json").exists()
        return summary, rejected

    return run


def jsonl(*values):
    return "".join(json.dumps(value) + "\n" for value in values)


def test_lines_are_imported_with_level_time_fields_and_attributes(logs, write, imported):
    line = {
        "level": "\x1b[33mwarn\x1b[39m",
        "message": "slow",
        "timestamp": "2025-11-07 00:24:48",
        "service": "crm-api",
        "user_id": 7,
        "method": "GET",
        "url": "/api/v1/contacts",
        "statusCode": "200",
        "responseTime": 12.5,
        "requestId": "r-1",
        "max": 10,
        "sessionId": {"not": "a text"},
    }
    write(jsonl(line))

    summary, _ = imported("combined.log", "--timezone", "Europe/Berlin")

    (body,) = logs["app"]
    assert body.pop("id").startswith("winston:")
    assert body == {
        "createdOn": "2025-11-06T23:24:48.000Z",
        "level": "warn",
        "message": "slow",
        "logger": "crm-api",
        "userId": "7",
        "method": "GET",
        "endpoint": "/api/v1/contacts",
        "statusCode": 200,
        "durationMs": 12.5,
        "correlationId": "r-1",
        "attributes": {"max": 10, "sessionId": {"not": "a text"}},
    }
    assert summary["imported"] == summary["/logs/app"] == 1


def test_broken_lines_of_the_crm_are_repaired(logs, write, imported):
    write(SEED)

    summary, _ = imported()

    assert [body["message"] for body in logs["app"]] == [
        "✅ Error handling configured",
        "🚀 Server running",
        "✅ PostgreSQL connection pool initialized",
    ]
    assert {body["createdOn"] for body in logs["app"]} == {"2025-11-07T00:24:48.000Z"}
    assert (summary["repaired"], summary["unrepaired"], summary["timeAssumed"]) == (3, 0, 2)


@pytest.mark.parametrize(
    ("broken", "stored"),
    [
        ("âœ… Active", "✅ Active"),
        ("ðŸš€ and ğŸš€", "🚀 and 🚀"),
        ("âŒ Not Used", "❌ Not Used"),
        ("âš\N{NO-BREAK SPACE}ï¸ Minimal", "⚠️ Minimal"),  # noqa: RUF001
        ("\N{REPLACEMENT CHARACTER}o. configured", "✅ configured"),
        ("Ã©lÃ¨ve", "élève"),
        ("✅ fine, naïve", "✅ fine, naïve"),
        ("goodYs?", "goodYs?"),
        ("half \N{REPLACEMENT CHARACTER} lost, âœ…", "half \N{REPLACEMENT CHARACTER} lost, âœ…"),
        ("Ï¿½", "Ï¿½"),
    ],
)
def test_mojibake_in_texts_at_any_depth_is_repaired_or_stays(logs, write, imported, broken, stored):
    write(jsonl({"level": "info", "message": broken, "context": {"list": [broken]}}))

    summary, _ = imported()

    assert (logs["app"][0]["message"], logs["app"][0]["attributes"]["context"]["list"]) == (stored, [stored])
    assert summary["repaired"] == (broken != stored)
    assert summary["unrepaired"] == (broken in ("Ï¿½",) or "half" in broken)


def test_bytes_that_are_not_utf_8_are_read_as_windows_1252(logs, write, imported):
    write(b'{"level":"info","message":"M\xfcller \x80"}\n{"level":"info","message":"\\ud83d half"}\n')

    summary, _ = imported()

    assert [body["message"] for body in logs["app"]] == ["Müller €", "\N{REPLACEMENT CHARACTER} half"]
    assert (summary["repaired"], summary["unrepaired"]) == (1, 1)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ({"message": "m", "stack": "TypeError: m\n    at f"}, {"type": "TypeError", "message": "m"}),
        ({"message": "x", "stack": "x\n    at f"}, {"message": "x"}),
        ({"message": "x", "stack": "Error\n    at f"}, {"type": "Error", "message": "x"}),
        (
            {"message": "m", "error": {"name": "E", "message": "inner", "stack": "E: inner\n    at f"}},
            {"type": "E", "message": "inner"},
        ),
        ({"message": "m", "err": {"stack": "E: m\n    at f", "code": 5}}, {"type": "E", "message": "m"}),
    ],
)
def test_errors_with_a_stack_are_error_logs(logs, write, imported, line, error):
    write(jsonl({"level": "error", **line}, {"level": "error", "message": "no stack"}, {"level": "info", **line}))

    summary, _ = imported()

    (body,) = logs["error"]
    stack = line.get("stack") or (line.get("error") or line["err"])["stack"]
    assert body["error"] == {**error, "stack": stack}
    assert body.get("attributes") == ({"err": {"code": 5}} if "err" in line else None)
    assert [item["message"] for item in logs["app"]] == ["no stack", line["message"]]
    assert logs["app"][1]["error"] == body["error"]
    assert (summary["/logs/error"], summary["/logs/app"]) == (1, 2)


def test_a_stack_that_spans_lines_belongs_to_the_line_before_it_or_to_its_own_message(logs, write, imported):
    write(
        '{"level":"error","message":"failed","timestamp":"2025-11-07 00:24:48"}\n'
        "    at save (/app/src/contacts.js:41:7)\n"
        "    at next (/app/src/router.js:3:1)\n"
        "\n"
        "Listening\n"
        "TypeError: contact is null\n"
        "in two lines\n"
        "    at save (/app/src/contacts.js:41:7)\n"
        "    at lost (/app/src/router.js:3:1)\n"
        '{"level":"info","message":"after"}\n'
    )

    summary, rejected = imported()

    first, second = logs["error"]
    assert first["error"]["stack"].count("\n") == 1
    assert second["error"] == {
        "type": "TypeError",
        "message": "contact is null\nin two lines",
        "stack": "TypeError: contact is null\nin two lines\n    at save (/app/src/contacts.js:41:7)\n"
        "    at lost (/app/src/router.js:3:1)",
    }
    assert second["createdOn"] == first["createdOn"]
    assert [item["message"] for item in logs["app"]] == ["after"]
    assert rejected == [{"line": 5, "lines": 1, "reason": "The line is not JSON.", "text": "Listening"}]
    assert (summary["imported"], summary["joined"], summary["blank"]) == (3, 5, 1)


def test_an_object_over_several_lines_is_one_entry(logs, write, imported):
    value = {"level": "info", "message": "pretty", "nested": {"list": [{"a": 1}]}}
    write(json.dumps(value, indent=2) + '\n{"level":"info","message":"with a\nline end"}\n')

    summary, _ = imported()

    assert [body["message"] for body in logs["app"]] == ["pretty", "with a\nline end"]
    assert logs["app"][0]["attributes"] == {"nested": {"list": [{"a": 1}]}}
    assert (summary["imported"], summary["joined"]) == (2, 11)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("info: Server running", "not JSON"),
        ('{"level":"info","message":}', "not valid JSON (column 27)"),
        ('{"level":"info","message":"a","message":"b"}', "a key twice"),
        ('{"level":"info","message":"a","n":NaN}', "NaN"),
        ('{"level":"info","message":"a","n":1e999}', "too large"),
        ('{"max":10}', "neither level nor message"),
        ("[1]", "not JSON"),
        ("    at f (a.js:1:2)", "not JSON"),
        ('{"level":"info","message":"please refuse"}', "Not valid."),
        ("\N{BROKEN BAR}{", "not JSON"),
        ("x" * 2_000_000, "longer than"),
    ],
)
def test_a_line_that_cannot_be_imported_is_in_the_rejects_with_number_and_reason(logs, write, imported, line, reason):
    write('{"level":"info","message":"before"}\n\n' + line + '\n{"level":"info","message":"after"}\n')

    summary, (rejected,) = imported()

    assert (rejected["line"], rejected["lines"]) == (3, 1)
    assert reason in rejected["reason"]
    assert line.startswith(rejected["text"])
    assert [body["message"] for body in logs["app"]] == ["before", "after"]
    assert summary["rejects"] == "combined.log.rejects.jsonl"


def test_errors_of_the_service_are_in_the_rejects(logs, write, imported):
    write(jsonl({"level": "info", "message": "refuse"}))

    _, (rejected,) = imported()

    assert rejected["errors"] == [{"pointer": "/message", "detail": "is refused"}]


def test_rejects_and_previews_are_redacted(logs, write, imported, chancery):
    write('password=hunter2hunter2\n{"level":"info","message":"refuse","password":"hunter2hunter2"}\n')

    _, rejected = imported()
    preview = chancery("import", "winston", "combined.log", "--dry-run")

    assert len(rejected) == 2
    assert "hunter2" not in json.dumps(rejected) + preview.stdout
    assert preview.stdout.count("[REDACTED]") == 1


def test_a_truncated_end_is_rejected_and_imported_once_it_is_complete(logs, write, imported):
    write('{"level":"info","message":"a"}\n{"level":"info","mess')
    _, (rejected,) = imported()
    write('{"level":"info","message":"a"}\n{"level":"info","message":"b"}\n')
    _, again = imported()

    assert "ends within this line" in rejected["reason"]
    assert again == []
    ids = [body["id"] for body in logs["app"]]
    assert (len(ids), len(set(ids))) == (3, 2)


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


def test_a_service_that_stays_away_ends_the_import_with_its_code(logs, write, chancery, waits, monkeypatch):
    monkeypatch.setattr("chancery.cli.imports.importer._PATIENCE", 0.0)
    write(SEED)

    done = chancery("import", "winston", "combined.log", CHANCERY_API_URL="http://127.0.0.1:9/v1")

    assert done.returncode == Unreachable.exit_code
    assert "the same command continues" in done.stderr


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

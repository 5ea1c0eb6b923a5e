"""Lines that cannot be imported: each is in the rejects, with its number and the reason."""

import json

import pytest

from tests.unit.cli.winston.conftest import jsonl


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

"""What a line of a Winston file becomes: level, time, fields, repaired text, errors with their stacks."""

import json

import pytest

from tests.unit.cli.winston.conftest import SEED, jsonl


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

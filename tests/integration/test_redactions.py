"""POST /v1/redactions through the real handler."""

import pytest
from bson import json_util

from tests.builders import http, principal, set_settings
from tests.database import collection_names

PATH = "/v1/redactions"
GITHUB = "ghp_" + "a1B2c3" * 6


@pytest.fixture
def send(call):
    def invoke(body, role="user", query=None, tenants=("acme",)):
        request = http("POST", PATH, body, caller=principal(role, tenants), query=query)
        return call("try_redactions", request, "reader")

    return invoke


def found(pointer, start, end, kind, reason, **more):
    return {"pointer": pointer, "start": start, "end": end, "kind": kind, "reason": reason, **more}


def test_it_shows_what_would_be_redacted_and_why(send):
    value = {
        "password": "hunter2",
        "note": f"Ärger 😀 password=hunter2 and {GITHUB}!",
        "rows": [{"customerNumber": "b52", "n": 62}, "KD-12345 of ada@mail.example"],
        "KD-12345": 1,
    }
    redaction = {
        "names": ["customer number"],
        "patterns": [{"name": "member", "pattern": r"KD-\d+"}],
        "freeText": {"emailAddresses": True},
    }

    status, answer, _ = send({"value": value, "redaction": redaction})

    assert status == 200
    assert answer == {
        "redacted": {
            "password": "[REDACTED]",
            "note": "Ärger 😀 password=[REDACTED] and [REDACTED]!",
            "rows": [{"customerNumber": "[REDACTED]", "n": 62}, "[REDACTED] of [REDACTED]"],
            "[REDACTED]": 1,
        },
        "findings": [
            found("/password", 0, 7, "password", "name"),
            found("/note", 17, 24, "password", "layout"),
            found("/note", 29, 69, "GitHub token", "format"),
            found("/rows/0/customerNumber", 0, 3, "own name", "name"),
            found("/rows/1", 0, 8, "member", "pattern"),
            found("/rows/1", 12, 28, "e-mail address", "freeText"),
            found("/[REDACTED]", 0, 8, "member", "pattern", inName=True),
        ],
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("value", "redacted", "findings"),
    [
        ("nothing", "nothing", []),
        (None, None, []),
        ("password=hunter2", "password=[REDACTED]", [found("", 9, 16, "password", "layout")]),
        (4111111111111111, "[REDACTED]", [found("", None, None, "payment card", "format")]),
        (
            {"password": {"a": "hunter22"}},
            {"password": "[REDACTED]"},
            [found("/password", None, None, "password", "name")],
        ),
        ({"a/b": {"~": "pin: 4711"}}, {"a/b": {"~": "pin: [REDACTED]"}}, [found("/a~1b/~0", 5, 9, "code", "layout")]),
        (
            {"changes": [{"field": "email", "from": "a@x.io", "to": "b@x.io"}]},
            {"changes": [{"field": "email", "from": "[REDACTED]", "to": "[REDACTED]"}]},
            [
                found("/changes/0/from", 0, 6, "e-mail address", "name"),
                found("/changes/0/to", 0, 6, "e-mail address", "name"),
            ],
        ),
        (["Cookie", "sid=abc123"], ["Cookie", "[REDACTED]"], [found("/1", 0, 10, "header", "name")]),
    ],
)
def test_any_json_value_is_taken(send, value, redacted, findings):
    assert send({"value": value})[:2] == (200, {"redacted": redacted, "findings": findings, "truncated": False})


def test_without_settings_to_try_it_takes_the_tenants_own_as_they_are_now(send, connect):
    assert send({"value": "KD-12345"})[1]["findings"] == []

    set_settings(connect("writer"), redaction={"patterns": [{"name": "member", "pattern": r"KD-\d+"}]})

    assert send({"value": "KD-12345"})[1]["redacted"] == "[REDACTED]"
    assert send({"value": "KD-12345"}, tenants=("globex",))[1]["redacted"] == "KD-12345"
    assert send({"value": "KD-12345"}, "super_admin", {"tenantId": "acme"})[1]["redacted"] == "[REDACTED]"
    assert send({"value": "KD-12345", "redaction": {}})[1]["redacted"] == "KD-12345"


def test_nothing_of_the_value_is_stored_counted_or_logged(send, connect, bus, capsys):
    _, answer, _ = send({"value": "password=hunter2 zebra"}, "super_admin", {"tenantId": "acme"})

    assert "[REDACTED]" in answer["redacted"]
    database = connect("admin")
    stored = json_util.dumps([list(database[name].find()) for name in collection_names(database)])
    seen = stored + str(bus.published) + capsys.readouterr().out
    assert not any(word in seen for word in ("hunter2", "zebra", "ValuesRedacted"))


def test_what_an_auditor_tries_is_audited_without_the_value(send, bus):
    send({"value": "zebra"}, "auditor")

    assert [event["action"] for event in bus.of("Record Audit Event")] == ["redaction.tried"]
    assert "zebra" not in str(bus.published)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/value"),
        ({"value": 1, "more": 1}, "/more"),
        ({"value": 2**60}, "/value"),
        ({"value": 1, "redaction": {"patterns": [{"name": "x", "pattern": "("}]}}, "/redaction/patterns/0/pattern"),
    ],
)
def test_a_wrong_body_is_refused(send, body, pointer):
    status, problem, _ = send(body)

    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)


def test_a_value_that_is_nested_too_deeply_is_refused(send):
    value = "x"
    for _ in range(70):
        value = [value]

    assert send({"value": value})[0] == 422


def test_there_are_a_thousand_findings_at_most(send):
    status, answer, _ = send({"value": ["password=hunter2"] * 1200})

    assert (status, len(answer["findings"]), answer["truncated"]) == (200, 1000, True)
    assert "hunter2" not in answer["redacted"]


def test_a_result_that_no_answer_can_hold_is_413(send):
    assert send({"value": ['"'] * 700_000})[0] == 413


def test_a_producer_may_not_try(send):
    assert send({"value": 1}, "producer")[0] == 403

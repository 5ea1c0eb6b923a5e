"""Redaction by name and by value, and the gate that saves the search."""

import json

import pytest
from hypothesis import given, settings

from chancery.core.redaction import MAX_DEPTH, REDACTED, may_hold_credentials, redact
from tests.profiles import examples
from tests.unit.core.redaction.secrets import FORMS, SECRETS, VALUES


def test_json_inside_of_text_is_redacted_as_json():
    clean = redact({"payload": json.dumps({"password": "hunter2", "kept": 1})})

    assert json.loads(clean["payload"]) == {"password": REDACTED, "kept": 1}


def test_a_header_in_a_list_of_pairs_is_redacted():
    pairs = [{"name": "Authorization", "value": "abc"}, {"name": "Accept", "value": "*/*"}]

    assert [pair["value"] for pair in redact(pairs)] == [REDACTED, "*/*"]


def test_null_stays_null_so_that_a_diff_still_says_what_was_unset():
    assert redact({"email": None}) == {"email": None}


def test_what_lies_too_deep_is_replaced_whole():
    deep: dict = {"password": "x"}
    for _ in range(MAX_DEPTH + 5):
        deep = {"a": deep}

    assert "x" not in json.dumps(redact(deep)).replace("a", "")


@settings(max_examples=examples(300))
@given(VALUES, FORMS)
def test_where_the_gate_clears_a_text_the_search_would_have_found_nothing(value, form):
    raw = json.dumps(value, **form)

    if not may_hold_credentials(raw):
        assert redact(value) == redact(value, search_values=False)


@pytest.mark.parametrize("form", [{}, {"indent": 2}, {"separators": (",", ":")}])
def test_json_in_json_in_json_is_no_hiding_place(form):
    value: object = {"password": "hunter2", "ip": "hunter2"}
    for _ in range(4):
        value = {"payload": [json.dumps([value], **form)]}

    assert may_hold_credentials(json.dumps(value))
    assert "hunter2" not in json.dumps(redact(value))


@pytest.mark.parametrize("secret", SECRETS)
def test_the_gate_never_clears_a_credential(secret):
    assert may_hold_credentials(json.dumps({"a": f"x {secret} y"}))
    assert may_hold_credentials('{"a": "' + "".join(f"\\u{ord(char):04x}" for char in secret) + '"}')
    assert may_hold_credentials(json.dumps({"a": json.dumps({"password": "x"})}))
    assert may_hold_credentials(json.dumps({"a": json.dumps({"password": "x"}, indent=2)}))

"""A secret in any layout is replaced whole: no part of it of six characters is left."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chancery.core.redaction import may_hold_credentials, redact_text
from tests.profiles import examples
from tests.unit.core.redaction.layouts import ESCAPED, SPOKEN, WRITTEN

LETTERS_AND_DIGITS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
NAMES = ["password", "api_key", "clientSecret", "DB_PASSWORD", "access_token", "Passwort", "secret", "private_key"]


def secrets(others: str) -> st.SearchStrategy[str]:
    """Values of 13 characters, made up, that begin and end with letters or digits and have both in them."""
    inner = st.text(LETTERS_AND_DIGITS + others, min_size=10, max_size=10)
    return st.builds("{}{}{}".format, st.sampled_from(["7q", "x4", "B9"]), inner, st.sampled_from("0aZ"))


def assert_replaced(text: str, value: str) -> None:
    clean, around = redact_text(text), text.replace(value, "")
    parts = {value[at : at + 6] for at in range(len(value) - 5)}
    assert [part for part in parts if part in clean and part not in around] == [], (text, clean)
    assert redact_text(clean) == clean


@pytest.mark.parametrize("layout", WRITTEN)
@settings(max_examples=examples(8))
@given(st.sampled_from(NAMES), secrets("!@#$%^*+./~_-"))
def test_a_written_value_is_replaced_whole(layout, name, value):
    assert_replaced(layout.format(name=name, value=value), value)


@pytest.mark.parametrize("layout", SPOKEN)
@settings(max_examples=examples(8))
@given(st.sampled_from(NAMES), secrets("_-"))
def test_a_value_that_stands_out_is_replaced_whole(layout, name, value):
    assert_replaced(layout.format(name=name, value=value), value)


@pytest.mark.parametrize(("layout", "encode"), ESCAPED, ids=[layout for layout, _ in ESCAPED])
@settings(max_examples=examples(8))
@given(st.sampled_from(NAMES), secrets("_-+/<"))
def test_an_encoded_value_is_replaced_whole(layout, encode, name, value):
    assert_replaced(layout.format(name=name, value=encode(value)), encode(value))


@pytest.mark.parametrize("layout", [*WRITTEN, *SPOKEN])
def test_a_layout_is_found_in_json_and_in_json_in_json(layout):
    text = layout.format(name="password", value="x4hunter2Z")

    for inner in (json.dumps({"note": text, "b": 1}), json.dumps([json.dumps({"note": text})])):
        assert_replaced(inner, "x4hunter2Z")
        assert may_hold_credentials(inner)


@pytest.mark.parametrize("layout", [one for one in WRITTEN if "{name}" in one])
def test_a_name_that_is_not_sensitive_keeps_its_value_in_every_layout(layout):
    text = layout.format(name="colour", value="x4hunter2Z")

    assert "x4hunter2Z" in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "password={",
        'password="',
        "password:",
        "cookie: a=b",
        '{"field":"password","to":',
        "%70assword%3D",
        "p\\u0061ssword=",
        "--password ",
    ],
)
def test_a_value_without_an_end_is_replaced_as_far_as_it_may_go(text):
    assert "hunter2" not in redact_text(text + "hunter2-x9")

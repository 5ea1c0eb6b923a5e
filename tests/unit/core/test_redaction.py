"""Redaction by name and by value, and the gate that saves the search."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.core.redaction import MAX_DEPTH, REDACTED, is_sensitive, may_hold_credentials, redact, redact_text

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
SECRETS = [
    JWT,
    AWS_KEY,
    "Bearer mF_9.B5f-4.1JqM",
    "bearer mF_9.B5f-4.1JqM",
    "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "378282246310005",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40) | st.sampled_from(SECRETS),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12) | st.just("email"), inner, max_size=4)
    ),
    max_leaves=20,
)


SPELLINGS = """
email Email EMAIL userEmail user_email user-email eMail emailAddress phone phone_number work-phone firstName first_name
FIRST-NAME First_Name lastname ipAddress ip_address IP-Address password userPassword PASSWORD password1 Authorization
Cookie Set-Cookie X-Api-Key apiKey api_key token access_token refreshToken clientSecret client-secret
aws_secret_access_key private_key cardNumber
"""


@pytest.mark.parametrize("name", SPELLINGS.split())
def test_a_sensitive_name_loses_its_value_in_any_spelling(name):
    assert is_sensitive(name)
    assert redact({"deep": [{name: "value"}]}) == {"deep": [{name: REDACTED}]}


@pytest.mark.parametrize(
    "name", ["emailVerified", "maxTokens", "promptTokens", "tokenCount", "name", "status", "phase"]
)
def test_a_name_that_only_resembles_keeps_its_value(name):
    assert redact({name: 3}) == {name: 3}


@pytest.mark.parametrize("secret", SECRETS)
def test_a_credential_inside_of_text_is_cut_out(secret):
    clean = redact({"note": f"before {secret} after"})

    assert clean["note"].startswith("before ")
    assert clean["note"].endswith(" after")
    assert secret not in clean["note"]
    assert REDACTED in clean["note"]


@pytest.mark.parametrize(
    "harmless",
    ["4111 1111 1111 1112", "1763699629123", "order 2024-08-21 0900", "a bearer of news", "Basic understanding", "eyJ"],
)
def test_what_is_no_credential_stays(harmless):
    assert redact({"note": harmless}) == {"note": harmless}


def test_a_card_number_that_travels_as_a_number_is_redacted_and_a_timestamp_is_not():
    assert redact({"a": 4111111111111111, "b": 1763699629123}) == {"a": REDACTED, "b": 1763699629123}


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


@given(_JSON)
def test_redacting_twice_is_redacting_once(value):
    clean = redact(value)

    assert redact(clean) == clean


@given(_JSON, st.booleans())
def test_where_the_gate_clears_a_text_the_search_would_have_found_nothing(value, ascii_only):
    raw = json.dumps(value, ensure_ascii=ascii_only)

    if not may_hold_credentials(raw):
        assert redact(value) == redact(value, search_values=False)


@pytest.mark.parametrize("secret", SECRETS)
def test_the_gate_never_clears_a_credential(secret):
    assert may_hold_credentials(json.dumps({"a": f"x {secret} y"}))
    assert may_hold_credentials('{"a": "' + "".join(f"\\u{ord(char):04x}" for char in secret) + '"}')
    assert may_hold_credentials(json.dumps({"a": json.dumps({"password": "x"})}))
    assert may_hold_credentials(json.dumps({"a": json.dumps({"password": "x"}, indent=2)}))


def test_json_in_text_in_json_in_text_counts_its_levels_together():
    value = "seen"
    for _ in range(17):
        value = "[" * 60 + json.dumps(value) + "]" * 60

    assert "seen" not in redact_text(value)


def test_levels_of_text_are_levels():
    inside = '{"note": "seen"}'

    assert redact_text(inside, MAX_DEPTH - 1) == inside
    assert redact_text(inside, MAX_DEPTH) == '"[REDACTED]"'

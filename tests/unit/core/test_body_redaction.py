"""Redaction in place: the same rules as for parsed values, and not a byte more than they take."""

import json
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chancery.core.body_redaction import JSON, TEXT, redact_bytes
from chancery.core.errors import ValidationFailed
from chancery.core.redaction import redact, redact_text, text_engine
from tests.profiles import examples
from tests.unit.core.redaction.secrets import FORMS, TEXTS, VALUES

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
CARD = "4111 1111 1111 1111"


def redacted(body: bytes) -> bytes:
    found = redact_bytes(body)
    assert len(b"".join(found)) == len(found)
    return b"".join(found)


@settings(max_examples=examples(300))
@given(VALUES, FORMS)
def test_json_stays_json(value, form):
    try:
        body = json.dumps([value, {"password": "x4hunter2Z"}], **form).encode()
    except UnicodeEncodeError:
        return

    clean = redact_bytes(body)

    assert clean.content_type == JSON
    assert json.loads(b"".join(clean))[-1] == {"password": "[REDACTED]"}


@given(VALUES, FORMS, TEXTS)
def test_redacting_twice_changes_nothing(value, form, before):
    for body in (json.dumps(value, **form), before + json.dumps(value, **form)):
        once = redacted(body.encode(errors="replace"))

        assert redacted(once) == once


@given(st.text() | VALUES.map(json.dumps))
def test_a_body_without_anything_to_redact_stays_byte_for_byte(text):
    body = text.encode(errors="replace")
    clean = redacted(body)

    assert b"[REDACTED]" in clean or clean == body


def test_only_the_values_are_replaced():
    body = b' {\r\n "n" : 1.10, "Password":{"a": ["x",{}]},\t"list":[ 1e5 , null,"\\u00e9" ], "token": null }\n'

    assert redacted(body) == body.replace(b'{"a": ["x",{}]}', b'"[REDACTED]"')
    assert redact_bytes(body).content_type == JSON


def test_a_pair_is_redacted_in_either_order():
    pairs = [
        {"value": {"x": CARD}, "name": "Authorization"},
        {"key": "Cookie", "value": "a"},
        {"value": f"{CARD} and the rest", "name": "Cookie"},
    ]

    found = json.loads(redacted(json.dumps(pairs).encode()))

    assert found == [{**pair, "value": "[REDACTED]"} for pair in pairs]


def test_a_key_is_the_same_however_it_is_escaped():
    body = b'{"\\u006eame": "Authorization", "v\\u0061lue": "seen", "p\\u0061ssword": "seen"}'

    assert b"seen" not in redacted(body)
    assert redact_bytes(body).content_type == JSON


def test_json_a_line_is_redacted_as_json_and_is_text():
    body = b'{"password": "hunter2"}\n{"password": "hunter3", "a": 1}\n'

    assert redacted(body) == b'{"password": "[REDACTED]"}\n{"password": "[REDACTED]", "a": 1}\n'
    assert redact_bytes(body).content_type == TEXT


@pytest.mark.parametrize(
    "body",
    [
        '{"password": "hunter2", "a": [1, 2,',
        '{"a": 1, "password": {"b": "hunter2"',
        '{"a": 1, "password": "hunter2',
        '{"a": 1, "password": ["hunter2" oops',
        '{"password": "hunter2"} and more',
        '{"password": "hunter2", }',
        '[{"password": "hunter2"}, 01]',
        '[{"password": "hunter2"}}',
        '{"password": "hunter2"]',
    ],
)
def test_json_that_breaks_off_is_redacted_as_far_as_it_goes(body):
    assert b"hunter2" not in redacted(body.encode())
    assert redact_bytes(body.encode()).content_type == TEXT


@pytest.mark.parametrize(
    "text",
    [
        f"send Bearer {TOKEN} now",
        f"bearer\u3000{TOKEN}",
        f"Zoë pays with {CARD}.",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQ9dQx7\n-----END RSA PRIVATE KEY-----",
        "AKIAIOSFODNN7EXAMPLE",
        '"quoted" ' + TOKEN,
        "[1, 2] " + TOKEN,
    ],
)
def test_text_is_searched_for_credentials(text):
    assert redacted(text.encode()).decode() == redact_text(text) != text


def test_a_string_of_megabytes_is_redacted_in_place_too():
    inner = json.dumps([{"password": "hunter2", "text": "x" * 10_000}] * 200)

    found = json.loads(redacted(json.dumps({"answer": inner}).encode()))

    assert json.loads(found["answer"]) == redact(json.loads(inner))


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"a": "\xc3"}', b"%PDF-1.7\n\xe2\xe3"])
def test_a_body_that_is_neither_json_nor_text_is_refused(body):
    with pytest.raises(ValidationFailed) as refused:
        redact_bytes(body)

    assert "UTF-8" in refused.value.errors[0].detail


@pytest.mark.parametrize("body", [b'["' + b'a","' * 40 + b'"]', b'[{"pwd":"x"}' + b',{"pwd":"x"}' * 40 + b"]"])
def test_a_body_with_too_many_values_to_redact_is_refused(monkeypatch, body):
    monkeypatch.setattr(text_engine, "MAX_EDITS", 20)

    if b"pwd" in body:
        with pytest.raises(ValidationFailed) as refused:
            redact_bytes(body)
        assert "values to redact" in refused.value.errors[0].detail
    else:
        assert redacted(body) == body


def test_overlapping_findings_are_one(monkeypatch):
    text = f"Bearer 4111111111111111{TOKEN} 4111 1111 1111 1111"

    assert redacted(text.encode()) == b"[REDACTED] [REDACTED]"


def test_the_head_is_the_beginning_of_the_stored_body():
    found = redact_bytes(b'{"password": "hunter2", "a": "' + b"x" * 3_000_000 + b'"}')

    whole = b"".join(found)
    assert [found.head(length) for length in (0, 20, 5000)] == [whole[:length] for length in (0, 20, 5000)]
    assert max(map(len, chain([b""], found))) <= 1024 * 1024

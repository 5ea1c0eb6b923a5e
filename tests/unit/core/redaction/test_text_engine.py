"""Text in place: JSON wherever it begins and breaks off, pairs of names and values, and nothing else."""

import json

import pytest
from hypothesis import given

from chancery.core.redaction import REDACTED, may_hold_credentials, redact, redact_text
from tests.growth import assert_linear
from tests.profiles import LONG
from tests.unit.core.redaction.secrets import PAIRS, TEXTS, VALUES

LONGEST = 10_000 if LONG else 2_000  # repetitions of a shape
SHAPES = [
    lambda n: '{"' * n,
    lambda n: "[" * n,
    lambda n: '{"a":' * (n // 2),
    lambda n: '["a' * n,
    lambda n: '{"a\\"' * n,
    lambda n: '{"a":"b' * n,
    lambda n: '["[' * n,
    lambda n: "[1 " * n,
    lambda n: '"' * n,
    lambda n: "password=" * n,
    lambda n: 'password="' * n,
    lambda n: "password={" * n,
    lambda n: "cookie:" * n,
    lambda n: "email: token: " * n,
    lambda n: "eyJ" * n,
    lambda n: "\\" * n,
    lambda n: "-----BEGIN " * n,
    lambda n: "://a:" * n,
    lambda n: "bearer " * n,
    lambda n: "4111 " * n,
    lambda n: "a=" * n,
    lambda n: "a" * n + "=",
    lambda n: '{"a":1} x\n' * n,
    lambda n: "password=x" + "\\" * n,
    lambda n: '"authorization: :' * n,
    lambda n: "a@b " + "://." * n,
    lambda n: '{"name":"password","a":{' * n,
    lambda n: '"path":["password",' * n,
    lambda n: "field=password " * n,
    lambda n: "<password " * n,
    lambda n: "- name: password\n" * n,
    lambda n: '"password":[{"a":' * n,
    lambda n: "password is (" * n,
    lambda n: "&quot;password&quot;" * n,
    lambda n: "%70assword%3D" * n,
    lambda n: "password=`\n" * n,
    lambda n: "password='\\'" * n,
]


@pytest.mark.parametrize("text", PAIRS)
def test_a_pair_in_text_loses_its_value(text):
    assert "hunter2" not in redact_text(text)
    assert may_hold_credentials(json.dumps({"a": text}))
    assert may_hold_credentials(json.dumps({"a": json.dumps([text])}, ensure_ascii=False))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://a.example/cb?token=abc&x=1#y", f"https://a.example/cb?token={REDACTED}&x=1#y"),
        ("postgres://app:p4ss@db:5432/x", f"postgres://app:{REDACTED}@db:5432/x"),
        ("Host: a\nAuthorization: Basic dXNlcjpwYXNz\nAccept: */*", f"Host: a\nAuthorization: {REDACTED}\nAccept: */*"),
        ("curl -H 'Cookie: a=b' https://a.example", f"curl -H 'Cookie: {REDACTED}' https://a.example"),
        (
            "{'password': 'x', 'tokens': 5, 'has_email': True}",
            f"{{'password': '{REDACTED}', 'tokens': 5, 'has_email': True}}",
        ),
        (
            'log: {"password": "x", "n": 1.10} and {"a": 1e5}',
            f'log: {{"password": "{REDACTED}", "n": 1.10}} and {{"a": 1e5}}',
        ),
        ('\ufeff{"password":"x"}', f'\ufeff{{"password":"{REDACTED}"}}'),
        ('{"password":"x"}\n{"a":18446744073709551616}', f'{{"password":"{REDACTED}"}}\n{{"a":18446744073709551616}}'),
        ('{"user":{"password":"x","email":"y"', f'{{"user":{{"password":"{REDACTED}","email":"{REDACTED}"'),
        ('ord":"x","password":"y","b":{"c":1}}', f'ord":"x","password":"{REDACTED}","b":{{"c":1}}}}'),
        ('{"password":"x","password":null}', f'{{"password":"{REDACTED}","password":null}}'),
        ('"{\\"password\\":\\"x\\"}"', f'"{{\\"password\\":\\"{REDACTED}\\"}}"'),
        ('{"password":x, "b":1}', f'{{"password":"{REDACTED}", "b":1}}'),
        ('{"pin": 1234, "b":1}', f'{{"pin": "{REDACTED}", "b":1}}'),
        ('{\\"pin\\": 1234}', f'{{\\"pin\\": \\"{REDACTED}\\"}}'),
        ('{"a":"é {\\"token\\":\\"x\\"} é"}', f'{{"a":"é {{\\"token\\":\\"{REDACTED}\\"}} é"}}'),
        ('{"name":"Authorization","value":"x"', f'{{"name":"Authorization","value":"{REDACTED}"'),
        ("[see 4111 1111 1111 1111]", f"[see {REDACTED}]"),
        ("[1, 4111 1111 1111 1111]", f"[1, {REDACTED}]"),
        ('Cookie: a={"b":1}; sid=x\nHost: a', f"Cookie: {REDACTED}\nHost: a"),
    ],
)
def test_only_the_values_are_replaced(text, clean):
    assert redact_text(text) == clean
    assert redact_text(clean) == clean


@pytest.mark.parametrize(
    "pair",
    [
        {"Name": "email", "Value": "x"},
        {"op": "replace", "path": "/email", "value": "x"},
        {"field": "email", "oldValue": "x", "newValue": "x"},
        {"key": "password", "old": "x", "new": "x"},
        {"header": "Set-Cookie", "values": ["x"]},
        {"parameter": "api_key", "new_value": {"a": "x"}},
        {"path": ["users", 0, "email"], "lhs": "x", "rhs": "x"},
        {"label": "Password", "val": "x"},
    ],
)
def test_a_pair_of_members_or_elements_is_redacted(pair):
    clean = redact(pair)

    assert '"x"' not in json.dumps(clean)
    assert json.loads(redact_text(json.dumps(pair))) == clean
    assert '"x"' not in redact_text("log " + json.dumps(pair)[:-1])


@pytest.mark.parametrize("pair", [{"name": "tokens", "value": 5}, {"name": "email", "value": True}, ["token", "x"]])
def test_what_is_no_pair_stays(pair):
    assert redact(pair) == pair
    assert redact_text(json.dumps(pair)) == json.dumps(pair)


def test_a_key_that_is_a_credential_is_redacted_and_stays_unique():
    keys = {"4111111111111111": 1, "5555555555554444": 2, "[REDACTED]": 3, "note": 4}
    clean = {"[REDACTED]": 1, "[REDACTED] 2": 2, "[REDACTED] 3": 3, "note": 4}

    assert redact(keys) == clean
    assert redact(keys, search_values=False) == keys


@given(VALUES)
def test_redacting_twice_is_redacting_once(value):
    once = redact(value)

    assert redact(once) == once


@given(TEXTS)
def test_a_text_is_redacted_once_and_for_all(text):
    once = redact_text(text)

    assert redact_text(once) == once


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape(12)[:12])
def test_long_texts_of_any_shape_are_redacted_once_and_for_all(shape):
    once = redact_text(shape(LONGEST))

    assert redact_text(once) == once


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape(12)[:12])
def test_work_grows_with_the_text_and_not_faster(shape):
    assert_linear(redact_text, shape, 2_000)


@pytest.mark.parametrize("between", [1, 30, 90, 100, 150, 400])
def test_a_name_at_the_end_of_a_long_run_of_letters_is_found(between):
    assert redact_text(f"password_{'x' * between}_password=hunter2") == f"password_{'x' * between}_password={REDACTED}"


def test_many_names_that_are_credentials_get_numbers():
    parsed = redact(credentials(5_000))

    assert len(parsed) == 5_000
    assert list(parsed)[:3] == [REDACTED, f"{REDACTED} 2", f"{REDACTED} 3"]
    assert_linear(redact, credentials, 500)


def credentials(count: int) -> dict[str, int]:
    """Names that are access keys."""
    return {"AKIA" + f"Q7ZR{number * 48271 + 172839456103}": number for number in range(count)}

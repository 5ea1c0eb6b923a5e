"""Credentials that are found by their structure."""

import random

import pytest

from tests import credential_samples as samples
from tests.unit.core.redaction.test_credential_formats import found

NUMBERS = random.Random(13)
JWT, JWE = samples.jwt(NUMBERS), samples.jwe(NUMBERS)
HEADER, PAYLOAD, SIGNATURE = JWT.split(".")
HIDDEN = "#"


def redacted(text: str) -> str:
    """The text with `#` for each thing that is found."""
    body, at = text.encode(), 0
    pieces: list[bytes] = []
    for start, end in sorted({span for span, _ in found(text)}, key=lambda span: (span[0], -span[1])):
        if start >= at:
            pieces += [body[at:start], HIDDEN.encode()]
        at = max(at, end)
    return b"".join([*pieces, body[at:]]).decode()


@pytest.mark.parametrize("token", [JWT, JWE, f"{HEADER}..{SIGNATURE}", f"{HEADER}.{PAYLOAD}.", f"{HEADER}.{PAYLOAD}"])
@pytest.mark.parametrize("around", ["{}", "session_{}, x{}", "a {}) b", "{}, then", "\\n{}\\n", "t={}&u=1"])
def test_a_jose_token_is_found_whole_whatever_it_is_glued_to(token, around):
    assert redacted(around.replace("{}", token)) == around.replace("{}", HIDDEN)


@pytest.mark.parametrize("token", [JWT, JWE])
@pytest.mark.parametrize("sign", ["", " now", ".", ",", ")"])
def test_what_follows_a_token_stays(token, sign):
    assert redacted(f"{token}{sign}") == f"{HIDDEN}{sign}"


def test_a_jose_header_may_be_long():
    header = samples.base64_of(b'{"alg":"RS256","x5c":["' + b"A" * 9000 + b'"]}', url=True)

    assert redacted(f"a {header}.{PAYLOAD}.{SIGNATURE} b") == f"a {HIDDEN} b"


def test_a_token_that_has_the_form_of_a_jwt_alone_is_found():
    token = samples.from_pattern(r"ey[A-Za-z0-9]{20}\.ey[\w/-]{20}\.[\w/-]{12}={0,2}", NUMBERS)

    assert redacted(f"a {token} b") == f"a {HIDDEN} b"


@pytest.mark.parametrize("harmless", ["eyJ", "eyJhbGciOi.example", "they.eyed it", "eyJub3Bl.b2JqZWN0", "money.eye"])
def test_what_begins_like_a_jose_token_stays(harmless):
    assert redacted(harmless) == harmless


@pytest.mark.parametrize(
    "text",
    [
        "Bearer mF_9.B5f-4.1JqM",
        "bearer mF_9.B5f-4.1JqM",
        "bEaReR\tabcdefgh12345",
        "Bearer abcdefghijklmnopqrstuv",
        "Bearer\u00a0abcdefgh12345",
        "Bearer%20abcdefgh12345",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ",
    ],
)
def test_schemes_of_http(text):
    assert redacted(f"before {text} after") == f"before {HIDDEN} after"
    assert redacted(f"'{text}'") == f"'{HIDDEN}'"


@pytest.mark.parametrize(
    "harmless",
    [
        "bearer bonds-2024",
        "a bearer of news",
        "The bearer certificate is presented",
        "was a ring bearer yesterday evening",
        "Bearer authentication",
        "Bearer token-based authentication",
        "Bearer <token>",
        "Bearer ${TOKEN}",
        "Bearer YOUR_ACCESS_TOKEN",
        "Bearer your-token-here",
        "Bearer https://a.example/b1c2d3e4f5",
        "forbearer a1b2c3d4e5f6",
        "Basic 24/7/365 support",
        "Requires basic HTML5/CSS3 knowledge",
        "Basic 12months plan",
        "Basic understanding",
        "basic Authentication",
    ],
)
def test_prose_with_the_words_of_schemes_stays(harmless):
    assert redacted(harmless) == harmless


@pytest.mark.parametrize(
    "label",
    [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
        "X25519 PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "OpenVPN Static key V1",
    ],
)
def test_private_keys_in_pem(label):
    key = samples.pem(NUMBERS, label)

    for form in (key, key.replace("\n", "\\n"), key.replace("\n", "\r\n"), key.replace("\n", "\\\\n")):
        assert redacted(f"a {form} b") == f"a {HIDDEN} b"
    assert redacted(f"{key}\n{key}") == f"{HIDDEN}\n{HIDDEN}"


def test_a_private_key_that_is_cut_off_is_covered_as_far_as_it_goes():
    key = samples.pem(NUMBERS)

    for end in range(60, len(key), 7):
        clean = redacted(key[:end])
        assert clean.startswith(HIDDEN) and clean[1:] in key[key.index("\n-----END") :]


def test_a_private_key_with_headers():
    key = samples.pem(NUMBERS).replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B2C\n\n", 1)

    assert redacted(key) == HIDDEN
    assert redacted(key[: len(key) - 40]) == HIDDEN


@pytest.mark.parametrize(
    "harmless",
    [
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END PUBLIC KEY-----",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----",
        "It begins with -----BEGIN PRIVATE KEY----- in the first line.",
    ],
)
def test_what_is_no_private_key_stays(harmless):
    assert redacted(harmless) == harmless


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("mongodb+srv://admin:hunter2@cluster0.example/db", "mongodb+srv://admin:#@cluster0.example/db"),
        ("redis://:hunter2@a.example", "redis://:#@a.example"),
        ("postgres://u:hun/ter2@localhost/db", "postgres://u:#@localhost/db"),
        ("https://u:p@ss@a.example/?q=a@b.example", "https://u:#@a.example/?q=a@b.example"),
        ("machine a.example login me password hunter2", "machine a.example login me password #"),
        ("curl -u me:hunter2 https://a.example", "curl -u # https://a.example"),
        ("curl --user 'me:hun ter2' https://a.example", "curl --user '#' https://a.example"),
        ('curl -sS \\\n  -u"me:hunter2" a.example', 'curl -sS \\\n  -u"#" a.example'),
        ("https://a.example/b?sv=1&sig=aB3dE5gH7jK9mN1pQ3sT5v%3D&se=2", "https://a.example/b?sv=1&sig=#&se=2"),
    ],
)
def test_passwords_and_signatures(text, clean):
    assert redacted(text) == clean

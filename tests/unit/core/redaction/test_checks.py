"""Checksums and encodings that decide whether a text is a credential."""

import random

import pytest

from chancery.core.redaction import checks
from tests import credential_samples as samples

NUMBERS = random.Random(11)


def changed(text: str) -> str:
    """The text with another letter in its middle."""
    middle = len(text) // 2
    return text[:middle] + ("7" if text[middle] != "7" else "8") + text[middle + 1 :]


@pytest.mark.parametrize(
    ("check", "make"),
    [
        (checks.has_crc32, lambda: samples.with_crc32("ghp" + "_", NUMBERS)),
        (checks.has_crc32, lambda: samples.with_crc32("npm" + "_", NUMBERS)),
        (checks.is_base58check, lambda: samples.extended_private_key(NUMBERS)),
        (checks.is_bech32, lambda: samples.bech32("nsec", NUMBERS)),
        (lambda text: bool(list(checks.ibans(text))), lambda: samples.iban(NUMBERS)),
    ],
)
def test_a_checksum_tells_a_token_from_one_with_a_changed_character(check, make):
    for _ in range(50):
        token = make()
        assert check(token.encode())
        assert not check(changed(token).encode())


def test_published_examples_of_checksums():
    assert checks.is_bech32(b"A12UEL5L") and checks.is_bech32(
        b"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs"
    )
    assert not checks.is_bech32(b"A1G7SGD8") and not checks.is_bech32(b"bio")
    assert list(checks.ibans(b"to GB82 WEST 1234 5698 7654 32 now")) == [(3, 30)]


@pytest.mark.parametrize(("country", "length"), [("DE", 22), ("NO", 15), ("FR", 27), ("MT", 31), ("NL", 18)])
@pytest.mark.parametrize("around", ["{}", "IBAN {} from May", "({})", "x={};"])
def test_ibans_are_found_whole_and_in_groups(country, length, around):
    iban = samples.iban(NUMBERS, country, length)
    groups = " ".join(iban[at : at + 4] for at in range(0, length, 4))

    for form in (iban, groups):
        text = around.format(form)
        assert [text[start:end] for start, end in checks.ibans(text.encode())] == [form]


@pytest.mark.parametrize("no_iban", ["DE00 0000 0000 0000 0000 00", "XX82 WEST 1234 5698 7654 32", "GB82 WEST 1234"])
def test_what_is_no_iban_stays(no_iban):
    assert not list(checks.ibans(no_iban.encode()))


@pytest.mark.parametrize(
    "words",
    ["bonds-2024", "some_setting", "camelCaseName", "HTML5/CSS3", "OAuth2.0", "12months", "RFC6750", "APIs", "a", ""],
)
def test_words(words):
    assert checks.is_words(words.encode())


@pytest.mark.parametrize(
    "token", ["mF_9.B5f-4.1JqM", "abcdefgh12345", "a1b2c3d4e5", "abcdefghijklmnopqrstuv", "x9Kd0PqZ"]
)
def test_what_is_no_words(token):
    assert not checks.is_words(token.encode())


@pytest.mark.parametrize("text", ["QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "QWxhZGRpbjpvcGVuIHNlc2FtZQ", "dTpw"])
def test_base64_of_a_user_and_a_password(text):
    assert checks.is_user_and_password(text.encode())


@pytest.mark.parametrize("text", ["24/7/365", "HTML5/CSS3", "12months", "training", "YQ==", "Og==", "!", ""])
def test_other_base64_is_none(text):
    assert not checks.is_user_and_password(text.encode())


def test_a_jose_header_is_an_object():
    assert checks.is_jose_header(b"eyJhbGciOiJub25lIn0")
    assert (
        not checks.is_jose_header(b"eyJhbGciOi")
        and not checks.is_jose_header(b"WzFd")
        and not checks.is_jose_header(b"")
    )

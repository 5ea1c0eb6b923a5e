"""E-mail addresses, phone numbers and IBANs in any string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.core.detectors import detector_of
from chancery.core.redaction import redact, redact_text
from tests.growth import assert_linear

EVERYTHING = detector_of({"freeText": {"emailAddresses": True, "phoneNumbers": True, "ibans": True}})
ADDRESSES = (
    "ada@x.io",
    "ada.l+news@mail.example.co.uk",
    "jörg@bücher.example",
    "O'Neil@x.io",
    '"a b"@x.io',
    "ada@[192.168.0.1]",
)
PHONES = (
    "+49 30 901820",
    "+4930901820",
    "+1 (555) 123-4567",
    "+442079460958",
    "+33 1 42 68 53 00",
    "+49 (0)30 901820",
    "0049 30 901820",
    "(030) 901820",
    "(555) 123-4567",
    "555-123-4567",
    "212.555.0187",
    "1-800-555-0199",
    "020 7946 0958",
    "01 42 68 53 00",
    "0151-23456789",
    "030 / 90 18 20",
)
IBANS = ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "NO93 8601 1117 947")
HARMLESS = (
    "2026-11-27",
    "27.11.2026 03:04",
    "01-02-2026",
    "01/02/2026",
    "2026-11-27T17:39:20.936Z",
    "12:30:45",
    "+00:00",
    "v1.2.3.4567",
    "1 234 567,00",
    "1,234,567.00 EUR",
    "+1500000",
    "+12.5 %",
    "192.168.100.200",
    "10.0.0.1:8080",
    "12345678",
    "0123456789",
    "order 20261127123",
    "ISBN 978-3-16-148410-0",
    "550e8400-e29b-41d4-a716-446655440000",
    "52.520008, 13.404954",
    "1.2.840.113549.1.1.11",
    "https://x.io/555-123-4567",
    "DE89 3704 0044 0532 0130 01",
    "icon@2x.png",
    "@scope/pkg@2.0.0",
    "a@b",
    "@user",
)


@pytest.mark.parametrize("text", [*ADDRESSES, *PHONES, *IBANS])
@pytest.mark.parametrize("around", ["{}", "write to {} today", "({}), and", "<{}>", "contact: {}.", "{}\nnext"])
def test_it_is_found_whole(text, around):
    assert redact_text(around.format(text), EVERYTHING) == around.format("[REDACTED]")


@pytest.mark.parametrize("text", [*ADDRESSES[:2], *PHONES, *IBANS])
def test_it_is_off_by_default(text):
    assert redact_text(f"write to {text} today") == f"write to {text} today"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_resembles_it_stays(text):
    assert redact_text(f"see {text} today", EVERYTHING) == f"see {text} today"


@pytest.mark.parametrize("option", ["emailAddresses", "phoneNumbers", "ibans"])
def test_each_option_is_its_own(option):
    texts = {"a": "ada@x.io", "b": "+49 30 901820", "c": IBANS[0]}
    key = {"emailAddresses": "a", "phoneNumbers": "b", "ibans": "c"}[option]

    clean = redact(texts, using=detector_of({"freeText": {option: True}}))

    assert clean == texts | {key: "[REDACTED]"}


def test_it_is_found_in_names_and_in_escaped_text_too():
    value = {"ada@x.io": 1, "next": "?to=ada%40x.io", "url": "https://x.io/u?mail=ada@x.io&n=1"}

    clean = redact(value, using=EVERYTHING)

    assert clean == {"[REDACTED]": 1, "next": "?to=[REDACTED]", "url": "https://x.io/u?mail=[REDACTED]&n=1"}


@given(st.text(alphabet="aZ0123456789@.+-() /:éü\"'=", max_size=200))
def test_redacting_twice_changes_nothing(text):
    clean = redact_text(text, EVERYTHING)

    assert redact_text(clean, EVERYTHING) == clean


@pytest.mark.parametrize("piece", ["a@", "+49", "030 ", "0" * 7, "x@a.", "1 ", "(0", '"@', "DE89", "a" * 9])
def test_time_grows_with_the_text(piece):
    assert_linear(EVERYTHING.edits, lambda size: (piece * (size // len(piece))).encode(), 40_000)

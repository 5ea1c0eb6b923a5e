"""Values that are credentials or card numbers whatever their name."""

import random
import uuid
from datetime import datetime, timedelta

import pytest

from chancery.core.redaction import REDACTED, may_hold_credentials, redact, redact_text
from chancery.core.redaction.credentials import is_card_number
from tests.unit.core.redaction.secrets import CARDS, CREDENTIALS, JWE, JWT, SECRETS


@pytest.mark.parametrize("secret", SECRETS)
def test_a_credential_inside_of_text_is_cut_out(secret):
    assert redact_text(f"before {secret} after") == f"before {REDACTED} after"


@pytest.mark.parametrize("secret", CREDENTIALS[:4])
def test_a_token_is_found_whole_whatever_it_is_glued_to(secret):
    assert redact_text(f"session_{secret}, x{secret}") == f"session_{REDACTED}, x{REDACTED}"


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("around", ["{} 12/27", "{} 123", "2 {}", "1234 {}", "2234 {}", "{},{}", "pan={}", ";{}=2512"])
def test_a_card_is_found_among_other_digits(card, around):
    assert card not in redact_text(around.format(card, card))


@pytest.mark.parametrize(
    "harmless",
    [
        "4111 1111 1111 1112",
        "1763699629123",
        "order 2024-08-21 0900",
        "a bearer of news",
        "Basic understanding",
        "eyJ",
        "The bearer certificate is presented",
        "was a ring bearer yesterday evening",
        "IMEI 356938035643809",
        "GTIN 5901234123457",
        "EAN 4006381333931",
        "ISBN 978-3-16-148410-0",
        "0.5105105105105100",
        "4 1 1 1-1-1-1 1 1",
        "4111-1111 1111-1111",
        "https://a.example:8080/b?c=d",
        "arn:aws:secretsmanager:eu-west-1:1:secret:name",
        "risk-",
        "secret:1",
        "email:welcome",
        "hasPassword=true",
        "tokens: 512",
        "12:00:00Z",
        "blog_post.approved",
        "x = y: z",
    ],
)
def test_what_is_no_credential_stays(harmless):
    assert redact({"note": harmless}) == {"note": harmless}


def test_ids_and_times_are_no_cards():
    numbers, day = random.Random(7), datetime(2025, 11, 21)
    ids = [str(uuid.UUID(int=numbers.getrandbits(128), version=4)) for _ in range(50_000)]
    times = [(day + timedelta(seconds=second)).strftime("%Y%m%d%H%M%S") for second in range(86_400)]

    assert redact_text(" ".join(ids)) == " ".join(ids)
    assert redact_text(" ".join(times)) == " ".join(times)
    assert not any(is_card_number(int(time)) for time in times)


@pytest.mark.parametrize("number", [4111111111111111, -4111111111111111, 4111111111111111.0])
def test_a_card_number_that_travels_as_a_number_is_redacted(number):
    assert redact({"a": number, "b": 1763699629123, "c": 1.5}) == {"a": REDACTED, "b": 1763699629123, "c": 1.5}


@pytest.mark.parametrize(
    "spelling", ["4111111111111111.0", "4.111111111111111e15", "4.111111111111111E+15", "-41111111111111.11e2"]
)
def test_the_gate_knows_every_spelling_of_a_number(spelling):
    assert may_hold_credentials(f'{{"a":{spelling}}}')


@pytest.mark.parametrize("sign", ["", " now", ".", ",", ")"])
def test_what_follows_a_token_stays(sign):
    assert redact_text(f"{JWT}{sign}") == f"{REDACTED}{sign}"
    assert redact_text(f"{JWE}{sign}") == f"{REDACTED}{sign}"

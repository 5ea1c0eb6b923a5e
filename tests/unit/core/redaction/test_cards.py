"""Payment card numbers are found in every usual spelling, and ids, times and tables of numbers are none."""

import random
import uuid
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from chancery.core.redaction.cards import is_card, is_card_number, spans
from tests import credential_samples as samples

NUMBERS = random.Random(17)
ISSUED = [
    ("4", 16), ("4", 19), ("51", 16), ("2223", 16), ("34", 15), ("37", 15), ("300", 14), ("36", 14), ("6011", 16),
    ("3528", 16), ("62", 19), ("6304", 19), ("2201", 16), ("8100", 16),
]  # fmt: skip
SEPARATORS = [
    " ",
    "-",
    ".",
    "+",
    "\t",
    " - ",
    "%20",
    *"\u00a0\u2007\u2009\u202f\u3000\u2010\u2011\u2012\u2013\u2014\u2212",
]
AROUND = [
    "{}",
    "{} 12/27",
    "{} 123",
    "2 {}",
    "1234 {}",
    "2234 {}",
    "{},{}",
    "pan={}",
    ";{}=2512",
    "{}.",
    "({})",
    "\u5361{}",
]


def left(text: str) -> str:
    """The text without its card numbers."""
    body = text.encode()
    for start, end in sorted(spans(body), reverse=True):
        body = body[:start] + body[end:]
    return body.decode()


@pytest.mark.parametrize(("prefix", "length"), ISSUED)
@pytest.mark.parametrize("around", AROUND)
def test_a_card_is_found_among_other_digits(prefix, length, around):
    card = samples.card(NUMBERS, prefix, length)

    assert left(around.replace("{}", card)) == around.replace("{}", "")


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize(
    "around", ["{}", "card {} and {}", "{} 12/27", "2 {}", "1234 {}", "https://a.example/?q={}&b=1"]
)
def test_a_card_in_groups_is_found(separator, around):
    card = samples.card(NUMBERS, "45")
    grouped = separator.join(card[at : at + 4] for at in range(0, 16, 4))

    assert left(around.replace("{}", grouped)) == around.replace("{}", "")


def test_other_groupings_are_found():
    amex, diners, union_pay = (samples.card(NUMBERS, *issued) for issued in (("37", 15), ("36", 14), ("62", 19)))

    for card, cuts in ((amex, (4, 10)), (diners, (4, 10)), (union_pay, (6, 6)), (union_pay, (4, 8, 12, 16))):
        places = [0, *dict.fromkeys(cuts), len(card)]
        grouped = " ".join(card[a:b] for a, b in pairwise(places))
        assert left(f"a {grouped} b") == "a  b"


def test_three_cards_in_a_row_are_found():
    cards = [samples.card(NUMBERS, "4") for _ in range(3)]

    assert left(" ".join(cards)) == "  "
    assert not any(
        map(str.isdigit, left(" ".join(" ".join(card[at : at + 4] for at in range(0, 16, 4)) for card in cards)))
    )


@pytest.mark.parametrize(
    "harmless",
    [
        "4111 1111 1111 1112",
        "1763699629123",
        "order 2024-08-21 0900",
        "IMEI 356938035643809",
        "GTIN 5901234123457",
        "EAN 4006381333931",
        "ISBN 978-3-16-148410-0",
        "0.5105105105105100",
        "4 1 1 1-1-1-1 1 1",
        "4111-1111 1111-1111",
        "x4111111111111111",
        "4111111111111111x",
        "41111111111111111111",
        "https://www.example.com/permalink.php?story_fbid=4539148803436467&id=1",
        "www.example.com/posts/4539148803436467",
        "example.com/posts/4539148803436467",
        "<https://a.example/4111111111111111>",
    ],
)
def test_what_is_no_card_stays(harmless):
    assert left(harmless) == harmless


def test_a_number_behind_a_url_is_found():
    assert left("https://a.example/b 4111111111111111") == "https://a.example/b "


def test_a_table_of_numbers_stays():
    numbers = [str(NUMBERS.randrange(4000, 5000)) for _ in range(1000)]

    assert left(" ".join(numbers)) == " ".join(numbers)


def test_ids_and_times_are_no_cards():
    day = datetime(2025, 11, 21)
    ids = " ".join(str(uuid.UUID(int=NUMBERS.getrandbits(128), version=4)) for _ in range(5_000))
    times = [(day + timedelta(seconds=second)).strftime("%Y%m%d%H%M%S") for second in range(86_400)]

    assert left(ids) == ids
    assert left(" ".join(times)) == " ".join(times)
    assert not any(is_card_number(int(time)) for time in times[::200])


def test_many_numbers_are_checked_like_one():
    numbers = [b"%d" % NUMBERS.randrange(4 * 10**15, 6 * 10**15) for _ in range(2000)]
    text = b"\n".join(numbers)

    assert {text[start:end] for start, end in spans(text)} == {number for number in numbers if is_card(number)}


@pytest.mark.parametrize("number", [4111111111111111, -4111111111111111, 4111111111111111.0])
def test_a_json_number_that_is_a_card(number):
    assert is_card_number(number)


@pytest.mark.parametrize("number", [1763699629123, 1.5, 4111111111111112, 10**30, 0.4111111111111111, True])
def test_a_json_number_that_is_none(number):
    assert not is_card_number(number)

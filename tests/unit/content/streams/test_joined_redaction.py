"""A secret that is written in pieces leaves no piece behind."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chancery.content.streams.joined_redaction import redact_joined
from chancery.core.redaction.text_engine import detector
from tests.credential_samples import jwt

TOKEN = "ghp_" + "x7Kp2mQ9" * 5


def redacted(*pieces: str) -> list[str]:
    return redact_joined(pieces, detector())


def test_a_marker_stands_where_the_secret_begins_and_the_rest_is_gone():
    assert redacted("the token ghp_", TOKEN[4:20], TOKEN[20:] + ", then") == ["the token [REDACTED]", "", ", then"]
    assert redacted("password: hun", "ter2 and more") == ["password: [REDACTED]", " and more"]


def test_harmless_pieces_stay_as_they_are():
    pieces = ["Why ", "SEO mat", "ters", "", "\ud83d", "."]

    assert redacted(*pieces) == pieces


def test_what_goes_on_with_a_secret_that_was_redacted_before_is_gone():
    assert redacted("the token [REDACTED]", "x7Kp2m", "Q9 is new") == ["the token [REDACTED]", "", " is new"]
    assert redacted("the token [REDACTED]", ". Then") == ["the token [REDACTED]", ". Then"]


@given(st.lists(st.integers(0, 400), max_size=8), st.sampled_from(["the key {} is new", "token={}", "a {}\nb"]))
def test_however_a_text_is_cut_no_part_of_its_secret_is_left(cuts, place):
    secret = jwt(random.Random(5))
    text = place.format(secret)
    places = sorted({0, len(text), *(cut % len(text) for cut in cuts)})
    pieces = [text[start:end] for start, end in pairwise(places)]

    clean = redacted(*pieces)

    assert len(clean) == len(pieces)
    assert "".join(clean) == place.format("[REDACTED]")
    assert redact_joined(clean, detector()) == clean

"""Encoded text reads as what it stands for, and each part of it knows where it comes from."""

import json
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.core.redaction.views import decoded

ENCODINGS = [
    lambda text: quote(text, safe=""),
    lambda text: escape(text, quote=True),
    lambda text: json.dumps(text)[1:-1],
    lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    lambda text: "".join(chr(ord(char) + 0xFEE0) for char in text),
]


@pytest.mark.parametrize("encode", ENCODINGS)
def test_one_level_is_undone(encode):
    text = 'password="a/b"'
    view = decoded(encode(text).encode())

    assert view is not None
    assert view.text.decode() == text


@pytest.mark.parametrize("text", ["plain text", "100% sure", "a & b", "caf\u00e9 \u2014 d\u00e9j\u00e0 vu", "C:\\dir"])
def test_text_that_is_not_encoded_has_no_view(text):
    assert decoded(text.encode()) is None


@pytest.mark.parametrize("encode", ENCODINGS)
@given(st.text("ab\"'<>=:&/ \n", min_size=1, max_size=12), st.text("xy ", max_size=5))
def test_a_part_of_a_view_comes_from_its_part_of_the_text(encode, inner, around):
    text = f"{around}{encode(inner)}{around}".encode()
    view = decoded(text)
    if view is None:
        return

    for at in range(len(view.text)):
        start, end = view.source(at), view.source(at + 1)
        assert start < end
        part = decoded(text[start:end])
        assert (part.text if part else text[start:end]) == view.text[at : at + 1]


def test_what_cannot_be_seen_is_left_out():
    view = decoded("pass\u00adwo\u200brd".encode())

    assert view is not None
    assert view.text == b"password"
    assert (view.source(0), view.source(8)) == (0, len("pass\u00adwo\u200brd".encode()))

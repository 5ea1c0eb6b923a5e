"""Values as they are typeset."""

import pytest

from chancery.contracts.values import digest, typeset_value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('#import "x" *b* $x$ <b> @r \\ {{plan}}', '#import "x" *b* $x$ <b> @r \\ {{plan}}'),
        ("a\r\nb\tc\x07d\x85e", "a b c d e"),
        ("a\u202eb\u2066c\u2069", "abc"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("\ufa19", "\ufa19"),
    ],
)
def test_values_are_typeset_unchanged_but_for_control_characters(value, text):
    assert typeset_value(value)["text"] == text


def test_long_words_may_break():
    assert typeset_value("W" * 44)["text"] == "W" * 44
    broken = typeset_value("W" * 300)["text"]
    assert max(map(len, broken.split("\u200b"))) == 8
    assert broken.replace("\u200b", "") == "W" * 300


@pytest.mark.parametrize("cluster", ["e\u0301", "\u0915\u094d\u0937", "\u0928\u093f", "\u0645\u200d\u0645"])
def test_no_line_break_falls_inside_of_a_grapheme(cluster):
    pieces = str(typeset_value(cluster * 40)["text"]).split("\u200b")

    assert len(pieces) > 1
    assert all(piece == cluster * (len(piece) // len(cluster)) for piece in pieces)


@pytest.mark.parametrize(
    ("value", "language"),
    [("株式会社さくら", "ja"), ("서울", "ko"), ("上海有限公司", "zh"), ("Acme", None), ("شركة", None)],
)
def test_the_language_chooses_between_forms_of_characters(value, language):
    assert typeset_value(value)["lang"] == language


def test_the_digest_is_over_the_canonical_form():
    assert digest({"b": "2", "a": "1"}) == digest({"a": "1", "b": "2"})

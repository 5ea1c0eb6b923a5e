"""Words and characters in many scripts."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.content.outputs.counting import characters, platform_counts, words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \n\t—–…!?#*_-", 0),
        ("one", 1),
        ("Why SEO matters, in 2026.", 5),
        ("# Heading\n\n* item **bold** _it_\n\n| a | b |", 6),
        ("don't it’s well-known rock-'n'-roll", 6),
        ("snake_case 3.14", 4),
        ("naïve nai\u0308ve co\u00adoperate zero\u200bwidth", 4),
        ("Привет, мир! Γειά σου", 4),
        ("שָׁלוֹם עולם مَرْحَبًا", 3),
        ("हिन्दी भाषा", 2),
        ("日本語", 3),
        ("カタカナ と ひらがな", 9),
        ("中文 and English", 4),
        ("한국어 문장", 2),
        ("ภาษาไทย", 1),
        ("👩‍👩‍👧 ❤️ 🇨🇭", 0),
        ("𝐛𝐨𝐥𝐝 𠀀𠀁", 3),
    ],
)
def test_words(text, count):
    assert words(text) == count


@given(st.lists(st.text("abcéяß5", min_size=1), max_size=20), st.sampled_from([" ", "\n", ", ", " — ", "... "]))
def test_as_many_words_as_were_written(written, between):
    assert words(between.join(written)) == len(written)


def test_characters_are_code_points_in_nfc():
    assert [characters(text) for text in ("", "abc", "Zoe\u0308", "日本", "👩‍👩‍👧")] == [0, 3, 3, 2, 5]


@pytest.mark.parametrize(
    ("content", "counts"),
    [
        ("plain text", {"x": 10, "linkedin": 10}),
        ({"x": "12345", "other": "no"}, {"x": 5, "linkedin": 26}),
        ({"posts": {"x": ["1", "123"], "linkedin": {"text": "1234567", "tags": ["a", "b"]}}}, {"x": 3, "linkedin": 7}),
        ([{"platform": "x", "text": "1234"}, {"platform": "linkedin", "text": "12"}], {"x": 4, "linkedin": 2}),
        ('{"x": "cut o', {"x": 12, "linkedin": 12}),
    ],
)
def test_each_platform_is_counted_by_its_own_text(content, counts):
    text = content if isinstance(content, str) else orjson.dumps(content).decode()

    assert platform_counts(text, dict.fromkeys(counts)) == counts

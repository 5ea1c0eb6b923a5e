"""JSON from outside: keys given twice, halves of surrogate pairs, byte order marks, numbers that are none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.core.errors import ValidationFailed
from chancery.core.formats.json_text import read_json, read_json_leniently

CARD = "4111111111111111"
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def problems(text: bytes | str) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as refused:
        read_json(text)
    return [(error.pointer, error.detail) for error in refused.value.errors]


@given(VALUES, st.booleans(), st.booleans())
def test_any_json_is_read_as_it_is(value, escaped, spaced):
    text = json.dumps(value, ensure_ascii=escaped, indent=1 if spaced else None)

    assert read_json(text) == read_json(text.encode()) == value


@given(VALUES, st.text(), VALUES, VALUES)
def test_a_key_twice_is_found_anywhere(around, key, first, second):
    twice = f"{{{json.dumps(key)}: {json.dumps(first)}, {json.dumps(key, ensure_ascii=False)}: {json.dumps(second)}}}"

    with pytest.raises(ValidationFailed):
        read_json(f"[{json.dumps(around)}, {twice}]")


@pytest.mark.parametrize(
    ("text", "pointers"),
    [
        ('{"a": 1, "a": 1}', ["/a"]),
        ('{"a": 1, "b": 2, "a": 3, "a": 4}', ["/a", "/a"]),
        ('{"a": {"b": [{}, {"c": 1, "c": 2}]}}', ["/a/b/1/c"]),
        ('{"a": 1, "\\u0061": 2}', ["/a"]),
        ('{"": 1, "": 2}', ["/"]),
        ('{"a/~": 1, "a/~": 2}', ["/a~1~0"]),
        (f'{{"{CARD}": 1, "{CARD}": 2}}', ["/[REDACTED]"]),
        ('{"a": 1, "a": "\\u003a"}', ["/a"]),  # an escaped colon in place of the one that is lost
        ('{"a": "\\u003a\\u003A", "b": ":::", "b": ""}', ["/b"]),
        ('{"a":' * 500 + '{"b": 1, "b": 2}' + "}" * 500, ["/a" * 500 + "/b"]),
    ],
)
def test_a_key_twice_is_named_by_its_place(text, pointers):
    assert [pointer for pointer, _ in problems(text)] == pointers
    assert [pointer for pointer, _ in problems(text.encode())] == pointers


@pytest.mark.parametrize("text", ['{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}', '{"a": "\\u003a", "b": {"a": ":"}}'])
def test_a_key_in_several_objects_is_no_key_twice(text):
    assert read_json(text) == json.loads(text)


def test_no_more_than_a_hundred_keys_are_named():
    assert len(problems("{" + ", ".join(['"a": 1'] * 1000) + "}")) == 100


def test_the_last_value_counts_where_keys_twice_are_not_refused():
    assert read_json_leniently('{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        ("cut \\ud83d", "cut \ufffd"),
        ("\\ude00 cut", "\ufffd cut"),
        ("\\uD83D\\uD83D\\uDE00", "\ufffd😀"),
        ("\\ud83d\\u0041", "\ufffdA"),
        ("\\ud83d\\ude00", "😀"),
        ("\\\\ud83d", "\\ud83d"),
        ("\\\\\\ud83d", "\\\ufffd"),
        ("\\ud83d\\n", "\ufffd\n"),
    ],
)
def test_half_a_surrogate_pair_is_a_replacement_character(escaped, text):
    written = f'{{"{escaped}": "{escaped}"}}'

    assert read_json(written) == read_json(written.encode()) == {text: text}


@given(
    st.lists(st.sampled_from(["x", "é", "\\n", "\\\\", "\\u0041", "\\ud83d", "\\ude00", "\\uD83D\\uDE00", "\\u00e9"]))
)
def test_halves_are_replaced_as_by_a_decoder_of_utf_16(parts):
    written = f'"{"".join(parts)}"'

    expected = json.loads(written).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert read_json(written) == read_json(written.encode()) == expected


def test_half_a_surrogate_pair_in_a_text_of_python_is_replaced_too():
    assert read_json('["\ud83d", "\ud83d\ude00"]') == ["\ufffd", "😀"]


def test_two_keys_that_are_the_same_after_replacement_are_a_key_twice():
    assert [pointer for pointer, _ in problems('{"\\ud83d": 1, "\\ud83e": 2}')] == ["/\ufffd"]


def test_a_byte_order_mark_before_the_text_is_ignored_and_one_within_it_is_content():
    assert read_json(b'\xef\xbb\xbf{"a": 1}') == read_json('\ufeff{"a": 1}') == {"a": 1}
    assert read_json('"\ufeff"') == "\ufeff"
    assert problems(b'\xef\xbb\xbf\xef\xbb\xbf{"a": 1}') != []


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "[-Infinity]", "[1e999]", "[-1e400]", "", "{'a': 1}", "[1,]"])
def test_other_text_is_refused_with_its_place_and_without_a_word_of_it(text):
    ((pointer, detail),) = problems(text)

    assert pointer == ""
    assert detail.startswith("is not valid JSON in UTF-8 (line 1, column ")


def test_bytes_that_are_not_utf_8_are_refused():
    assert problems(b'"\xff"')[0][1].startswith("is not valid JSON in UTF-8")
    assert problems(b'"\xed\xa0\xbd"')[0][1].startswith("is not valid JSON in UTF-8")

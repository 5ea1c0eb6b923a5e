"""ULIDs of now, of a source, and before another; identifiers that look like no other."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from chancery.core.formats.identifiers import (
    identifier_of,
    is_identifier,
    new_ref_id,
    ref_id_before,
    ref_id_of,
    ref_id_of_item,
    ref_id_of_name,
    without_hidden,
)

HIDDEN = {
    "soft hyphen": "\xad",
    "C1": "\x85",
    "no-break space": "\xa0",
    "combining grapheme joiner": "\u034f",
    "Arabic letter mark": "\u061c",
    "Hangul filler": "\u115f",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "right-to-left mark": "\u200f",
    "line separator": "\u2028",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "isolate": "\u2066",
    "blank Braille pattern": "\u2800",
    "ideographic space": "\u3000",
    "half-width Hangul filler": "\uffa0",
    "variation selector": "\ufe0f",
    "byte order mark": "\ufeff",
    "half a surrogate pair": "\ud83d",
    "tag": "\U000e0041",
}
MOMENTS = st.integers(0, 2**48 - 1)


@given(MOMENTS, st.text())
def test_a_source_has_the_same_id_each_time_and_the_moment_is_in_it(milliseconds, source):
    assert ref_id_of(milliseconds, source) == ref_id_of(milliseconds, source)
    assert ULID.from_str(ref_id_of(milliseconds, source)).milliseconds == milliseconds


@given(MOMENTS, MOMENTS, st.text(), st.text())
def test_ids_sort_by_their_moment_and_differ_by_their_source(first, second, source, other):
    if first != second:
        assert (ref_id_of(first, source) < ref_id_of(second, other)) == (first < second)
    assert (ref_id_of(first, source) == ref_id_of(first, other)) == (source == other)


@given(MOMENTS, MOMENTS, st.text())
def test_the_id_before_another_is_the_first_of_its_moment(milliseconds, before, source):
    earlier = ref_id_before(ref_id_of(milliseconds, source), before)

    assert ULID.from_str(earlier).milliseconds == max(milliseconds - before, 0)
    assert earlier.endswith("0" * 16)


def test_ref_ids_are_ulids_of_now_in_the_order_of_their_making():
    before = time.time_ns() // 1_000_000

    ids = [new_ref_id() for _ in range(5000)]  # many of the same millisecond

    assert ids == sorted(set(ids))
    assert before <= ULID.from_str(ids[0]).milliseconds <= ULID.from_str(ids[-1]).milliseconds <= time.time() * 1000


@given(MOMENTS, st.text(), st.integers(0, 2**20 - 2))
def test_the_items_of_a_source_sort_by_their_places(milliseconds, source, place):
    first, second = (ref_id_of_item(milliseconds, source, at) for at in (place, place + 1))

    assert first < second
    assert ULID.from_str(first).milliseconds == ULID.from_str(second).milliseconds == milliseconds


@given(st.text(), st.text())
def test_a_name_has_the_same_id_each_time(name, other):
    assert ULID.from_str(ref_id_of_name(name))
    assert (ref_id_of_name(name) == ref_id_of_name(other)) == (name == other)


@pytest.mark.parametrize("name", HIDDEN)
def test_characters_by_which_identifiers_differ_unseen_are_refused(name):
    for identifier in (f"acme{HIDDEN[name]}", f"{HIDDEN[name]}acme", f"ac{HIDDEN[name]}me"):
        with pytest.raises(ValueError, match="cannot be seen"):
            without_hidden(identifier)
        assert not is_identifier(identifier)


@pytest.mark.parametrize(
    "identifier", ["acme", "a b", "Zoë", "株式会社", "أحمد", "नमस्ते", "👩", "tenant:1/2", "x" * 255]
)
def test_other_characters_are_taken(identifier):
    assert without_hidden(identifier) == identifier_of(identifier) == identifier


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_the_forms_of_a_text_are_one_identifier_or_none(text):
    forms = {form: unicodedata.normalize(form, text) for form in ("NFC", "NFD")}

    if all(map(is_identifier, forms.values())):
        assert identifier_of(forms["NFC"]) == identifier_of(forms["NFD"]) == forms["NFC"]


@pytest.mark.parametrize("value", ["", "x" * 256, "a\nb", "\x00", "4111111111111111", 7, None, ["acme"]])
def test_what_is_no_identifier_is_refused(value):
    assert not is_identifier(value)

"""ULIDs of now, of a source, and before another."""

import time

from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from chancery.core.formats.identifiers import new_ref_id, ref_id_before, ref_id_of, ref_id_of_item, ref_id_of_name

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


@given(MOMENTS, st.text(), st.integers(0, 65_534))
def test_the_items_of_a_source_sort_by_their_places(milliseconds, source, place):
    first, second = (ref_id_of_item(milliseconds, source, at) for at in (place, place + 1))

    assert first < second
    assert ULID.from_str(first).milliseconds == ULID.from_str(second).milliseconds == milliseconds


@given(st.text(), st.text())
def test_a_name_has_the_same_id_each_time(name, other):
    assert ULID.from_str(ref_id_of_name(name))
    assert (ref_id_of_name(name) == ref_id_of_name(other)) == (name == other)

"""Identifiers that are made of something."""

from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from chancery.core.identifiers import ref_id_of

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

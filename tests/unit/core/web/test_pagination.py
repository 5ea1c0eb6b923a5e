"""Cursors."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.core.errors import ValidationFailed
from chancery.core.formats.times import to_milliseconds
from chancery.core.web.pagination import Position, binding, decode_cursor, encode_cursor

_MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)).map(to_milliseconds)


@given(_MOMENTS, st.text(min_size=1, max_size=40))
def test_a_cursor_is_read_back_as_the_position_it_was_made_of(moment, ref_id):
    bound_to = binding({"tenantId": "acme"})

    assert decode_cursor(encode_cursor(Position(moment, ref_id), bound_to), bound_to) == Position(moment, ref_id)


@given(st.text(max_size=60))
def test_a_damaged_cursor_is_refused_and_nothing_else_happens(text):
    with pytest.raises(ValidationFailed) as refused:
        decode_cursor(text, "bound")

    assert refused.value.errors[0].pointer == "/cursor"


def test_a_cursor_of_another_tenant_or_filter_is_refused():
    position = Position(datetime(2026, 1, 1, tzinfo=UTC), "01J")
    cursor = encode_cursor(position, binding({"tenantId": "acme"}))

    with pytest.raises(ValidationFailed, match="cannot be used"):
        decode_cursor(cursor, binding({"tenantId": "globex"}))

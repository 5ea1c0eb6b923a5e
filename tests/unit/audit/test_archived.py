"""Lines of the archive and back."""

from datetime import UTC
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.audit.archived import archived_line, record_of
from chancery.audit.digest import stored_digest
from chancery.audit.search import show
from tests.builders import record

_TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | _TEXT | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=10,
)


def line_of(stored: dict[str, Any]) -> bytes:
    return archived_line(dict(stored))


@given(st.dictionaries(_TEXT, _VALUES, max_size=4), st.sampled_from([None, "acme"]))
def test_every_record_comes_back_as_it_was(after, tenant_id):
    stored = record(tenant_id, after=after)

    found = record_of(line_of(stored))

    assert found == stored
    assert list(found) == list(stored)
    assert stored_digest(found) == stored["digest"]
    assert found["createdOn"].tzinfo is UTC


def test_a_line_is_what_the_api_shows():
    stored = record()

    assert orjson.loads(line_of(stored)) == show(stored)
    assert line_of(stored).endswith(b"\n")


def changed(**changes: Any) -> bytes:
    shown = orjson.loads(line_of(record()))
    return orjson.dumps({**shown, **changes}, option=orjson.OPT_APPEND_NEWLINE)


SALT = "00" * 16
WRITTEN_OTHERWISE, NO_RECORD = "is not written as Chancery writes it", "is not a record"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", NO_RECORD),
        (b"[]\n", NO_RECORD),
        (b"{}\n", NO_RECORD),
        (b"null\n", NO_RECORD),
        (b"\xff\n", NO_RECORD),
        (b"[" * 2000 + b"\n", NO_RECORD),
        (changed(createdOn=None), NO_RECORD),
        (changed(createdOn="yesterday"), NO_RECORD),
        (changed(recordedOn=7), NO_RECORD),
        (changed(salts=None), NO_RECORD),
        (changed(salts={}), NO_RECORD),
        (changed(salts={"actorName": "x"}), NO_RECORD),
        (changed(digest="0" * 64), "does not have its digest"),
        (changed(actorId="somebody-else"), "does not have its digest"),
        (changed(_id="x"), WRITTEN_OTHERWISE),
        (changed() + b"\n", WRITTEN_OTHERWISE),
        (changed().replace(b":", b": ", 1), WRITTEN_OTHERWISE),
    ],
)
def test_what_is_not_a_record_of_the_archive_is_refused(line, reason):
    with pytest.raises(ValueError, match=reason):
        record_of(line)


def test_a_salt_too_many_is_refused():
    shown = orjson.loads(line_of(record(before=None)))
    line = orjson.dumps({**shown, "salts": {**shown["salts"], "before": SALT}}, option=orjson.OPT_APPEND_NEWLINE)

    with pytest.raises(ValueError, match=WRITTEN_OTHERWISE):
        record_of(line)


def test_a_time_in_another_form_is_refused():
    line = line_of(record()).replace(b'Z","', b'+00:00","')

    with pytest.raises(ValueError, match=r"digest|as Chancery writes it"):
        record_of(line)

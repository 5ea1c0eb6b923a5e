"""Lines of the archive and back."""

from datetime import UTC
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.audit.archived import archived_line, record_of
from chancery.audit.digest import digest, stored_digest
from chancery.audit.responses import to_response
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


def test_an_archived_line_is_the_record_as_the_api_returns_it():
    stored = record()

    assert orjson.loads(line_of(stored)) == to_response(stored)
    assert line_of(stored).endswith(b"\n")


def changed(**changes: Any) -> bytes:
    archived = orjson.loads(line_of(record()))
    return orjson.dumps({**archived, **changes}, option=orjson.OPT_APPEND_NEWLINE)


def digested(**changes: Any) -> bytes:
    """A line that was changed and has the digest for it."""
    archived = orjson.loads(changed(**changes))
    archived["digest"] = digest(archived, {field: bytes.fromhex(salt) for field, salt in archived["salts"].items()})
    return orjson.dumps(archived, option=orjson.OPT_APPEND_NEWLINE)


SALT = "00" * 16
WRITTEN_OTHERWISE, SALTS, NO_DIGEST = "is not written as Chancery writes it", "the salts are not", "not have its digest"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "is not JSON"),
        (b"\xff\n", "is not JSON"),
        (b"[" * 2000 + b"\n", "is not JSON"),
        (b"[]\n", "is not a JSON object"),
        (b"null\n", "is not a JSON object"),
        (b"{}\n", SALTS),
        (changed(salts=None), SALTS),
        (changed(salts={}), SALTS),
        (changed(salts={"actorName": "x"}), SALTS),
        (changed(createdOn=None), NO_DIGEST),
        (changed(digest="0" * 64), NO_DIGEST),
        (changed(actorId="somebody-else"), NO_DIGEST),
        (changed(recordedOn=7), "must be text or null"),
        (changed(_id="x"), "has an _id"),
        (digested(createdOn=None), WRITTEN_OTHERWISE),
        (digested(createdOn="yesterday"), WRITTEN_OTHERWISE),
        (digested(recordedOn="2026-03-01T12:00:00.000+00:00"), WRITTEN_OTHERWISE),
        (digested(recordedOn="2026-03-01T12:00:00Z"), WRITTEN_OTHERWISE),
        (changed() + b"\n", WRITTEN_OTHERWISE),
        (changed().replace(b":", b": ", 1), WRITTEN_OTHERWISE),
    ],
)
def test_a_malformed_archived_record_is_refused(line, reason):
    with pytest.raises(ValueError, match=reason):
        record_of(line)


def test_a_salt_too_many_is_refused():
    archived = orjson.loads(line_of(record(before=None)))
    line = orjson.dumps({**archived, "salts": {**archived["salts"], "before": SALT}}, option=orjson.OPT_APPEND_NEWLINE)

    with pytest.raises(ValueError, match=SALTS):
        record_of(line)

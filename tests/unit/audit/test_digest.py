"""The digest, recomputed here from its definition alone."""

import hashlib
from datetime import UTC, datetime

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from chancery.audit.digest import digest, new_salts
from chancery.audit.models import ERASABLE
from tests.builders import built, record

_KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=10,
)


def by_definition(stored: dict) -> str:
    """SHA-256 over RFC 8785 with each salted field as SHA-256 of salt and value."""
    committed = {}
    for field, value in stored.items():
        if field in ("_id", "digest", "salts"):
            continue
        if field in stored["salts"]:
            committed[field] = hashlib.sha256(stored["salts"][field] + rfc8785.dumps(value)).hexdigest()
        elif isinstance(value, datetime):
            committed[field] = (
                value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
            )
        else:
            committed[field] = value
    return hashlib.sha256(rfc8785.dumps(committed)).hexdigest()


def test_a_fixed_record_has_this_digest_for_ever():
    stored = {
        "refId": "01J00000000000000000000000",
        "eventId": "e-1",
        "tenantId": None,
        "actorType": "human",
        "actorId": "u-1",
        "actorName": "Sørén",
        "action": "strategy.approved",
        "resourceType": "strategy",
        "resourceId": "s-1",
        "after": {"b": 1.5, "a": "€"},
        "createdOn": datetime(2026, 1, 2, 3, 4, 5, 6000, UTC),
        "recordedOn": datetime(2026, 1, 2, 3, 4, 5, 7000, UTC),
    }
    salts = {"actorName": bytes(range(16)), "after": bytes(range(16, 32))}

    assert digest(stored, salts) == by_definition({**stored, "salts": salts})
    assert digest(stored, salts) == "24ea011a80fab0c6593417e46e2de590edd9ed6f563a0706ec287c6ec2608c81"


@given(_JSON)
def test_every_record_has_the_digest_of_the_definition(value):
    stored = record(after={"value": value}, metadata={"x": 1})

    assert stored["digest"] == by_definition(stored)


def test_any_change_to_any_field_changes_the_digest():
    stored = record()

    for field in set(stored) - {"salts", "digest"}:
        if field == "digestVersion":
            continue
        other = datetime(2020, 1, 1, tzinfo=UTC) if isinstance(stored[field], datetime) else "changed"
        assert digest({**stored, field: other}, stored["salts"]) != stored["digest"], field
    for field in stored["salts"]:
        assert digest(stored, {**stored["salts"], field: bytes(16)}) != stored["digest"], field


def test_a_record_without_its_version_has_another_digest():
    stored = record(onBehalfOfName=None)
    first = {name: value for name, value in stored.items() if name != "digestVersion"}

    assert digest(first, stored["salts"]) != stored["digest"]
    with pytest.raises(KeyError):
        digest({**stored, "digestVersion": 3}, stored["salts"])


def test_a_record_without_any_erasable_field_has_a_salt_all_the_same():
    body = {"actorId": "u", "action": "a.b", "resourceType": "a", "resourceId": "r", "eventId": "e"}

    first, again = built(body), built(body)

    assert set(first["salts"]) == {"recordedBy"}
    assert first["salts"] != again["salts"]
    same = {name: first[name] for name in ("refId", "createdOn", "recordedOn")}
    assert digest({**again, **same}, again["salts"]) != first["digest"]


def test_each_salted_field_has_a_salt_of_its_own():
    stored = record()

    assert set(stored["salts"]) == {field for field in (*ERASABLE, "recordedBy") if field in stored}
    assert {len(salt) for salt in stored["salts"].values()} == {16}
    assert len(set(stored["salts"].values())) == len(stored["salts"])
    assert new_salts(stored) != stored["salts"]


def test_a_missing_salt_is_an_error_and_not_another_digest():
    stored = record()

    with pytest.raises(KeyError):
        digest(stored, {})

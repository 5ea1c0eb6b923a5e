"""Values, records and their digests in the canonical form of RFC 8785."""

import json
import struct

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from chancery.audit.responses import to_response
from chancery.tlog.leaf import leaf_entry
from tests import builders
from tests.unit.core.formats.test_canonical_json import NUMBERS
from tests.unit.tools.logs import entry, verifier


@pytest.mark.parametrize(("bits", "expected"), NUMBERS)
def test_numbers_have_the_form_of_rfc_8785_appendix_b(bits, expected):
    assert verifier.canonical(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() == expected


_NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | st.text() | _NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@given(_JSON)
def test_every_value_has_the_form_that_the_reference_library_gives_it(value):
    assert verifier.canonical(value) == rfc8785.dumps(value)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=5), st.floats(-1e9, 1e9)
    )
)
def test_a_record_as_chancery_makes_and_shows_it_has_the_same_leaf(after):
    stored = builders.record(after=after)

    assert verifier.entry_of(verifier.parse(json.dumps(to_response(stored)).encode())) == leaf_entry(stored)


def test_the_fixed_record_has_its_digest():
    """The vector of tests/unit/audit/test_digest.py."""
    stamp, salts = "2026-01-02T03:04:05.00", {"actorName": bytes(range(16)).hex(), "after": bytes(range(16, 32)).hex()}
    fixed = {"refId": "01J00000000000000000000000", "eventId": "e-1", "tenantId": None, "actorName": "Sørén"}
    fixed |= {"actorType": "human", "actorId": "u-1", "resourceType": "strategy", "resourceId": "s-1"}
    fixed |= {"action": "strategy.approved", "after": {"b": 1.5, "a": "€"}, "salts": salts}
    fixed |= {"createdOn": f"{stamp}6Z", "recordedOn": f"{stamp}7Z"}
    fixed["digest"] = "24ea011a80fab0c6593417e46e2de590edd9ed6f563a0706ec287c6ec2608c81"

    assert verifier.entry_of(fixed | {"_id": 1}) == entry(fixed)

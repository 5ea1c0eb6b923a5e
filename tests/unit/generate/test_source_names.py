"""The table of the source systems' field names: complete, correct and without duplicates."""

import re
from collections import Counter

import pytest

from chancery.core.mongo.json_schema import mongo_schema
from chancery.wiring.registry import COLLECTIONS
from tools.generate.source_names import EVERY_COLLECTION, SourceName, as_tables, source_names

NAMES = source_names()
MODELS = {item.name: mongo_schema(item.model)["properties"] for item in COLLECTIONS}
VIEWS = {view.name: view.pipeline for item in COLLECTIONS for view in item.views}
EVERY = MODELS["skills"]  # it has all that a document may have of the base
TO_COME: set[str] = set()


def described(name: SourceName) -> str:
    return f"{name.source}: {name.there}.{name.name}"


def test_every_source_has_its_names():
    assert Counter(name.source for name in NAMES).keys() == {
        *("agency collections", "audit logging", "CRM storage audit", "integration logging")
    }
    assert len(NAMES) > 190


def test_no_row_is_double():
    found = Counter((name.source, name.there, name.name) for name in NAMES)

    assert [row for row, count in found.items() if count > 1] == []


@pytest.mark.parametrize("name", NAMES, ids=described)
def test_a_name_is_camel_case_or_dropped_for_a_reason(name):
    if not name.here:
        assert (name.collection, name.note != "") == ("", True)
        return
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", part) for part in name.here.split("."))
    assert name.collection in {*MODELS, *VIEWS, *TO_COME, EVERY_COLLECTION}


@pytest.mark.parametrize("name", [name for name in NAMES if name.collection not in ("", *TO_COME)], ids=described)
def test_a_name_in_a_collection_that_there_is_is_a_field_of_its_model(name):
    if name.collection in VIEWS:
        assert f"'{name.here}'" in str(VIEWS[name.collection])
        return
    first, _, rest = name.here.partition(".")
    fields = EVERY if name.collection == EVERY_COLLECTION else MODELS[name.collection]

    assert first in fields
    if rest and "properties" in fields[first]:
        assert rest in fields[first]["properties"]


@pytest.mark.parametrize("name", [name for name in NAMES if name.here], ids=described)
def test_a_renamed_field_has_a_reason(name):
    in_camel_case = re.sub(r"_(\w)", lambda found: found[1].upper(), name.name)

    assert name.note or name.here == re.sub("At$", "On", in_camel_case)


def test_a_collection_that_is_there_is_not_to_come():
    assert MODELS.keys() & TO_COME == set()
    assert {name.collection for name in NAMES} >= TO_COME


def test_the_table_has_the_new_name_of_each_field():
    names = [
        SourceName("a source", "old_logs", "user_id", "actorId", "audit_logs", "why"),
        SourceName("a source", "new_logs", "user_id", "actorId", "new_logs", "why"),
        SourceName("a source", "old_logs", "secret", "", "", "never kept"),
        SourceName("a source", "base", "ref_id", "refId", EVERY_COLLECTION, ""),
    ]

    assert list(as_tables(names, frozenset({"audit_logs"}))) == [
        *("", "### A source", "", "| there | here | lives in | remarks |", "|---|---|---|---|"),
        "| `user_id` | `actorId` | `audit_logs`, `new_logs` (to come) | in old_logs; why |",
        "| `secret` | not kept |  | in old_logs; never kept |",
        "| `ref_id` | `refId` | the base of all documents | in base |",
    ]

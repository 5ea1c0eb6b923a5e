"""A kind of log is one declaration: everything else follows from it."""

import pytest

from chancery.core.mongo.json_schema import mongo_schema
from chancery.logs.collections import BY_KIND
from chancery.logs.fields import FIELDS, LEVELS
from chancery.logs.ingest import Defaults, EntryValidator, IncomingEntry
from chancery.logs.kinds import KINDS, KINDS_BY_NAME, LogKind
from chancery.logs.models import entry_model, entry_parser, line_model
from chancery.wiring.openapi import document
from chancery.wiring.registry import COLLECTIONS

EIGHTH = LogKind("job", "job_logs", "job_log", "what jobs do", 7, ("endpoint", "duration_ms"), required=("endpoint",))


def test_an_eighth_kind_has_models_from_its_declaration_alone():
    sent = {"endpoint": "nightly", "durationMs": 3, "level": "WARNING", "userId": "sarah"}

    valid = EntryValidator().validate(IncomingEntry(EIGHTH, sent, Defaults("crm")))
    assert valid.fields == {**sent, "level": "warn"}
    assert entry_model(EIGHTH).model_fields["endpoint"].is_required()
    assert {"batch", "expiresOn", "endpoint", "durationMs"} <= mongo_schema(line_model(EIGHTH))["properties"].keys()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_declares_known_fields_and_an_own_collection(kind):
    assert set(kind.fields) <= FIELDS.keys()
    assert {*kind.required, *kind.any_of, *kind.indexed} <= set(kind.fields)
    assert kind.level in LEVELS
    assert BY_KIND[kind.name] in COLLECTIONS
    assert "trace_id" in kind.indexed  # traces are read without a time


def test_kinds_differ_in_name_collection_and_word_in_traces():
    for names in (
        [kind.name for kind in KINDS],
        [kind.collection for kind in KINDS],
        [kind.trace_kind for kind in KINDS],
    ):
        assert len(set(names)) == len(KINDS)


def test_the_api_offers_exactly_the_kinds():
    (kind,) = document()["paths"]["/v1/logs/{kind}"]["post"]["parameters"]

    assert kind["schema"] == {"type": "string", "enum": list(KINDS_BY_NAME)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_parser_and_the_documented_model_have_the_same_fields(kind):
    documented = entry_model(kind).model_json_schema(by_alias=True)
    parsed = entry_parser(kind).json_schema()

    assert documented["properties"].keys() == parsed["properties"].keys()
    assert set(documented.get("required", ())) == set(parsed.get("required", ()))

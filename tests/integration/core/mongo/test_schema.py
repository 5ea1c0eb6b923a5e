"""The registry against a real server: plan, apply, validators, roles, and credentials that go too far."""

import json

import pytest
from pymongo.errors import OperationFailure, WriteError

from chancery.core.errors import Unavailable
from chancery.core.mongo import client as mongo
from chancery.core.mongo.collections import ROLE_CLASSES, UnfitRetention
from chancery.core.mongo.database_roles import (
    MutableRecords,
    atlas_roles,
    bootstrap_users,
    create_role_commands,
    refuse_if_mutable,
)
from chancery.core.mongo.schema import apply, plan
from chancery.wiring.deployment import SchemaSettings, UnfitLifecycle, deploy_schema
from chancery.wiring.registry import COLLECTIONS
from tests.builders import record


@pytest.fixture
def fresh(mongod):
    """An empty database, and a way to open it as the administrator."""
    client = mongo.connect(mongod.uri("admin"))
    database = client["fresh"]
    client.drop_database("fresh")
    yield database
    client.drop_database("fresh")
    client.close()


def test_a_plan_changes_nothing_and_applying_it_leaves_nothing_to_do(fresh):
    steps = plan(fresh, COLLECTIONS)

    assert fresh.list_collection_names() == []
    views = {view.name for collection in COLLECTIONS for view in collection.views}
    assert {step.collection for step in steps} == {collection.name for collection in COLLECTIONS} | views
    apply(fresh, steps)
    assert plan(fresh, COLLECTIONS) == []


def test_a_plan_that_was_cut_short_is_taken_up_again(fresh):
    apply(fresh, plan(fresh, COLLECTIONS)[:7])

    apply(fresh, plan(fresh, COLLECTIONS))

    assert plan(fresh, COLLECTIONS) == []


def test_schema_drift_is_found_and_repaired(fresh):
    apply(fresh, plan(fresh, COLLECTIONS))
    fresh.command({"collMod": "audit_logs", "validator": {}})
    fresh.audit_logs.drop_index("tenantId_1_createdOn_-1_refId_-1")
    fresh.command({"collMod": "audit_exports", "index": {"name": "createdOn_1", "expireAfterSeconds": 1}})
    fresh.audit_logs.drop_index("tenantId_1_eventId_1")
    fresh.audit_logs.create_index([("tenantId", 1), ("eventId", 1)])

    steps = plan(fresh, COLLECTIONS)
    apply(fresh, steps)

    assert sorted((step.kind, step.collection) for step in steps) == [
        ("change_ttl", "audit_exports"),
        ("change_validator", "audit_logs"),
        ("create_index", "audit_logs"),
        ("replace_index", "audit_logs"),
    ]
    assert plan(fresh, COLLECTIONS) == []


@pytest.mark.parametrize(
    "weaker", [{"validationLevel": "off"}, {"validationLevel": "moderate"}, {"validationAction": "warn"}]
)
def test_a_validator_that_is_not_enforced_has_drifted(fresh, weaker):
    apply(fresh, plan(fresh, COLLECTIONS))
    fresh.command({"collMod": "audit_logs", **weaker})

    steps = plan(fresh, COLLECTIONS)
    apply(fresh, steps)

    assert [(step.kind, step.collection) for step in steps] == [("change_validator", "audit_logs")]
    assert plan(fresh, COLLECTIONS) == []
    with pytest.raises(WriteError):
        fresh.audit_logs.insert_one({"tenantId": "acme"})


def test_a_text_index_over_other_fields_is_replaced_since_a_collection_has_one(fresh):
    apply(fresh, plan(fresh, COLLECTIONS))
    (text,) = [index for index in fresh.audit_logs.list_indexes() if "textIndexVersion" in index]
    fresh.audit_logs.drop_index(text["name"])
    fresh.audit_logs.create_index([("tenantId", 1), ("description", "text")])

    steps = plan(fresh, COLLECTIONS)
    apply(fresh, steps)

    assert [(step.kind, step.detail) for step in steps] == [("replace_index", text["name"])]
    assert plan(fresh, COLLECTIONS) == []


def test_retention_is_a_parameter_and_permanent_collections_have_none(fresh):
    apply(fresh, plan(fresh, COLLECTIONS, {"audit_exports": 30, "audit_logs": 1}))

    assert fresh.audit_exports.index_information()["createdOn_1"]["expireAfterSeconds"] == 30 * 86_400
    assert not [name for name, index in fresh.audit_logs.index_information().items() if "expireAfterSeconds" in index]


def test_every_unique_index_begins_with_the_shard_key():
    unique = [index for collection in COLLECTIONS for index in collection.indexes if index.unique]

    assert unique
    assert {index.keys[0] for index in unique} == {("tenantId", 1)}


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "short"},
        {"action": "Not An Action"},
        {"createdOn": "2026-01-01"},
        {"surprise": 1},
        {"actorId": None},
        {"actorType": "robot"},
        {"tenantId": 7},
    ],
)
def test_the_server_refuses_the_documents_that_the_model_refuses(connect, change):
    with pytest.raises(WriteError) as refused:
        connect("writer").audit_logs.insert_one({**record(), **change})

    assert refused.value.code == 121


def test_a_record_without_a_tenant_is_taken(connect):
    connect("writer").audit_logs.insert_one(record(None))


def test_the_database_roles_are_those_of_the_registry():
    writer = next(
        command for command in create_role_commands("chancery", COLLECTIONS) if "writer" in command["createRole"]
    )

    granted = {item["resource"]["collection"]: item["actions"] for item in writer["privileges"]}
    assert granted["audit_logs"] == ["find", "insert"]
    assert writer["roles"] == []


def test_atlas_gets_the_same_roles_in_its_own_words():
    (reader,) = [role for role in atlas_roles("chancery", COLLECTIONS) if role["roleName"] == "chancery_reader"]
    schema = next(role for role in atlas_roles("chancery", COLLECTIONS) if role["roleName"] == "chancery_schema")

    # All that a reader changes: what its requests cost, and that it follows platform events.
    changed = [{"db": "chancery", "collection": name} for name in ("rate_limits", "event_followers")]
    assert {item["action"]: item["resources"] for item in reader["actions"] if item["action"] != "FIND"} == {
        "INSERT": changed,
        "UPDATE": changed,
    }
    assert {"db": "chancery", "collection": "audit_logs"} in reader["actions"][0]["resources"]
    assert {"COLL_MOD", "CREATE_INDEX", "LIST_COLLECTIONS"} <= {action["action"] for action in schema["actions"]}
    assert json.dumps(reader)


def test_roles_and_users_are_brought_up_to_date_without_an_error(mongod):
    with mongo.connect(mongod.uri("admin")) as admin:
        for _ in range(2):
            bootstrap_users(admin, "other", COLLECTIONS, dict.fromkeys(ROLE_CLASSES, "p"))
        assert {user["user"] for user in admin.other.command("usersInfo")["users"]} == {
            f"chancery_{kind}" for kind in ROLE_CLASSES
        }
        admin.other.command("dropAllUsersFromDatabase")
        admin.other.command("dropAllRolesFromDatabase")


@pytest.mark.parametrize("role_class", ROLE_CLASSES)
def test_our_own_roles_pass_the_check(connect, role_class):
    refuse_if_mutable(connect(role_class), COLLECTIONS)


@pytest.mark.parametrize("role", ["root", "readWriteAnyDatabase", "readWrite", "dbOwner"])
def test_a_role_that_could_change_records_does_not_pass(connect, mongod, role):
    admin = connect("admin")
    where = "chancery" if role in ("readWrite", "dbOwner") else "admin"
    admin.command("createUser", "wide", pwd="p", roles=[{"role": role, "db": where}])
    uri = mongod.uri("writer").replace("chancery_writer", "wide").replace(mongod.passwords["writer"], "p")
    try:
        with mongo.connect(uri) as client, pytest.raises(MutableRecords, match=r"may .* in audit_logs"):
            refuse_if_mutable(client[mongod.database], COLLECTIONS)
    finally:
        admin.command("dropUser", "wide")


def test_a_deployment_applies_the_schema_and_checks_every_credential(mongod, connect):
    answer = deploy_schema(SchemaSettings(_secrets(), 92, 92), mongo.connect, mongod.uri)

    assert answer == {"Steps": "0", "Last": "nothing to do"}


def test_a_deployment_with_too_strong_a_credential_fails(mongod, connect):
    def secret(role_class: str) -> str:
        return mongod.uri("admin" if role_class == "reader" else role_class)

    with pytest.raises(MutableRecords):
        deploy_schema(SchemaSettings(_secrets(), 92, 92), mongo.connect, secret)


def _secrets() -> str:
    return json.dumps({kind: kind for kind in ROLE_CLASSES})


def test_errors_of_the_driver_are_translated_and_never_quoted():
    with pytest.raises(mongo.DatabaseFailure) as failure, mongo.translated():
        raise OperationFailure("document {secret}", 13)
    with pytest.raises(Unavailable), mongo.translated():
        raise OperationFailure("time limit", 50)

    assert failure.value.detail == "The database refused the operation (code 13)."


def test_an_unreachable_server_raises_unavailable_within_seconds():
    client = mongo.connect("mongodb://127.0.0.1:9/?directConnection=true", timeout_ms=200)
    with client, pytest.raises(Unavailable), mongo.translated():
        client.chancery.command("ping")


def test_a_retention_that_does_not_fit_changes_nothing():
    def nothing(*_):
        raise AssertionError("connected")

    for retention in ('{"audit_logs": 30}', "[1]"):
        with pytest.raises(UnfitRetention):
            deploy_schema(SchemaSettings(_secrets(), 92, 92, retention_days=retention), nothing, lambda _: "uri")


def test_refused_credentials_and_missing_rights_are_distinct_errors(mongod):
    uri = mongod.uri("reader").replace(mongod.passwords["reader"], "wrong")
    with mongo.connect(uri) as client, pytest.raises(mongo.DatabaseFailure) as refused, mongo.translated():
        client.chancery.audit_logs.find_one()

    assert refused.value.detail == "The database refused the credentials: user, password or authSource."


def test_a_lifecycle_that_would_lose_bodies_changes_nothing():
    def nothing(*_):
        raise AssertionError("connected")

    with pytest.raises(UnfitLifecycle):
        deploy_schema(
            SchemaSettings(_secrets(), 92, 92, retention_days='{"tool_call_logs": 365}'), nothing, lambda _: "uri"
        )

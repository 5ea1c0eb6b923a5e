"""What `make up` promises."""

from dataclasses import replace

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from local.deploy import BUILD
from local.external import external_uris
from local.mongod import Mongod
from local.ports import free_port
from local.process import StartFailed


def test_stack_json_has_its_promised_shape(stack):
    assert set(stack) == {
        "apiUrl",
        "liveUrl",
        "viewerUrl",
        "awsEndpointUrl",
        "eventBusName",
        "rejectsQueueUrl",
        "mongodb",
        "tokens",
    }
    assert set(stack["mongodb"]) == {"admin", "writer", "reader"}
    assert set(stack["tokens"]) == {"super_admin", "dm_user", "user", "auditor", "producer", "other_tenant_user"}
    assert stack["liveUrl"].startswith("ws://127.0.0.1:")
    assert stack["viewerUrl"] == stack["apiUrl"].removesuffix("v1") + "viewer/"


def test_stack_json_with_its_secrets_is_the_owners_alone(settings, running):
    assert settings.stack_file.stat().st_mode & 0o777 == 0o600


def test_every_uri_works_and_writer_and_reader_cannot_change_records(stack):
    for user, uri in stack["mongodb"].items():
        with MongoClient(uri) as client:
            assert client.chancery.audit_logs.find_one() is not None
            if user != "admin":
                with pytest.raises(OperationFailure) as refused:
                    client.chancery.audit_logs.update_one({}, {"$set": {"action": "x.y"}})
                assert refused.value.code == 13


def test_demo_records_of_two_tenants_reach_back_more_than_two_years(stack):
    with MongoClient(stack["mongodb"]["reader"], tz_aware=True) as client:
        logs = client.chancery.audit_logs
        assert {"acme", "globex"} <= set(logs.distinct("tenantId"))
        newest, oldest = logs.find_one(sort=[("createdOn", -1)]), logs.find_one(sort=[("createdOn", 1)])
        assert (newest["createdOn"] - oldest["createdOn"]).days > 2 * 365 + 31


def test_the_built_layer_has_neither_the_command_line_nor_the_client(running):
    package = BUILD / "ChanceryLayer" / "python" / "chancery"

    assert (package / "core").is_dir()
    assert not (package / "cli").exists()
    assert not (package.parent / "chancery_client").exists()


def test_a_second_up_is_harmless_and_deploys_nothing_again(running, stack, monkeypatch):
    monkeypatch.setattr("local.deploy.deploy", lambda *_: pytest.fail("deployed again"))

    again = running.up()

    assert again["apiUrl"] == stack["apiUrl"]


def test_the_folder_of_a_running_stack_is_under_500_megabytes(settings, running):
    files = [path.lstat() for path in settings.folder.rglob("*")]

    assert sum(file.st_blocks * 512 for file in files) < 500_000_000


def test_all_of_the_stack_listens_on_this_machine_alone(settings, running):
    listeners = [*settings.mongodb.listeners(), *settings.aws.listeners(), *settings.sign_in.listeners()]

    assert {listener.port for listener in listeners} == {
        settings.mongodb_port,
        settings.aws_port,
        settings.sign_in.remembered_port(),
    }
    assert [listener for listener in listeners if not listener.is_local] == []


def test_an_unreachable_external_server_is_reported(settings, tmp_path):
    unreachable = replace(
        settings, folder=tmp_path, mongodb_uri=f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=200"
    )

    with pytest.raises(StartFailed, match=r"does not answer.*IP access list"):
        external_uris(unreachable)


def test_an_external_server_is_used_with_users_of_its_own(settings, tmp_path):
    server = Mongod(tmp_path / "theirs", free_port())
    server.start()

    uris = external_uris(replace(settings, folder=tmp_path, mongodb_uri=server.uri("admin")))

    with MongoClient(uris["reader"]) as client:
        assert client.chancery.audit_logs.find_one() is None
    server.stop()


def test_an_external_user_that_may_not_create_roles_is_reported(settings, stack, tmp_path):
    limited = replace(settings, folder=tmp_path, mongodb_uri=stack["mongodb"]["reader"])

    with pytest.raises(StartFailed, match="may not create roles"):
        external_uris(limited)

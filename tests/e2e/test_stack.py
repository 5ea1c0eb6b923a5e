"""What `make up` promises."""

import json
import socket
from dataclasses import replace

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from local.deploy import BUILD
from local.emulator import Emulator
from local.external import external_uris
from local.mongod import Mongod
from local.ports import PortTaken, free_port, is_taken
from local.process import Background, StartFailed
from local.stack import Stack


def test_stack_json_has_its_promised_shape(stack):
    assert set(stack) == {"apiUrl", "liveUrl", "viewerUrl", "awsEndpointUrl", "eventBusName", "mongodb", "tokens"}
    assert set(stack["mongodb"]) == {"admin", "writer", "reader"}
    assert set(stack["tokens"]) == {"super_admin", "dm_user", "user", "auditor", "producer", "other_tenant_user"}
    assert stack["liveUrl"] is stack["viewerUrl"] is None


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


def test_a_taken_port_is_named_with_the_next_step(settings, console, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        with pytest.raises(PortTaken, match=f"Port {taken} is taken.*CHANCERY_MONGODB_PORT=<port> make up"):
            Stack(replace(settings, folder=tmp_path, mongodb_port=taken), console).up()
        with pytest.raises(PortTaken, match=f"Port {taken} is taken.*CHANCERY_AWS_PORT=<port> make up"):
            Emulator(replace(settings, folder=tmp_path, aws_port=taken)).start()


def test_down_stops_exactly_the_processes_that_up_started(settings, running, tmp_path):
    bystander = Mongod(tmp_path / "bystander", free_port())
    bystander.start()
    try:
        own = Mongod(tmp_path / "mongodb", free_port())
        own.start()
        stack = Stack(replace(settings, folder=tmp_path, mongodb_port=own.port), running.console)
        (tmp_path / "mongodb" / "port").write_text(str(own.port))

        stack.down()

        assert own.process.pid() is None
        assert not is_taken(own.port)
        assert bystander.process.pid() is not None
        stack.down()
        assert "Nothing to stop." in running.console.export_text(clear=False)
    finally:
        bystander.stop()


def test_a_pid_that_now_belongs_to_a_stranger_is_never_stopped(tmp_path):
    process = Background("sleeper", tmp_path)
    pid = process.start(["sleep", "60"])
    known = process.pid_file.read_text()
    process.pid_file.write_text(json.dumps({"pid": pid, "started": "1"}))

    assert process.pid() is None
    assert not process.stop()
    process.pid_file.write_text(known)
    assert process.pid() == pid
    assert process.stop()


def test_data_survives_down_and_up(tmp_path):
    mongod = Mongod.remembered(tmp_path / "mongodb", free_port())
    mongod.start()
    with MongoClient(mongod.uri("admin")) as client:
        client.chancery.records.insert_one({"_id": 1})
    mongod.stop()

    again = Mongod.remembered(tmp_path / "mongodb", free_port())
    again.start()

    assert again.port == mongod.port
    with MongoClient(again.uri("admin")) as client:
        assert client.chancery.records.find_one({"_id": 1})
    again.stop()


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

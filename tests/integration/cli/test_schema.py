"""`chancery schema` against a real mongod."""

import json
from functools import partial

import pytest

from chancery.core.mongo.collections import ROLE_CLASSES
from local.ports import free_port
from tests.command_line import run_in, shorten_database_timeout


@pytest.fixture
def chancery(tmp_path):
    """Runs a command in this process, in the test's folder."""
    return partial(run_in, tmp_path)


def test_schema_commands_plan_apply_and_print_roles(chancery, mongod, connect):
    connect("admin").drop_collection("tenant_settings")

    planned = chancery("schema", "plan", "--uri", mongod.uri("schema"), "--json")
    applied = chancery("schema", "apply", CHANCERY_MONGODB_URI=mongod.uri("schema"))
    again = chancery("schema", "plan", "--uri", mongod.uri("schema"))
    roles = chancery("schema", "roles", "--atlas")

    assert {json.loads(line)["collection"] for line in planned.stdout.splitlines()} == {"tenant_settings"}
    assert "create_collection" in applied.stdout
    assert "Nothing to do." in again.stderr
    assert len([json.loads(line) for line in roles.stdout.splitlines()]) == len(ROLE_CLASSES)


def test_schema_commands_report_errors(chancery, mongod, connect):
    schema, wrong = mongod.uri("schema"), mongod.uri("schema").replace(mongod.passwords["schema"], "secret-word")

    def report(*arguments: str) -> tuple[int, str]:
        done = chancery("schema", "plan", *arguments)
        assert "Traceback" not in done.stderr
        assert "secret-word" not in done.stderr
        return done.returncode, done.stderr

    for arguments, code, text in (
        ((), 2, "Give a MongoDB URI"),
        (("--uri", schema, "--retention", "{"), 2, "--retention: The retention is not JSON"),
        (("--uri", schema, "--retention", "[1]"), 2, "is not a JSON object"),
        (("--uri", schema, "--retention", '{"audit_logs": 30}'), 2, "audit_logs is stored for ever"),
        (("--uri", mongod.uri("reader")), 2, "Use the schema user's URI."),
        (("--uri", wrong), 2, "refused the credentials"),
        (("--uri", "notauri"), 2, "is not a usable MongoDB URI"),
        (("--uri", "mongodb://u:secret-word@host:port/"), 2, "is not a usable MongoDB URI"),
        (("--uri", "mongodb+srv://u:secret-word@nowhere.invalid/"), 2, "is not a usable MongoDB URI"),
        (("--uri", schema, "--database", "a b"), 2, "--database cannot be 'a b'."),
    ):
        returned, message = report(*arguments)
        assert (returned, text in message) == (code, True), message


def test_a_database_that_does_not_answer_is_exit_code_3(chancery, monkeypatch):
    shorten_database_timeout(monkeypatch)
    done = chancery("schema", "plan", "--uri", f"mongodb://127.0.0.1:{free_port()}/")

    assert done.returncode == 3
    assert "does not answer" in done.stderr


def test_applying_without_the_rights_is_reported(chancery, mongod, connect):
    connect("admin").drop_collection("tenant_settings")

    done = chancery("schema", "apply", "--uri", mongod.uri("reader"))

    assert done.returncode == 2
    assert "Use the schema user's URI." in done.stderr

"""Custom resources of the stack: applying the schema, seeding the skills library, and the answer to CloudFormation."""

import json

import pytest

from chancery.core.aws import clients as aws
from chancery.core.mongo import client as mongo
from chancery.core.mongo.collections import ROLE_CLASSES
from tests.builders import sample
from tests.fakes import LambdaContext
from tests.http_server import QuietHandler, serving


@pytest.fixture
def cloudformation():
    """The URL to which a custom resource's answer is put, and the answers."""
    answers: list[dict] = []

    class Answers(QuietHandler):
        def do_PUT(self):  # noqa: N802
            answers.append(json.loads(self.body()))
            self.respond(200)

    with serving(Answers) as url:
        yield f"{url}/answer", answers


@pytest.fixture
def apply_schema(environment, load_function, monkeypatch, mongod, cloudformation):
    monkeypatch.setenv("CHANCERY_MONGODB_SECRETS", json.dumps({kind: kind for kind in ROLE_CLASSES}))
    monkeypatch.setenv("CHANCERY_TOOL_CALL_BODY_DAYS", "92")
    monkeypatch.setenv("CHANCERY_EXCHANGE_BODY_DAYS", "92")

    def invoke(secret=mongod.uri, **changes):
        monkeypatch.setattr(aws, "secret", secret)
        event = sample("apply_schema/create") | {"ResponseURL": cloudformation[0]} | changes
        load_function("apply_schema").handler(event, LambdaContext())
        return cloudformation[1][-1]

    return invoke


def test_the_schema_is_applied_and_the_result_sent_to_cloudformation(apply_schema):
    answer = apply_schema()

    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "Schema")
    assert answer["Data"]["Last"] == "nothing to do"


def test_deleting_the_stack_touches_no_record(apply_schema, monkeypatch):
    monkeypatch.setattr(mongo, "connect", lambda *_: pytest.fail("connected"))

    assert apply_schema(RequestType="Delete")["Status"] == "SUCCESS"


def test_credentials_that_could_change_records_fail_the_deployment(apply_schema, mongod):
    answer = apply_schema(lambda kind: mongod.uri("admin" if kind == "writer" else kind))

    assert answer["Status"] == "FAILED"
    assert "give it a role that may not" in answer["Reason"]


def test_the_skills_library_is_seeded_and_the_result_sent_to_cloudformation(
    environment, load_function, cloudformation, bus
):
    def invoke(**changes):
        event = sample("seed_skills/create") | {"ResponseURL": cloudformation[0]} | changes
        load_function("seed_skills").handler(event, LambdaContext())
        return cloudformation[1][-1]

    first, second = invoke(), invoke(RequestType="Update")

    assert first["Status"] == second["Status"] == "SUCCESS"
    assert first["Data"] == {"Created": "9", "Updated": "0", "Unchanged": "0", "Left": "0"}
    assert second["Data"] == {"Created": "0", "Updated": "0", "Unchanged": "9", "Left": "0"}
    assert [event["action"] for event in bus.of("Record Audit Event")] == ["skill.created"] * 9
    assert {(event["tenantId"], event["actorType"]) for event in bus.of("Record Audit Event")} == {(None, "system")}

"""Who may put which events: the bus's policy and the policies of the roles, as SAM transforms them, are evaluated.

The emulator does not have the resource AWS::Events::EventBusPolicy, so that no test of the deployed stack can.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from chancery.wiring.registry import FUNCTIONS
from tests.unit.template.iam import Request, Statement, as_list, is_allowed, resolved
from tests.unit.template.parsed import transformed
from tools.generate.names import logical_id

BUS, STRANGER = "arn:Bus", "arn:aws:iam::123456789012:role/another-application"
PUBLISHERS = [f"{logical_id(function.name)}Role" for function in FUNCTIONS if function.bus == "PutEvents"]
OTHERS = [f"{logical_id(function.name)}Role" for function in FUNCTIONS if function.bus != "PutEvents"]
MAY_PUT: Statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": BUS}


def may_put(principal: str | None, sources: Sequence[str], own: Sequence[Statement]) -> bool:
    """Whether a caller with policies of its own may put events with these sources, in one call."""
    policies = [item["Properties"] for item in transformed().values() if item["Type"] == "AWS::Events::EventBusPolicy"]
    caller = {} if principal is None else {"aws:PrincipalArn": [principal]}
    request = Request("events:PutEvents", BUS, {"events:source": sources, **caller})
    return is_allowed(request, [*own, *(resolved(policy["Statement"]) for policy in policies)])


def policies_of(role: str) -> list[Any]:
    """The statements of a role that SAM makes."""
    documents = [policy["PolicyDocument"] for policy in transformed()[role]["Properties"].get("Policies", ())]
    return [resolved(statement) for document in documents for statement in as_list(document["Statement"])]


def test_there_is_one_policy_of_this_bus():
    policies = [item["Properties"] for item in transformed().values() if item["Type"] == "AWS::Events::EventBusPolicy"]

    assert [resolved(policy["EventBusName"]) for policy in policies] == ["Bus"]


@pytest.mark.parametrize("role", PUBLISHERS)
def test_a_function_that_publishes_may_use_our_source(role):
    assert may_put(f"arn:{role}", ["chancery"], policies_of(role))


@pytest.mark.parametrize("role", OTHERS)
def test_a_function_that_does_not_publish_may_put_nothing(role):
    own = policies_of(role) if role in transformed() else []

    assert not may_put(f"arn:{role}", ["chancery"], own)
    assert not may_put(f"arn:{role}", ["chancery"], [*own, MAY_PUT])


@pytest.mark.parametrize(
    ("principal", "sources", "expected"),
    [
        (STRANGER, ["my.application"], True),
        (STRANGER, ["chancery"], False),
        (STRANGER, ["my.application", "chancery"], False),
        ("arn:aws:iam::123456789012:root", ["chancery"], False),
        ("arn:RecordAuditLogsRoleNot", ["chancery"], False),
        (None, ["chancery"], False),  # an AWS service
        (None, ["aws.s3"], True),
    ],
)
def test_another_application_may_put_events_of_its_own_source_only(principal, sources, expected):
    assert may_put(principal, sources, [MAY_PUT]) is expected


def test_the_bus_allows_nothing_by_itself():
    assert not may_put(STRANGER, ["my.application"], [])


def test_without_the_policy_another_application_could_use_our_source(monkeypatch):
    rest = {name: item for name, item in transformed().items() if item["Type"] != "AWS::Events::EventBusPolicy"}
    monkeypatch.setattr("tests.unit.template.test_bus_policy.transformed", lambda: rest)

    assert may_put(STRANGER, ["chancery"], [MAY_PUT])

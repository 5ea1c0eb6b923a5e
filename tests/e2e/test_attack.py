"""A selection of the attack on the deployed stack; `python -m tests.attack` sends all of it."""

import json

import pytest

from tests.attack.after import log_groups_with_credentials, objects_with_credentials, violations
from tests.attack.classes import CLASSES
from tests.attack.discovery import prepare
from tests.attack.probe import FOREIGN, OWN
from tests.attack.runner import run
from tests.attack.target import Target
from tests.attack.wire import Wire


@pytest.fixture(scope="module")
def target(settings, running) -> Target:
    return Target.of(settings.stack_file)


@pytest.fixture(scope="module")
def wire(target):
    wire = Wire(target.api_url)
    prepare(target, wire)
    yield wire
    wire.close()


@pytest.mark.parametrize("attack", CLASSES, ids=lambda attack: attack.name)
def test_nothing_is_reached_that_must_not_be(target, wire, attack):
    (outcome,) = run(target, wire, [attack], limit=12).values()

    assert outcome.failures == []
    assert outcome.probes == 12


def test_nothing_of_the_attack_is_stored_that_must_not_be(target, wire, settings, aws):
    stack = json.loads(settings.stack_file.read_text())

    assert [*violations(stack["mongodb"]["admin"])] == []
    assert [*objects_with_credentials(aws("s3"))] == []
    assert [*log_groups_with_credentials(aws("logs"))] == []


def test_both_tenants_have_something_to_be_found(target, wire):
    lists = {path for _, path in target.items}

    assert len(lists) >= 8
    assert {(tenant, path) for path in lists for tenant in (OWN, FOREIGN)} <= target.items.keys()

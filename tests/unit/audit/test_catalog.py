"""The catalogue against the inventory it is made of."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

import chancery
from chancery.audit.catalog import catalogue
from chancery.audit.search import coverage
from tests.builders import NOON


def test_it_holds_the_whole_inventory():
    counts = catalogue().as_json()["counts"]

    assert counts == {"actions": 172, "triggers": 183, "domains": 28, "added": counts["added"]}


def test_actions_beyond_the_inventory_are_marked_as_added():
    rows = files("chancery.audit").joinpath("data", "added_actions.csv").read_text().splitlines()[1:]

    assert len(rows) == catalogue().as_json()["counts"]["added"]
    assert all(catalogue().get(row.split(",")[1]).added for row in rows)


def test_an_action_has_each_of_its_triggers_with_its_domain():
    approved = catalogue().get("context.approved")

    assert [trigger.domain for trigger in approved.triggers] == ["Tenant-Facing — Pipeline Approvals", "Mobile App"]


@pytest.mark.parametrize(
    ("action", "reserved"),
    [
        ("tenant.crossed", True),
        ("tenant.updated", False),
        ("audit_log.exported", True),
        ("audit_log.shredded", True),
        ("archive.run_started", True),
        ("archive.opened", True),
        ("contract.issued", True),
        ("contract.signed", False),
        ("skill.viewed", True),
        ("skill.updated", False),
        ("archived.thing", False),
        ("archive_box.opened", False),
    ],
)
def test_actions_about_chancery_itself_are_reserved(action, reserved):
    assert catalogue().is_reserved(action) is reserved


def test_no_action_of_a_host_is_reserved():
    named = catalogue().as_json()["actions"]
    own = [item["action"] for item in named if {trigger["domain"] for trigger in item["triggers"]} == {"Chancery"}]

    assert [item["action"] for item in named if item["reserved"]] == own
    assert {"tenant.crossed", "contract.issued", "audit_log.exported"} < set(own)


def test_every_action_of_our_own_is_catalogued_so_that_strict_tenants_take_it():
    sources = [path.read_text() for path in Path(chancery.__path__[0]).rglob("*.py")]
    call = re.compile(r'record(?:_all)?\([^"()]*(?:\([^()]*\)[^"()]*)*"(\w+\.\w+)"')
    named = {action for text in sources for action in call.findall(text)}

    assert len(named) > 25
    assert {action for action in named if catalogue().get(action) is None} == set()


@pytest.mark.parametrize("event", list(catalogue().key_events))
def test_every_key_event_is_a_catalogued_action(event):
    assert catalogue().get(catalogue().key_events[event]) is not None


def test_key_events_the_inventory_lacks_are_marked_as_added():
    assert catalogue().get("payment.failed").added
    assert not catalogue().get("strategy.approved").added


@pytest.mark.parametrize("action", ["ai_chat_thread.created", "credits.topup_webhook_received", "agent_run.completed"])
def test_a_deliberately_unlogged_action_has_a_reason(action):
    assert catalogue().exclusion(action).reason


def test_no_exclusion_refuses_a_catalogued_action():
    assert not [name for name in catalogue().actions if catalogue().exclusion(name)]


def test_coverage_lists_seen_actions_with_their_times_and_unseen_ones():
    found = coverage({"user.login": NOON, "user.registered": NOON, "custom.thing": NOON})

    auth = found["domains"][0]
    assert (auth["domain"], auth["seen"], auth["unseen"]) == ("Auth & Identity", 2, 4)
    assert {item["action"] for item in auth["actions"] if not item["seen"]} == {
        "tenant.created",
        "user.profile_updated",
        "user.password_changed",
        "user.password_reset",
    }
    assert found["uncatalogued"] == [{"action": "custom.thing", "lastSeen": "2026-03-01T12:00:00.000Z"}]

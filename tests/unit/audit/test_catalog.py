"""The catalogue against the inventory it is made of."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

import chancery
from chancery.audit.catalog import catalogue, path_pattern
from chancery.audit.search import coverage
from tests.builders import NOON

TRIGGERS = [trigger for action in catalogue().actions.values() for trigger in action.triggers if trigger.path]


def test_it_holds_the_whole_inventory():
    counts = catalogue().as_json()["counts"]

    assert counts == {"actions": 172, "triggers": 183, "domains": 28, "added": counts["added"]}


def test_what_was_added_is_not_in_the_inventory_and_marked():
    rows = files("chancery.audit").joinpath("data", "added_actions.csv").read_text().splitlines()[1:]

    assert len(rows) == catalogue().as_json()["counts"]["added"]
    assert all(catalogue().get(row.split(",")[1]).added for row in rows)


def test_an_action_with_several_triggers_keeps_each_with_its_domain():
    approved = catalogue().get("context.approved")

    assert [trigger.domain for trigger in approved.triggers] == ["Tenant-Facing — Pipeline Approvals", "Mobile App"]


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
def test_what_is_deliberately_not_logged_has_a_reason(action):
    assert catalogue().exclusion(action).reason


def test_no_exclusion_refuses_a_catalogued_action():
    assert not [name for name in catalogue().actions if catalogue().exclusion(name)]


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: f"{trigger.method} {trigger.path}")
def test_every_route_is_recognised_as_its_action(trigger):
    path = trigger.path.replace(":goalId", "g-7").replace(":id", "x-1")

    match = catalogue().match(trigger.method, path)

    assert match.action == trigger.action
    assert set(match.parameters.values()) <= {"x-1", "g-7"}


def test_a_trigger_in_words_is_no_route():
    inventory = [trigger for action in catalogue().actions.values() if not action.added for trigger in action.triggers]
    words = {trigger.text for trigger in inventory if not trigger.path}

    assert (len(inventory), len(words)) == (183, 60)
    assert "PATCH /tenant blog post" in words
    assert not [text for text in words if "/v1/" in text and text != "PATCH /tenant blog post"]


def test_a_remark_in_brackets_is_no_part_of_a_route():
    (trigger,) = catalogue().get("rag_config.updated").triggers

    assert (trigger.method, trigger.path) == ("PATCH", "/admin/v1/rag-config")


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: f"{trigger.method} {trigger.path}")
def test_a_route_is_all_of_its_trigger_but_a_remark(trigger):
    rest = trigger.text.removeprefix(f"{trigger.method} {trigger.path}")

    assert rest == "" or (rest.startswith(" (") and rest.endswith(")"))


def test_a_path_is_text_but_for_its_placeholders():
    pattern = path_pattern("/files/report.pdf/:id")

    assert pattern.fullmatch("/files/report.pdf/1/")["id"] == "1"
    assert not pattern.fullmatch("/files/report-pdf/1")


def test_an_excluded_route_is_recognised_as_excluded():
    match = catalogue().match("POST", "/aichat/v1/threads/t-1")

    assert match.action is None
    assert "volume" in match.exclusion.reason


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/dm/v1/blog/1/approve"), ("POST", "/x"), ("POST", "/dm/v1/blog//approve"), ("PATCH", "/tenant")],
)
def test_other_routes_are_nothing(method, path):
    assert catalogue().match(method, path) is None


def test_coverage_says_what_was_seen_when_and_what_was_not():
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

"""The routes of the audit catalogue, as the client reads them."""

import pytest

from chancery.audit.catalog import catalogue
from chancery_client.routes import match_catalogue, parse_route, path_pattern
from tests.unit.client.host import TRIGGERS

INVENTORY = [trigger for action in catalogue().actions.values() if not action.added for trigger in action.triggers]
each_route = pytest.mark.parametrize(("method", "path", "trigger"), TRIGGERS, ids=[f"{m} {p}" for m, p, _ in TRIGGERS])


@each_route
def test_every_route_of_the_catalogue_is_matched_to_its_action(method, path, trigger):
    match = match_catalogue(method, path.replace(":goalId", "g-7").replace(":id", "x-1"))

    assert match.action == trigger.action
    assert set(match.parameters.values()) <= {"x-1", "g-7"}


def test_a_trigger_in_words_is_not_a_route():
    words = {trigger.text for trigger in INVENTORY if not parse_route(trigger.text)}

    assert (len(INVENTORY), len(words)) == (183, 60)
    assert "PATCH /tenant blog post" in words
    assert not [text for text in words if "/v1/" in text and text != "PATCH /tenant blog post"]


def test_a_remark_in_brackets_is_not_part_of_a_route():
    (trigger,) = catalogue().get("rag_config.updated").triggers

    assert parse_route(trigger.text) == ("PATCH", "/admin/v1/rag-config")


@each_route
def test_a_route_is_the_whole_trigger_except_a_remark(method, path, trigger):
    rest = trigger.text.removeprefix(f"{method} {path}")

    assert rest == "" or (rest.startswith(" (") and rest.endswith(")"))


def test_a_path_is_literal_text_except_its_placeholders():
    pattern = path_pattern("/files/report.pdf/:id")

    assert pattern.fullmatch("/files/report.pdf/1/")["id"] == "1"
    assert not pattern.fullmatch("/files/report-pdf/1")


@pytest.mark.parametrize("path", ["/aichat/v1/threads", "/aichat/v1/threads/t-1", "/dm/v1/search-terms/trigger"])
def test_an_excluded_route_is_matched_to_no_action(path):
    assert match_catalogue("POST", path).action is None


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/dm/v1/blog/1/approve"), ("POST", "/x"), ("POST", "/dm/v1/blog//approve"), ("PATCH", "/tenant")],
)
def test_another_route_has_no_match(method, path):
    assert match_catalogue(method, path) is None

"""Messages in a chat: what is in them, and what other people's text cannot do."""

import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.core.formats.identifiers import HIDDEN
from chancery.destinations.senders.payloads import payload_of
from chancery.destinations.senders.slack import slack_body
from tests.messages import NOW, delivery_of, destination_of, event_of, senders

HOSTILE = [
    "<!channel>",
    "<!here|here>",
    "<@U0123ABCD>",
    "<https://evil.example|Sign in>",
    "[Sign in](https://evil.example)",
    "[Sign in][1]",
    "@channel @here @all",
    "~town-square",
    "line\nTenant: other\r\nReference: forged",
    "line\u2028Tenant: other\u2029",
    "right\u202eto left\u202c\u2066",
    "nul\0bell\a escape\x1b[31m",
    "&lt;!channel&gt;",
    "x" * 100_000,
    "<" * 100_000,
]


def text_of(**data) -> str:
    return slack_body(payload_of("acme", event_of(5, **data)))["text"]


def test_an_event_says_what_happened_by_whom_to_what():
    text = text_of(description="Sarah changed the title", actorName="Sarah Chen", resourceName="Ten tips")

    assert text.split("\n") == [
        "audit.blog_post.updated: Sarah changed the title",
        "Actor: Sarah Chen",
        "Resource: Ten tips",
        "Tenant: acme",
        "Time: 2026-03-01T12:00:00.000Z",
        "Reference: 01J00000000AUDIT0000000005",
    ]


def test_an_alert_says_how_many_since_when_and_where_to_look():
    content = {
        "count": 12,
        "from": "2026-03-01T11:58:00.000Z",
        "to": "2026-03-01T12:00:00.000Z",
        "link": "https://view.example.org/?a=1&b=2",
    }
    to = destination_of("webhook", "https://hooks.example.org/", format="slack")
    message = senders()["webhook"].prepare(to, delivery_of([], kind="alert", content=content), [], NOW)

    assert orjson.loads(message.body)["text"].split("\n")[:4] == [
        "Alert: 12 events of log.error",
        "From: 2026-03-01T11:58:00.000Z",
        "To: 2026-03-01T12:00:00.000Z",
        "See: https://view.example.org/?a=1&amp;b=2",
    ]


@pytest.mark.parametrize("field", ["description", "actorName", "resourceName"])
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_the_text_of_other_people_makes_no_link_no_mention_and_no_line(field, value):
    expected = text_of(**{field: "value"})

    check(text_of(**{field: value}), expected)


@given(st.text(), st.text(), st.text())
def test_no_text_makes_a_link_a_mention_or_a_line(description, actor, resource):
    given = {"description": description, "actorName": actor, "resourceName": resource}
    expected = text_of(**{name: value and "value" for name, value in given.items()})

    check(text_of(**given), expected)


def check(text: str, expected: str) -> None:
    assert text.count("\n") == expected.count("\n")
    assert not HIDDEN.search(text.replace("\n", "").replace("\N{ZERO WIDTH SPACE}", ""))
    assert "<" not in text and ">" not in text
    assert not re.search(r"&(?!amp;|lt;|gt;)", text)
    assert not re.search(r"(?<!\w)@\w", text)
    assert "](" not in text and "][" not in text
    assert len(text) < 6_000


def test_a_message_turns_markup_off():
    assert slack_body(payload_of("acme", event_of()))["mrkdwn"] is False

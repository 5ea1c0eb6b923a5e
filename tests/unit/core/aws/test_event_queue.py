"""Rejects and dead letters of a message, and the fields of its envelope."""

import json

import pytest

from chancery.core.aws.event_queue import EventQueue, event_of
from chancery.core.detectors import SHARED
from chancery.core.errors import Unavailable, ValidationFailed
from chancery.core.redaction import redact
from tests.builders import envelope, message
from tests.unit.core.redaction.secrets import AWS_KEY, JWT


class Sent(list):
    """A queue."""

    def send(self, body: str, delay: int = 0) -> None:
        self.append(body)

    def defer(self, messages) -> None:
        pass


def consumed(body, reason, receives: int = 1) -> tuple[Sent, Sent]:
    rejects, dead = Sent(), Sent()
    events = EventQueue(Sent(), rejects, dead, 5, SHARED, lambda detail, using: redact(detail, using=using))
    events.consume([message(body, receives)], lambda messages: [reason for _ in messages])
    return rejects, dead


AROUND = {
    "resources": [f"Bearer {JWT}"],
    "source": "4111111111111111",
    "password": "hunter2",
    "a": [{"email": "hunter2"}],
}
SECRETS = (JWT, "4111111111111111", "hunter2", AWS_KEY)


@pytest.mark.parametrize(
    "body",
    [
        envelope({"token": "hunter2"}, **AROUND),
        {"password": "hunter2", "note": AWS_KEY},
        {"detail-type": {"password": "hunter2"}, "detail": f"Bearer {JWT}"},
        ["hunter2", {"email": "hunter2"}][1:],
        f"Bearer {JWT}",
    ],
)
def test_any_malformed_message_is_rejected_redacted(body):
    (rejected,), dead = consumed(body, ValidationFailed("no"))

    assert not dead
    assert not any(secret in rejected for secret in SECRETS)


def test_a_dead_letter_is_redacted_and_still_the_same_event():
    sent = envelope({"token": "hunter2"}, **AROUND)

    _, (dead,) = consumed(sent, Unavailable("away"), receives=5)

    assert not any(secret in dead for secret in SECRETS)
    assert all(json.loads(dead)[name] == sent[name] for name in ("id", "time", "detail-type"))
    assert consumed(json.loads(dead), Unavailable("away"), receives=5)[1] == [dead]


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", 5])
def test_a_time_that_is_none_is_left_out(time):
    sent = message(envelope({}, time=time))

    assert event_of(sent, "Record Audit Event").happened is None


@pytest.mark.parametrize(
    ("source", "counted"),
    [
        ("my.app", "my.app"),
        ("aws.partner/x.example", "aws.partner/x.example"),
        ("4111111111111111", "unknown"),
        ("grüße", "unknown"),
        ("x" * 201, "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        ({"$gt": 1}, "unknown"),
    ],
    ids=str,
)
def test_rejects_are_counted_by_the_source_of_the_event(capsys, source, counted):
    consumed(envelope({"a": 1}, source=source), ValidationFailed("no"))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [line["source"] for line in lines if line.get("EventsRejected") and "source" in line] == [counted]


def test_the_rejects_of_messages_that_are_no_events_are_counted_too(capsys):
    for body in ("no JSON", ["a"], {"source": "my.app"}):
        consumed(body, ValidationFailed("no"))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    counted = [line["source"] for line in lines if line.get("EventsRejected") and "source" in line]
    assert counted == ["unknown", "unknown", "my.app"]

"""Events on a customer's bus."""

import boto3
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from chancery.destinations.ports import Unsendable
from chancery.destinations.senders.aws_access import CustomerAccount
from chancery.destinations.senders.eventbridge import EventBridgeSender, _calls
from tests.messages import NOW, delivery_of, destination_of, event_of, senders

ROLE = "arn:aws:iam::123456789012:role/chancery"
BUS = "arn:aws:events:us-east-1:123456789012:event-bus/customer"
SECONDS = 25


def destination(url=BUS, **fields):
    return destination_of("eventbridge", url, roleArn=ROLE, **fields)


@pytest.fixture
def queue(monkeypatch):
    """A queue that gets everything from a bus of the customer."""
    from chancery.core.aws import clients

    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setattr(clients, "client", boto3.client)
        sqs, events = boto3.client("sqs"), boto3.client("events")
        url = sqs.create_queue(QueueName="all")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.create_event_bus(Name="customer")
        events.put_rule(Name="all", EventBusName="customer", EventPattern='{"source": ["chancery"]}')
        events.put_targets(Rule="all", EventBusName="customer", Targets=[{"Id": "q", "Arn": arn}])
        yield lambda: _received(sqs, url)


def _received(sqs, url):
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(orjson.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def test_a_chunk_arrives_on_the_bus(queue):
    events = [event_of(sequence) for sequence in range(1, 26)]
    sender, to = senders()["eventbridge"], destination()

    result = sender.send(to, sender.prepare(to, delivery_of(events), events, NOW), SECONDS)

    received = sorted(queue(), key=lambda event: event["detail"]["sequence"])
    assert (result.verdict, result.rejected) == ("accepted", 0)
    assert [event["detail"]["data"]["refId"] for event in received] == [event.item.ref_id for event in events]
    assert received[0]["source"] == "chancery"
    assert received[0]["detail-type"] == "audit.blog_post.updated"
    assert received[0]["time"] == "2026-03-01T12:00:00Z"
    assert received[0]["detail"] == {
        "type": "audit.blog_post.updated",
        "timestamp": "2026-03-01T12:00:00.000Z",
        "source": "audit",
        "sequence": 1,
        "leafIndex": 0,
        "data": {**events[0].data, "tenantId": "acme"},
    }


class Bus:
    """A bus that does not take some entries: sequence → the codes with which it is refused, one after the other."""

    def __init__(self, refusals):
        self.refusals = {sequence: list(codes) for sequence, codes in refusals.items()}
        self.calls, self.taken = [], []

    def client(self, *_):
        return self

    def put_events(self, Entries):
        self.calls.append([orjson.loads(entry["Detail"])["sequence"] for entry in Entries])
        return {"Entries": [self._answer(sequence) for sequence in self.calls[-1]]}

    def _answer(self, sequence):
        if codes := self.refusals.get(sequence):
            return {"ErrorCode": codes.pop(0), "ErrorMessage": "no"}
        self.taken.append(sequence)
        return {"EventId": "1"}


def sent_to(bus, numbers):
    events = [event_of(sequence) for sequence in numbers]
    sender, to = EventBridgeSender(CustomerAccount(bus)), destination()
    return sender.send(to, sender.prepare(to, delivery_of(events), events, NOW), SECONDS)


def test_only_entries_that_failed_are_put_again():
    bus = Bus({3: ["ThrottlingException"], 12: ["InternalFailure", "InternalFailure"]})

    result = sent_to(bus, range(1, 13))

    assert result.verdict == "accepted"
    assert bus.calls == [[*range(1, 11)], [11, 12], [3, 12], [12]]
    assert sorted(bus.taken) == [*range(1, 13)]


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("ThrottlingException", "slow_down"),
        ("InternalFailure", "failed"),
        ("AccessDeniedException", "unauthorized"),
    ],
)
def test_an_entry_that_fails_each_time_fails_the_attempt(code, verdict):
    bus = Bus({2: [code] * 10})

    result = sent_to(bus, [1, 2, 3])

    assert result.verdict == verdict
    assert bus.calls == [[1, 2, 3], [2], [2]]


def test_an_entry_that_is_refused_for_ever_is_counted():
    bus = Bus({2: ["MalformedDetail"]})

    result = sent_to(bus, [1, 2, 3])

    assert (result.verdict, result.rejected) == ("accepted", 1)
    assert bus.calls == [[1, 2, 3]]


def test_a_message_of_which_every_entry_is_refused_is_unsendable():
    assert sent_to(Bus({1: ["MalformedDetail"], 2: ["InvalidArgument"]}), [1, 2]).verdict == "unsendable"


@given(st.lists(st.integers(1, 200_000), min_size=1, max_size=40))
def test_calls_are_within_the_limits_and_have_every_entry_once_in_order(sizes):
    entries = [{"Detail": "x" * size, "at": at} for at, size in enumerate(sizes)]

    calls = list(_calls(entries))

    assert [entry["at"] for call in calls for entry in call] == list(range(len(sizes)))
    assert all(1 <= len(call) <= 10 for call in calls)
    assert all(sum(len(entry["Detail"]) + 14 + 8 + 128 for entry in call) <= 262_144 for call in calls)


@pytest.mark.parametrize("url", ["https://example.org/", "arn:aws:events:us-east-1:1:event-bus/x", "arn:aws:sqs:::x"])
def test_a_url_of_no_bus_is_unsendable(url):
    event = event_of()

    with pytest.raises(Unsendable):
        senders()["eventbridge"].prepare(destination(url), delivery_of([event]), [event], NOW)


def test_a_large_event_is_cut_and_fits_in_a_call(queue):
    sender, to, event = senders()["eventbridge"], destination(), event_of(1, details="é" * 300_000)

    result = sender.send(to, sender.prepare(to, delivery_of([event]), [event], NOW), SECONDS)

    assert result.verdict == "accepted"
    assert queue()[0]["detail"]["omitted"] == ["details"]


@pytest.mark.parametrize(("seconds_of_call", "calls"), [(1, 3), (10, 3), (13, 2), (30, 1)])
def test_no_call_is_begun_when_the_time_is_over(monkeypatch, seconds_of_call, calls):
    bus, time = Bus({}), [0.0]
    real = bus.put_events

    def put_events(Entries):
        time[0] += seconds_of_call
        return real(Entries)

    monkeypatch.setattr(bus, "put_events", put_events)
    monkeypatch.setattr("chancery.destinations.senders.eventbridge.monotonic", lambda: time[0])

    result = sent_to(bus, range(1, 26))

    assert len(bus.calls) == calls
    assert (result.verdict, result.reason) == (("accepted", "http_200") if calls == 3 else ("failed", "timeout"))

"""What holds for each kind of destination: its limits, other people's text, and that nothing of it is a header."""

import subprocess
import sys
from typing import get_args

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chancery.destinations.models import Kind
from chancery.destinations.ports import Unsendable
from chancery.destinations.senders.payloads import payload_of
from tests.messages import (
    DESTINATIONS,
    NOW,
    content_of,
    delivery_of,
    destination_of,
    event_of,
    payloads_in,
    senders,
    sizes_in,
)
from tests.misbehaving_peer import misbehaving_peer
from tests.profiles import examples

KINDS = sorted(DESTINATIONS)
BATCHES = [kind for kind in KINDS if kind != "webhook"]
HOSTILE = {
    "control characters": "a\0b\x07\x1b[31m\x7f",
    "lines": "one\r\ntwo\nthree\u2028four\u2029\x85",
    "direction": "\u202eevil\u202c \u2066x\u2069",
    "header": "x\r\nX-Injected: 1\r\n\r\n{}",
    "json": '"}],{"event": 1}\n{"a',
    "markup": "<!channel> <https://evil.example|x> [x](https://evil.example)",
    "xml": "<a>&amp;]]>",
    "emoji": "😀\U0010ffff\ufffe",
}


def destination(kind, **fields):
    return destination_of(kind, **DESTINATIONS[kind] | fields)


def prepared(kind, events, **fields):
    return senders()[kind].prepare(destination(kind, **fields), delivery_of(events), events, NOW)


def chunks(kind, to, events):
    """The events in chunks, filled by limits and sizes as a run fills them."""
    sender, limits = senders()[kind], senders()[kind].limits(to.document)
    found, size = [[]], 0
    for event in events:
        of_event = sender.size(to.document, event)
        if found[-1] and (len(found[-1]) >= limits.entries or size + of_event > limits.payload_bytes):
            found.append([])
            size = 0
        found[-1].append(event)
        size += of_event
    return found


def test_every_kind_has_a_sender_and_is_tested_here():
    assert set(senders()) == set(get_args(Kind)) == set(KINDS)
    assert len(senders()) == len(KINDS)


@pytest.mark.parametrize("format_", ["json", "ocsf"])
@pytest.mark.parametrize("kind", BATCHES)
@given(
    sizes=st.lists(st.sampled_from([0, 10, 1_000, 50_000, 300_000, 900_000, 1_100_000]), min_size=1, max_size=25),
    letter=st.sampled_from(["x", "é", "😀", '"', "\n"]),
    repeated=st.sampled_from([1, 1, 1, 60]),
)
@settings(max_examples=examples(60))
def test_no_chunk_and_no_event_of_it_is_beyond_the_limits(kind, format_, sizes, letter, repeated):
    to, limits = destination(kind, format=format_), senders()[kind].limits({})
    sizes = sizes if max(sizes) > 1_000 else sizes * repeated
    events = [event_of(at, details=letter * size, actorName="Sarah") for at, size in enumerate(sizes, 1)]

    found = []
    for chunk in chunks(kind, to, events):
        message = senders()[kind].prepare(to, delivery_of(chunk), chunk, NOW)
        sizes_of_events = sizes_in(kind, message)
        assert len(sizes_of_events) <= limits.entries
        assert max(sizes_of_events) <= limits.entry_bytes
        size = sum(sizes_of_events) if kind == "eventbridge" else len(content_of(message))
        assert size <= limits.payload_bytes + 2_000  # the frame of OTLP
        found += payloads_in(kind, message)

    assert len(found) == len(events)  # each has arrived, in order
    names = {"json": lambda payload: payload["sequence"], "ocsf": lambda payload: payload["metadata"]["sequence"]}
    assert [names[format_](payload) for payload in found] == [event.item.sequence for event in events]


@pytest.mark.parametrize("name", sorted(HOSTILE))
@pytest.mark.parametrize("kind", KINDS)
def test_text_arrives_as_it_is_and_changes_nothing_around_it(kind, name):
    text = HOSTILE[name]
    event = event_of(5, description=text, actorName=text, resourceId=text, changes={text.replace("\0", ""): [text]})

    message = prepared(kind, [event])

    assert payloads_in(kind, message) == [payload_of("acme", event)]
    plain = prepared(kind, [event_of(5)])
    assert [name for name, _ in message.headers] == [name for name, _ in plain.headers]
    assert kind == "s3" or message.headers == plain.headers  # of S3 the second of a pair is a length
    assert message.url == plain.url


@pytest.mark.parametrize("format_", ["json", "ocsf"])
@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, [2**70], {1, 2}], ids=["text", "name", "number", "type"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_no_receiver_takes_is_left_out_and_holds_up_no_other_event(kind, value, format_):
    events = [event_of(1, details=value)] if kind == "webhook" else [event_of(n, details=value) for n in (1, 2)]

    payloads = payloads_in(kind, prepared(kind, events, format=format_))

    for event, payload in zip(events, payloads, strict=True):
        rest = payload["unmapped"] if format_ == "ocsf" else payload
        assert "details" in rest["omitted"]
        assert event.item.ref_id in (payload.get("data", {}).get("refId"), payload.get("metadata", {}).get("uid"))
    assert senders()[kind].size(destination(kind, format=format_).document, events[0]) > 0


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        *((kind, "header") for kind in ("webhook", "splunk_hec", "datadog", "otlp")),
        *((kind, "token") for kind in ("splunk_hec", "datadog")),
    ],
)
def test_a_line_end_in_a_secret_sends_nothing(kind, where):
    with misbehaving_peer() as peer:
        injected = "x\r\nX-Injected: 1"
        fields = {"headers": {"X-Own": injected}} if where == "header" else {"token": injected}
        to, event = destination(kind, **{"url": peer.url, **fields}), event_of()
        sender = senders()[kind]

        result = sender.send(to, sender.prepare(to, delivery_of([event]), [event], NOW), 20)

        assert (result.verdict, result.reason) == ("unsendable", "request_refused")
        assert "Injected" not in result.detail
        assert peer.requests == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_that_is_gone_is_left_out_and_a_message_without_any_cannot_be_made(kind):
    with pytest.raises(Unsendable) as refused:
        senders()[kind].prepare(destination(kind), delivery_of([event_of()]), [], NOW)

    assert refused.value.reason == "events_expired"


@pytest.mark.parametrize("kind", BATCHES)
def test_a_destinations_own_age_is_that_of_its_chunks(kind):
    sender = senders()[kind]

    assert sender.limits({"maxAgeSeconds": 7}).age.total_seconds() == 7
    assert sender.limits({"maxAgeSeconds": None}) == sender.limits({})


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_logged_of_a_stream_is_its_range_and_hash(kind):
    events = [event_of(sequence) for sequence in ((5,) if kind == "webhook" else (5, 6, 7))]
    logged = prepared(kind, events).logged_body

    if kind == "webhook":
        assert logged == payload_of("acme", events[0])
    else:
        assert {name: logged[name] for name in ("source", "first", "last", "count")} == {
            "source": "audit",
            "first": 5,
            "last": 7,
            "count": 3,
        }
        assert len(logged["sha256"]) == 64
        assert events[0].item.ref_id not in orjson.dumps(logged).decode()


_PROBE = """
import sys
from chancery.destinations.senders.by_kind import Senders
senders = Senders(lambda: None, lambda: None)
sender = senders[sys.argv[1]]
heavy = ("boto3", "h11", "google.protobuf", "chancery.destinations.senders.ocsf")
print(",".join(name for name in heavy if name in sys.modules))
"""


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("webhook", ""),
        ("splunk_hec", ""),
        ("datadog", ""),
        ("s3", ""),
        ("eventbridge", ""),
        ("otlp", "google.protobuf"),
    ],
)
def test_a_sender_imports_what_is_heavy_on_use_only(kind, expected):
    done = subprocess.run([sys.executable, "-c", _PROBE, kind], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == expected

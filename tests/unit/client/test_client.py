"""The fire-and-forget client with a fake bus."""

import pytest

from chancery_client import Correlation, correlated, write_audit_log
from chancery_client import client as client_module
from chancery_client.redaction import REDACTED
from tests.conditions import eventually
from tests.unit.client.bus import write


def test_an_event_arrives_with_the_apis_field_names_an_id_and_its_time(make, bus):
    client = make()

    write(client, actor_name="Sarah", ip_address="203.0.113.7")

    assert client.flush(60)
    (detail,) = bus.details
    assert detail["actorName"] == "Sarah"
    assert detail["ipAddress"] == "203.0.113.7"
    assert len(detail["eventId"]) == 26
    assert detail["createdOn"].endswith("Z")
    assert (client.stats.accepted, client.stats.sent) == (1, 1)


def test_events_are_sent_in_calls_of_ten_in_the_order_they_were_written(make, bus):
    client = make()
    bus.open.clear()

    for at in range(95):
        write(client, f"r-{at}")
    bus.open.set()

    assert client.flush(60)
    assert bus.ids == [f"r-{at}" for at in range(95)]
    assert max(bus.calls) == 10
    assert len(bus.calls) < 20


def test_nothing_leaves_the_process_unredacted(make, bus, tmp_path):
    client = make()
    secret = {"email": "a@b.example", "deep": [{"password": "hunter2"}]}

    write(client, before=secret, description="Bearer mF_9.B5f-4.1JqM")
    client.flush()
    bus.unavailable = True
    write(client, before=secret)
    client.flush()

    spooled = "".join(path.read_text() for path in (tmp_path / "spool").iterdir())
    assert bus.details[0]["before"] == {"email": REDACTED, "deep": [{"password": REDACTED}]}
    assert bus.details[0]["description"] == REDACTED
    assert "hunter2" not in spooled
    assert "a@b.example" not in spooled


def test_a_full_queue_drops_and_counts_and_never_waits(make, bus):
    client = make(capacity=10)
    bus.open.clear()

    for at in range(20_000):
        write(client, f"r-{at}")
    assert bus.calls == []
    bus.open.set()

    assert client.flush(60)
    stats = client.stats
    assert stats.accepted == 20_000
    assert stats.dropped > 10_000
    assert stats.accepted == stats.sent + stats.dropped


def unreadable():
    class Unreadable:
        def __str__(self):
            raise ValueError("no")

    return Unreadable()


def endless():
    found: dict = {"twice": 1}
    found["self"] = [found, found]
    return found


def nested(levels):
    found: dict = {}
    for _ in range(levels):
        found = {"a": found}
    return found


@pytest.mark.parametrize(
    ("value", "replaced"),
    [
        (2**70, str(2**70)),
        ("a\udc80b", "a?b"),
        ({(1, 2): 3}, {"[1, 2]": 3}),
        (unreadable(), "<Unreadable>"),
        ([1, {"deep": 2**64}], [1, {"deep": str(2**64)}]),
        (10**5000, "<int>"),
    ],
    ids=["integer", "surrogate", "tuple key", "no text", "deep", "huge integer"],
)
def test_a_value_that_json_cannot_hold_is_replaced_and_the_event_sent(make, bus, value, replaced):
    client = make()

    write(client, metadata={"odd": value, "email": "a@b.example", "plain": 1})

    assert client.flush(60)
    degraded = {"replaced": ["metadata"]}
    assert bus.details[0]["metadata"] == {"odd": replaced, "email": REDACTED, "plain": 1, "_degraded": degraded}
    assert (client.stats.accepted, client.stats.sent) == (1, 1)


@pytest.mark.parametrize("value", [endless(), nested(400)], ids=["endless", "nested"])
def test_a_value_nested_too_deep_is_cut_and_the_event_sent(make, bus, value):
    client = make()

    write(client, "deep", metadata=value, description="kept")
    write(client, "after")

    assert client.flush(60)
    assert bus.ids == ["deep", "after"]
    assert bus.details[0]["description"] == "kept"


def test_an_event_may_be_one_mapping_in_camel_or_snake_case(make, bus):
    client = make()

    client.write({"actorId": "u-1", "resource_id": "r-1", "action": "blog_post.approved"}, tenant_id="acme")

    assert client.flush(60)
    assert (bus.details[0]["actorId"], bus.details[0]["tenantId"]) == ("u-1", "acme")


@pytest.mark.parametrize("given", [("x",), (1, 2), ({}, {}), ([("a", 1)],)], ids=str)
def test_arguments_that_are_not_an_event_are_counted_as_rejected(make, given):
    client = make()

    client.write(*given)

    assert (client.stats.accepted, client.stats.rejected) == (1, 1)


def test_the_default_client_accepts_any_arguments(monkeypatch, make, bus):
    client = make()
    monkeypatch.setattr(client_module, "default_client", lambda: client)

    write_audit_log({"resourceId": "r-1", "action": "post.read"})
    write_audit_log("x")
    write_audit_log(self="a field of that name", resource_id="r-2", action="post.read")

    assert client.flush(60)
    assert bus.ids == ["r-1", "r-2"]
    assert client.stats.rejected == 1


def test_a_process_has_one_default_client(monkeypatch):
    monkeypatch.setattr(client_module, "_default", {})

    assert client_module.default_client() is client_module.default_client()


def test_the_queue_is_bounded_by_bytes_too(make, bus):
    client = make(max_bytes=1024 * 1024)
    bus.open.clear()
    write(client)
    assert eventually(lambda: bus.tries == 1)  # from here on, the thread waits for the bus

    for at in range(40):
        write(client, f"r-{at}", metadata={"blob": "x" * 100_000})

    assert client.stats.dropped == 29
    bus.open.set()
    assert client.flush(60)


def test_later_changes_to_the_callers_objects_are_not_part_of_the_event(make, bus):
    client, state = make(), {"status": "draft"}
    bus.open.clear()

    write(client, before=state)
    state["status"] = "approved"
    bus.open.set()

    assert client.flush(60)
    assert bus.details[0]["before"] == {"status": "draft"}


def test_an_event_carries_the_trace_that_is_current_when_it_is_written(make, bus, monkeypatch):
    client = make()
    with correlated(Correlation("trace-1", "order-7")):
        write(client, "inside")
        write(client, "own", trace_id="mine")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793")
    write(client, "lambda")
    client.flush()

    found = {item["resourceId"]: item for item in bus.details}
    assert (found["inside"]["traceId"], found["inside"]["correlationId"]) == ("trace-1", "order-7")
    assert found["own"]["traceId"] == "mine"
    assert found["lambda"]["traceId"] == "5759e988bd862e3fe1be46a994272793"

"""The fire-and-forget client; the bus is the outside world."""

import json
import threading
import time

import pytest

from chancery.client import AuditClient, Correlation, correlated
from chancery.client.spill import Spill
from chancery.core.bus import MAX_BYTES
from chancery.core.redaction import REDACTED


class Bus:
    """put_events that remembers, and that can be away, block or refuse single entries."""

    def __init__(self) -> None:
        self.details: list[dict] = []
        self.calls: list[int] = []
        self.away = False
        self.refuse: set[str] = set()
        self.open = threading.Event()
        self.open.set()

    def __call__(self, Entries: list[dict]) -> dict:
        self.open.wait(10)
        if self.away:
            raise ConnectionError("away")
        self.calls.append(len(Entries))
        answers = []
        for entry in Entries:
            detail = json.loads(entry["Detail"])
            if detail["resourceId"] in self.refuse:
                answers.append({"ErrorCode": "InternalFailure"})
            else:
                self.details.append(detail)
                answers.append({"EventId": "x"})
        return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}

    @property
    def ids(self) -> list[str]:
        return [detail["resourceId"] for detail in self.details]


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def make(bus, tmp_path):
    made = []

    def client(**options) -> AuditClient:
        options = {
            "spill_dir": tmp_path / "spill",
            "retry_pause": 0.001,
            "replay_every": 0.02,
            "linger": 0.005,
        } | options
        made.append(AuditClient("bus", put_events=bus, **options))
        return made[-1]

    yield client
    bus.open.set()
    for item in made:
        item.close(2)


def write(client: AuditClient, resource_id: str = "r-1", **changes) -> None:
    fields = {"actor_id": "u-1", "action": "blog_post.approved", "resource_type": "blog_post", "tenant_id": "acme"}
    client.write(resource_id=resource_id, **(fields | changes))


def eventually(condition, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def test_an_event_arrives_in_the_apis_words_with_an_id_and_its_time(make, bus):
    client = make()

    write(client, actor_name="Sarah", ip_address="203.0.113.7")

    assert client.flush()
    (detail,) = bus.details
    assert detail["actorName"] == "Sarah"
    assert detail["ipAddress"] == "203.0.113.7"
    assert len(detail["eventId"]) == 26
    assert detail["createdOn"].endswith("Z")
    assert (client.stats.accepted, client.stats.sent) == (1, 1)


def test_events_travel_in_calls_of_ten_in_the_order_they_were_written(make, bus):
    client = make()
    bus.open.clear()

    for at in range(95):
        write(client, f"r-{at}")
    bus.open.set()

    assert client.flush()
    assert bus.ids == [f"r-{at}" for at in range(95)]
    assert max(bus.calls) == 10
    assert len(bus.calls) < 20


def test_nothing_leaves_the_process_unredacted(make, bus, tmp_path):
    client = make()
    secret = {"email": "a@b.example", "deep": [{"password": "hunter2"}]}

    write(client, before=secret, description="Bearer mF_9.B5f-4.1JqM")
    client.flush()
    bus.away = True
    write(client, before=secret)
    client.flush()

    spilled = "".join(path.read_text() for path in (tmp_path / "spill").iterdir())
    assert bus.details[0]["before"] == {"email": REDACTED, "deep": [{"password": REDACTED}]}
    assert bus.details[0]["description"] == REDACTED
    assert "hunter2" not in spilled
    assert "a@b.example" not in spilled


def test_an_entry_the_bus_refuses_is_tried_again_alone(make, bus):
    client = make()
    bus.refuse = {"r-1"}
    for at in range(3):
        write(client, f"r-{at}")
    assert client.flush()
    bus.refuse = set()

    assert eventually(lambda: sorted(bus.ids) == ["r-0", "r-1", "r-2"])
    assert client.stats.spilled == 1


def test_while_the_bus_is_away_events_wait_on_disk_and_are_replayed_once_with_their_ids(make, bus, tmp_path):
    client = make()
    bus.away = True
    for at in range(25):
        write(client, f"r-{at}")
    assert client.flush()
    stats = client.stats
    held = [
        json.loads(line) for path in (tmp_path / "spill").glob("*.ndjson") for line in path.read_text().splitlines()
    ]

    bus.away = False

    assert (stats.sent, stats.spilled, stats.dropped) == (0, 25, 0)
    assert eventually(lambda: len(bus.details) == 25)
    assert {item["eventId"] for item in held} == {item["eventId"] for item in bus.details}
    assert eventually(lambda: client.stats.replayed == 25)
    assert eventually(lambda: not list((tmp_path / "spill").glob("*.ndjson")))


def test_another_process_replays_what_one_has_left_behind(make, bus):
    bus.away = True
    first = make(replay_every=60)
    write(first, "left")
    first.flush()
    bus.away = False

    write(make(), "new")

    assert eventually(lambda: sorted(bus.ids) == ["left", "new"])


def test_the_files_are_the_owners_alone(make, bus, tmp_path):
    bus.away = True
    client = make()
    write(client)
    client.flush()

    (segment,) = (tmp_path / "spill").glob("*.ndjson")
    assert segment.stat().st_mode & 0o777 == 0o600
    assert segment.parent.stat().st_mode & 0o777 == 0o700


def test_a_torn_line_is_left_out_and_the_whole_ones_are_replayed(make, bus, tmp_path):
    folder = tmp_path / "spill"
    folder.mkdir()
    whole = json.dumps({"resourceId": "whole", "eventId": "e"})
    (folder / "00000000000000000001-1.ndjson").write_text(whole + '\n{"resourceId": "to')

    write(make(), "new")

    assert eventually(lambda: sorted(bus.ids) == ["new", "whole"])


def test_a_full_spill_folder_drops_and_counts(bus, tmp_path):
    spill = Spill(tmp_path / "spill", max_bytes=100)

    assert spill.write([b'{"a": 1}'])
    assert not spill.write([b"x" * 200])


def test_without_a_spill_folder_what_the_bus_does_not_take_is_counted(make, bus):
    bus.away = True
    client = make(spill_dir=None)

    write(client)

    assert client.flush()
    assert client.stats.dropped == 1


def test_a_full_queue_drops_and_counts_and_never_waits(make, bus):
    client = make(capacity=10)
    bus.open.clear()

    began = time.monotonic()
    for at in range(2000):
        write(client, f"r-{at}")
    took = time.monotonic() - began
    bus.open.set()

    assert client.flush()
    stats = client.stats
    assert took < 2
    assert stats.accepted == 2000
    assert stats.dropped > 1000
    assert stats.accepted == stats.sent + stats.dropped


def test_an_event_too_large_for_the_bus_is_kept_aside_with_its_reason(make, bus, tmp_path):
    client = make()

    write(client, "large", metadata={"blob": "x" * MAX_BYTES})
    write(client, "small")

    assert client.flush()
    assert bus.ids == ["small"]
    assert client.stats.rejected == 1
    kept = json.loads((tmp_path / "spill" / "rejected.jsonl").read_text())
    assert "the bus takes" in kept["reason"]
    assert kept["event"]["resourceId"] == "large"


def test_nothing_a_caller_does_raises_or_takes_others_along(make, bus):
    client = make()
    endless: dict = {}
    endless["self"] = endless

    write(client, "before")
    client.write(metadata={1: object(), "s": {1, 2}}, resource_id="odd")
    client.write(metadata=endless)
    write(client, "after")

    assert client.flush()
    assert bus.ids == ["before", "odd", "after"]
    assert client.stats.dropped == 1


def test_what_the_caller_changes_afterwards_is_not_part_of_the_event(make, bus):
    client, state = make(), {"status": "draft"}
    bus.open.clear()

    write(client, before=state)
    state["status"] = "approved"
    bus.open.set()

    assert client.flush()
    assert bus.details[0]["before"] == {"status": "draft"}


def test_the_trace_of_the_request_is_taken_when_the_event_is_written(make, bus, monkeypatch):
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


def test_a_flush_that_takes_too_long_gives_up(make, bus):
    client = make()
    bus.open.clear()
    write(client)

    assert not client.flush(0.05)


def test_closing_while_the_bus_hangs_puts_what_waits_and_what_is_under_way_on_disk(make, bus, tmp_path):
    client = make()
    bus.open.clear()
    write(client, "under way")
    assert eventually(lambda: client._queue.empty())
    write(client, "waiting")

    client.close(0.05)

    held = "".join(path.read_text() for path in (tmp_path / "spill").glob("*.ndjson"))
    assert "under way" in held
    assert "waiting" in held


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("Bearer mF_9.B5f-4.1JqM", REDACTED),
        ({"a": "hunter2"}, REDACTED),
        ("x" * 99, REDACTED),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("4111111111111111", REDACTED),
    ],
)
def test_an_address_is_kept_where_it_is_one(make, bus, address, sent):
    client = make()

    write(client, ip_address=address)

    assert client.flush()
    assert bus.details[0]["ipAddress"] == sent

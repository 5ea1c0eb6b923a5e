"""The client while the bus is unavailable, slow, or answers malformed."""

import _thread
import json

import pytest

from chancery_client.conformance import AUDIT_EVENTS
from chancery_client.event_bus import BusConnection, BusUnavailable
from chancery_client.event_format import Entry
from chancery_client.spool import Spool
from tests.conditions import eventually
from tests.unit.client.bus import on_disk, pending, write


def test_after_one_failed_call_all_events_are_spooled_without_another_try(make, bus, tmp_path):
    client = make(replay_every=60)
    bus.unavailable = True

    for at in range(250):
        write(client, f"r-{at}")
        if at % 50 == 0:
            client.flush()

    assert client.flush(60)
    assert bus.tries == 1
    assert (client.stats.spooled, client.stats.dropped) == (250, 0)
    assert len(on_disk(tmp_path / "spool")) == 250


def test_spooling_empties_the_buffer(make, bus, tmp_path):
    client = make(replay_every=60, capacity=100)
    bus.unavailable = True

    for at in range(1000):
        write(client, f"r-{at}")
        if at % 90 == 89:
            assert client.flush(60)

    assert client.flush(60)
    assert client.stats.dropped == 0


def test_probes_back_off_until_the_bus_answers():
    answers = [ConnectionError, ConnectionError, ConnectionError, ConnectionError, None]

    def put_events(Entries):
        if failure := answers.pop(0):
            raise failure
        return {"Entries": [{}]}

    connection, pauses = BusConnection("bus", "source", AUDIT_EVENTS, put_events, 10), []
    for _ in range(4):
        with pytest.raises(BusUnavailable):
            connection.put([Entry(b"{}", (0,))])
        pauses.append(round(connection.seconds_to_probe()))
    connection.put([Entry(b"{}", (0,))])

    assert pauses == [10, 20, 40, 60]
    assert (connection.available, connection.seconds_to_probe()) == (True, 0)


def test_the_next_event_reaches_a_bus_that_recovered_with_nothing_spooled(make, bus, tmp_path):
    (tmp_path / "spool").write_text("not a folder")
    client = make()
    bus.unavailable = True
    write(client, "lost")
    assert client.flush(60)
    bus.unavailable = False

    def sent() -> bool:
        write(client, "new")
        return client.flush() and client.stats.sent > 0

    assert eventually(sent)
    assert client.stats.dropped >= 1


def test_new_events_do_not_wait_behind_spooled_ones(make, bus, tmp_path):
    for at in range(3):
        Spool(tmp_path / "spool").write([json.dumps({"resourceId": f"old-{at}"}).encode()])

    def put_events(Entries):
        if "old-0" in Entries[0]["Detail"]:
            write(client, "meanwhile")
        return bus(Entries)

    client = make(put_events=put_events, replay_every=60)
    write(client, "new")

    assert eventually(lambda: bus.ids == ["new", "old-0", "meanwhile", "old-1", "old-2"])


def test_an_entry_that_the_bus_refused_is_retried_alone(make, bus):
    client = make()
    bus.refuse = {"r-1"}
    for at in range(3):
        write(client, f"r-{at}")
    assert client.flush(60)
    bus.refuse = set()

    assert eventually(lambda: sorted(bus.ids) == ["r-0", "r-1", "r-2"])
    assert client.stats.spooled == 1


def test_without_a_spool_events_that_the_bus_did_not_accept_are_counted_as_dropped(make, bus):
    bus.unavailable = True
    client = make(spool_dir=None)

    write(client)

    assert client.flush(60)
    assert client.stats.dropped == 1


@pytest.mark.parametrize("answer", [{}, {"Entries": []}, {"Entries": [None]}, None, {"Entries": [{}, {}]}])
def test_a_malformed_answer_counts_as_an_unavailable_bus(make, tmp_path, answer):
    client = make(put_events=lambda Entries: answer)

    write(client)

    assert client.flush(60)
    assert (client.stats.spooled, client.stats.dropped) == (1, 0)


def test_a_flush_that_times_out_spools_the_rest(make, bus, tmp_path):
    client = make()
    bus.open.clear()
    write(client, "under way")
    assert eventually(lambda: bus.tries == 1)
    write(client, "waiting")

    assert not client.flush(0.05)
    assert on_disk(tmp_path / "spool") == ["under way", "waiting"]
    assert pending(client.stats) == 0


def test_without_a_spool_a_flush_that_times_out_leaves_events_pending(make, bus):
    client = make(spool_dir=None)
    bus.open.clear()
    write(client)

    assert not client.flush(0.05)
    assert pending(client.stats) == 1


def test_closing_while_the_bus_hangs_spools_queued_and_pending_events(make, bus, tmp_path):
    client = make()
    bus.open.clear()
    write(client, "under way")
    assert eventually(lambda: client._worker._buffer.empty())
    write(client, "waiting")

    client.close(0.05)

    held = "".join(path.read_text() for path in (tmp_path / "spool").glob("*.ndjson"))
    assert "under way" in held
    assert "waiting" in held


def test_an_event_has_one_outcome_though_the_bus_answers_after_close(make, bus):
    client = make()
    bus.open.clear()
    write(client)
    assert eventually(lambda: bus.tries == 1)

    client.close(0.05)
    bus.open.set()

    assert eventually(lambda: not client._worker._running.locked())
    assert bus.ids == ["r-1"]
    assert (client.stats.sent, client.stats.spooled) == (0, 1)


def test_where_no_thread_can_start_a_flush_spools_everything(make, bus, tmp_path, monkeypatch):
    def refused(*_):
        raise RuntimeError("can't start new thread")

    client = make()
    monkeypatch.setattr(_thread, "start_new_thread", refused)
    write(client, "r-1")
    assert not client.flush()
    monkeypatch.undo()
    write(client, "r-2")

    assert client.flush(60)
    assert (client.stats.spooled, client.stats.sent) == (1, 1)

"""The client while the bus is away, slow, or answers what is no answer."""

import _thread
import json

import pytest

from chancery.client.line import Away, Line
from chancery.client.spill import Spill
from tests.unit.client.bus import eventually, on_disk, on_the_way, write


def test_one_failed_call_is_enough_and_everything_else_goes_straight_to_disk(make, bus, tmp_path):
    client = make(replay_every=60)
    bus.away = True

    for at in range(250):
        write(client, f"r-{at}")
        if at % 50 == 0:
            client.flush()

    assert client.flush()
    assert bus.tries == 1
    assert (client.stats.spilled, client.stats.dropped) == (250, 0)
    assert len(on_disk(tmp_path / "spill")) == 250


def test_no_more_wait_in_memory_than_the_disk_is_slow(make, bus, tmp_path):
    client = make(replay_every=60, capacity=100)
    bus.away = True

    for at in range(1000):
        write(client, f"r-{at}")
        if at % 90 == 89:
            assert client.flush()

    assert client.flush()
    assert client.stats.dropped == 0


def test_probes_come_less_and_less_often_and_an_answer_ends_that():
    answers = [ConnectionError, ConnectionError, ConnectionError, ConnectionError, None]

    def put_events(Entries):
        if failure := answers.pop(0):
            raise failure
        return {"Entries": [{}]}

    line, waits = Line("bus", "source", put_events, 10), []
    for _ in range(4):
        with pytest.raises(Away):
            line.put([b"{}"])
        waits.append(round(line.probe_in()))
    line.put([b"{}"])

    assert waits == [10, 20, 40, 60]
    assert (line.away, line.probe_in()) == (False, 0)


def test_a_bus_that_comes_back_with_nothing_on_disk_is_found_by_the_next_event(make, bus, tmp_path):
    (tmp_path / "spill").write_text("not a folder")
    client = make()
    bus.away = True
    write(client, "lost")
    assert client.flush()
    bus.away = False

    def sent() -> bool:
        write(client, "new")
        return client.flush() and client.stats.sent > 0

    assert eventually(sent)
    assert client.stats.dropped >= 1


def test_old_events_do_not_keep_new_ones_waiting(make, bus, tmp_path):
    for at in range(3):
        Spill(tmp_path / "spill").write([json.dumps({"resourceId": f"old-{at}"}).encode()])

    def put_events(Entries):
        if "old-0" in Entries[0]["Detail"]:
            write(client, "meanwhile")
        return bus(Entries)

    client = make(put_events=put_events, replay_every=60)
    write(client, "new")

    assert eventually(lambda: bus.ids == ["new", "old-0", "meanwhile", "old-1", "old-2"])


def test_an_entry_the_bus_refuses_is_tried_again_alone(make, bus):
    client = make()
    bus.refuse = {"r-1"}
    for at in range(3):
        write(client, f"r-{at}")
    assert client.flush()
    bus.refuse = set()

    assert eventually(lambda: sorted(bus.ids) == ["r-0", "r-1", "r-2"])
    assert client.stats.spilled == 1


def test_without_a_spill_folder_what_the_bus_does_not_take_is_counted(make, bus):
    bus.away = True
    client = make(spill_dir=None)

    write(client)

    assert client.flush()
    assert client.stats.dropped == 1


@pytest.mark.parametrize("answer", [{}, {"Entries": []}, {"Entries": [None]}, None, {"Entries": [{}, {}]}])
def test_an_answer_that_is_none_is_a_bus_that_is_away(make, tmp_path, answer):
    client = make(put_events=lambda Entries: answer)

    write(client)

    assert client.flush()
    assert (client.stats.spilled, client.stats.dropped) == (1, 0)


def test_a_flush_that_takes_too_long_gives_up_and_puts_what_is_left_on_disk(make, bus, tmp_path):
    client = make()
    bus.open.clear()
    write(client, "under way")
    assert eventually(lambda: bus.tries == 1)
    write(client, "waiting")

    assert not client.flush(0.05)
    assert on_disk(tmp_path / "spill") == ["under way", "waiting"]
    assert on_the_way(client.stats) == 0


def test_without_a_spill_folder_a_flush_that_takes_too_long_leaves_everything_on_its_way(make, bus):
    client = make(spill_dir=None)
    bus.open.clear()
    write(client)

    assert not client.flush(0.05)
    assert on_the_way(client.stats) == 1


def test_closing_while_the_bus_hangs_puts_what_waits_and_what_is_under_way_on_disk(make, bus, tmp_path):
    client = make()
    bus.open.clear()
    write(client, "under way")
    assert eventually(lambda: client._worker._waiting.empty())
    write(client, "waiting")

    client.close(0.05)

    held = "".join(path.read_text() for path in (tmp_path / "spill").glob("*.ndjson"))
    assert "under way" in held
    assert "waiting" in held


def test_an_event_has_one_outcome_though_the_bus_answers_after_the_end(make, bus):
    client = make()
    bus.open.clear()
    write(client)
    assert eventually(lambda: bus.tries == 1)

    client.close(0.05)
    bus.open.set()

    assert eventually(lambda: not client._worker._running.locked())
    assert bus.ids == ["r-1"]
    assert (client.stats.sent, client.stats.spilled) == (0, 1)


def test_where_no_thread_can_be_had_a_flush_puts_everything_on_disk(make, bus, tmp_path, monkeypatch):
    def refused(*_):
        raise RuntimeError("can't start new thread")

    client = make()
    monkeypatch.setattr(_thread, "start_new_thread", refused)
    write(client, "r-1")
    assert not client.flush()
    monkeypatch.undo()
    write(client, "r-2")

    assert client.flush()
    assert (client.stats.spilled, client.stats.sent) == (1, 1)

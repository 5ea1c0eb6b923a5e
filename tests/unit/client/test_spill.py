"""What lies on disk while the bus is away, and how it comes from there."""

import json
import os
import time
from pathlib import Path

import pytest

from chancery.client.segment import Segment
from chancery.client.spill import Spill
from chancery.core.aws.event_bus import MAX_BYTES
from tests.unit.client.bus import eventually, on_disk, write


def event(resource_id: str) -> bytes:
    return json.dumps({"resourceId": resource_id, "eventId": resource_id}).encode()


def test_events_wait_on_disk_and_are_replayed_once_with_their_ids(make, bus, tmp_path):
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


def test_a_torn_line_is_set_aside_and_the_whole_ones_are_replayed(make, bus, tmp_path):
    folder = tmp_path / "spill"
    folder.mkdir()
    whole = json.dumps({"resourceId": "whole", "eventId": "e"})
    (folder / "00000000000000000001-1.ndjson").write_text(whole + '\n{"resourceId": "to')
    client = make()

    write(client, "new")

    assert eventually(lambda: sorted(bus.ids) == ["new", "whole"])
    assert eventually(lambda: not list(folder.glob("*.ndjson")))
    assert (client.stats.replayed, client.stats.set_aside) == (1, 1)
    assert json.loads((folder / "rejected.jsonl").read_text()) == {
        "reason": "torn",
        "event": {"torn": '{"resourceId": "to'},
    }


def test_a_full_spill_folder_drops_and_counts(bus, tmp_path):
    spill = Spill(tmp_path / "spill", max_bytes=100)

    assert spill.write([b'{"a": 1}'])
    assert not spill.write([b"x" * 200])


def test_what_is_kept_aside_counts_in_the_limit_of_the_folder(tmp_path):
    spill = Spill(tmp_path / "spill", max_bytes=200)

    assert spill.reject({"a": "x" * 120}, "large")
    assert not spill.reject({"a": "x" * 120}, "large")
    assert not spill.write([b"x" * 100])


def test_what_cannot_be_kept_aside_is_counted_as_dropped(make, bus, tmp_path):
    (tmp_path / "spill").write_text("not a folder")
    client = make()

    write(client, metadata={"blob": "x" * MAX_BYTES})

    assert client.flush()
    assert (client.stats.rejected, client.stats.dropped) == (0, 1)


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


def test_a_disk_that_takes_half_a_write_has_taken_none(tmp_path, monkeypatch):
    spill, write = Spill(tmp_path), os.write

    def full(handle: int, body: bytes) -> int:
        if len(body) <= 8:
            raise OSError("no space left on device")
        return write(handle, body[:-8])

    monkeypatch.setattr(os, "write", full)

    assert not spill.write([event("r-1"), event("r-2")])
    assert not spill.reject({"resourceId": "r-3"}, "large")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["rejected.jsonl"]
    assert (tmp_path / "rejected.jsonl").read_bytes() == b""


def test_a_disk_that_takes_a_little_at_a_time_gets_everything(tmp_path, monkeypatch):
    spill, write = Spill(tmp_path), os.write
    monkeypatch.setattr(os, "write", lambda handle, body: write(handle, body[:5]))

    assert spill.write([event("r-1"), event("r-2")])

    assert on_disk(tmp_path) == ["r-1", "r-2"]


def test_a_file_that_vanishes_while_the_folder_is_measured_is_no_reason_to_drop(tmp_path, monkeypatch):
    spill = Spill(tmp_path)
    spill.write([event("r-1")])
    scandir = os.scandir

    class Emptied:
        def __init__(self, folder):
            self._files = list(scandir(folder))

        def __enter__(self):
            for name in os.listdir(tmp_path):
                os.unlink(tmp_path / name)
            return iter(self._files)

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(os, "scandir", Emptied)

    assert spill.write([event("r-2")])


def test_what_a_dead_process_has_not_finished_is_adopted(make, bus, tmp_path):
    folder = tmp_path / "spill"
    folder.mkdir()
    (folder / "00000000000000000001-1-0.writing").write_bytes(event("whole") + b"\n" + event("torn")[:9])
    (folder / "00000000000000000002-1-1.writing").touch()
    client = make()

    write(client, "new")

    assert eventually(lambda: sorted(bus.ids) == ["new", "whole"])
    assert eventually(lambda: client.stats.set_aside == 1)
    assert [path.name for path in folder.glob("*.writing")] == ["00000000000000000002-1-1.writing"]


def test_what_a_living_process_writes_is_its_own(tmp_path):
    spill, seen = Spill(tmp_path), []
    rename = Path.rename

    def watched(path, target):
        seen.append((Spill(tmp_path).next_segment(), path.exists()))
        return rename(path, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", watched)
        assert spill.write([event("r-1")])

    assert seen == [(None, True)]


def test_a_file_that_cannot_be_removed_is_sent_once(make, bus, tmp_path, monkeypatch):
    folder = tmp_path / "spill"
    Spill(folder).write([event("old")])
    unlink = Path.unlink

    def refused(path, missing_ok=False):
        if path.suffix == ".ndjson":
            raise PermissionError
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    client = make()
    write(client, "new")
    assert eventually(lambda: "old" in bus.ids)
    rounds = client._worker._replay._spill
    assert eventually(lambda: rounds._done and rounds._round is None)
    write(client, "newer")
    client.flush()

    assert bus.ids.count("old") == 1
    assert on_disk(folder) == []


def test_a_segment_forgets_line_by_line_what_was_sent(tmp_path):
    spill = Spill(tmp_path)
    spill.write([event(f"r-{at}") for at in range(3)])
    segment = spill.next_segment()

    with segment:
        left = {at: line for at, line in segment.events.items() if b"r-1" in line}
        segment.keep(left)

    assert on_disk(tmp_path) == ["r-1"]


def test_a_segment_is_one_processs_at_a_time(tmp_path):
    Spill(tmp_path).write([event("r-1")])
    (path,) = tmp_path.glob("*.ndjson")
    first, second = Segment(path, set()), Segment(path, set())

    assert first.lock()
    assert not second.lock()
    with first:
        first.keep({})
    assert not second.lock()


def test_an_event_refused_for_good_is_set_aside_and_keeps_no_other_waiting(make, bus, tmp_path):
    folder = tmp_path / "spill"
    spill = Spill(folder)
    spill.write([event("poison")])
    for at in range(5):
        spill.write([event(f"r-{at}")])
    bus.refuse, bus.code = {"poison"}, "MalformedDetail"
    client = make()

    write(client, "new")
    assert eventually(lambda: len(bus.ids) == 6)
    tried = 0
    while client.stats.set_aside == 0 and tried < 50:
        write(client, f"later-{tried}")
        client.flush()
        tried += 1
        time.sleep(0.02)

    assert client.stats.set_aside == 1
    assert eventually(lambda: on_disk(folder) == [])
    kept = json.loads((folder / "rejected.jsonl").read_text())
    assert (kept["reason"], kept["event"]["resourceId"]) == ("MalformedDetail", "poison")


def test_an_event_the_bus_is_too_busy_for_is_never_set_aside(make, bus, tmp_path):
    Spill(tmp_path / "spill").write([event("busy")])
    bus.refuse, bus.code = {"busy"}, "ThrottlingException"
    client = make(replay_every=0.001)
    for at in range(20):
        write(client, f"r-{at}")
        client.flush()

    bus.refuse = set()

    assert eventually(lambda: "busy" in bus.ids)
    assert client.stats.set_aside == 0

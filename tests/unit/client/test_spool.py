"""Events on disk while the bus is unavailable, and their replay."""

import json
import os
from pathlib import Path

import pytest

from chancery_client.redaction import REDACTED
from chancery_client.spool import Segment, Spool
from tests.conditions import eventually
from tests.unit.client.bus import on_disk, write


def event(resource_id: str) -> bytes:
    return json.dumps({"resourceId": resource_id, "eventId": resource_id}).encode()


def test_spooled_events_are_replayed_once_with_their_ids(make, bus, tmp_path):
    client = make()
    bus.unavailable = True
    for at in range(25):
        write(client, f"r-{at}")
    assert client.flush(60)
    stats = client.stats
    held = [
        json.loads(line) for path in (tmp_path / "spool").glob("*.ndjson") for line in path.read_text().splitlines()
    ]

    bus.unavailable = False

    assert (stats.sent, stats.spooled, stats.dropped) == (0, 25, 0)
    assert eventually(lambda: len(bus.details) == 25)
    assert {item["eventId"] for item in held} == {item["eventId"] for item in bus.details}
    assert eventually(lambda: client.stats.replayed == 25)
    assert eventually(lambda: not list((tmp_path / "spool").glob("*.ndjson")))


def test_a_client_replays_the_events_that_another_one_spooled(make, bus):
    bus.unavailable = True
    first = make(replay_every=60)
    write(first, "left")
    first.flush()
    bus.unavailable = False

    write(make(), "new")

    assert eventually(lambda: sorted(bus.ids) == ["left", "new"])


def test_only_the_owner_can_read_the_files(make, bus, tmp_path):
    bus.unavailable = True
    client = make()
    write(client)
    client.flush()

    (segment,) = (tmp_path / "spool").glob("*.ndjson")
    assert segment.stat().st_mode & 0o777 == 0o600
    assert segment.parent.stat().st_mode & 0o777 == 0o700


def test_a_torn_line_is_rejected_and_whole_lines_are_replayed(make, bus, tmp_path):
    folder = tmp_path / "spool"
    folder.mkdir()
    whole = json.dumps({"resourceId": "whole", "eventId": "e"})
    (folder / "00000000000000000001-1.ndjson").write_text(whole + '\n{"resourceId": "to')
    client = make()

    write(client, "new")

    assert eventually(lambda: sorted(bus.ids) == ["new", "whole"])
    assert eventually(lambda: not list(folder.glob("*.ndjson")))
    assert (client.stats.replayed, client.stats.replay_rejected) == (1, 1)
    assert json.loads((folder / "rejected.jsonl").read_text()) == {
        "reason": "torn",
        "event": {"torn": '{"resourceId": "to'},
    }


def test_a_full_spool_stores_nothing_more(bus, tmp_path):
    spool = Spool(tmp_path / "spool", max_bytes=100)

    assert spool.write([b'{"a": 1}'])
    assert not spool.write([b"x" * 200])


def test_rejected_events_count_towards_the_limit_of_the_folder(tmp_path):
    spool = Spool(tmp_path / "spool", max_bytes=200)

    assert spool.reject({"a": "x" * 120}, "large")
    assert not spool.reject({"a": "x" * 120}, "large")
    assert not spool.write([b"x" * 100])


def test_a_rejected_event_that_the_disk_does_not_take_is_counted_as_rejected(make, tmp_path):
    (tmp_path / "spool").write_text("not a folder")
    client = make()

    write(client, tenant_id="x" * 256)

    assert client.flush(60)
    assert (client.stats.rejected, client.stats.dropped) == (1, 0)


def test_a_rejected_event_is_stored_redacted_with_the_reason(make, bus, tmp_path):
    client = make()

    write(
        client, "wrong", tenant_id="x" * 256, ip_address="192.0.2.1", after={"password": "hunter2"}, email="a@b.example"
    )
    write(client, "right")

    assert client.flush(60)
    assert bus.ids == ["right"]
    assert client.stats.rejected == 1
    rejected = json.loads((tmp_path / "spool" / "rejected.jsonl").read_text())
    assert rejected["reason"] == "tenantId is not valid"
    assert (rejected["event"]["resourceId"], rejected["event"]["ipAddress"]) == ("wrong", "192.0.2.1")
    assert (rejected["event"]["after"], rejected["event"]["email"]) == ({"password": REDACTED}, REDACTED)


def test_a_partial_write_is_undone_when_the_disk_is_full(tmp_path, monkeypatch):
    spool, write = Spool(tmp_path), os.write

    def full(handle: int, body: bytes) -> int:
        if len(body) <= 8:
            raise OSError("no space left on device")
        return write(handle, body[:-8])

    monkeypatch.setattr(os, "write", full)

    assert not spool.write([event("r-1"), event("r-2")])
    assert not spool.reject({"resourceId": "r-3"}, "large")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["rejected.jsonl"]
    assert (tmp_path / "rejected.jsonl").read_bytes() == b""


def test_short_writes_are_continued(tmp_path, monkeypatch):
    spool, write = Spool(tmp_path), os.write
    monkeypatch.setattr(os, "write", lambda handle, body: write(handle, body[:5]))

    assert spool.write([event("r-1"), event("r-2")])

    assert on_disk(tmp_path) == ["r-1", "r-2"]


def test_a_file_removed_while_the_folder_is_measured_is_ignored(tmp_path, monkeypatch):
    spool = Spool(tmp_path)
    spool.write([event("r-1")])
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

    assert spool.write([event("r-2")])


def test_the_temporary_file_of_a_dead_process_is_adopted(make, bus, tmp_path):
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "00000000000000000001-1-0.writing").write_bytes(event("whole") + b"\n" + event("torn")[:9])
    (folder / "00000000000000000002-1-1.writing").touch()
    client = make()

    write(client, "new")

    assert eventually(lambda: sorted(bus.ids) == ["new", "whole"])
    assert eventually(lambda: client.stats.replay_rejected == 1)
    assert [path.name for path in folder.glob("*.writing")] == ["00000000000000000002-1-1.writing"]


def test_the_temporary_file_of_a_running_process_is_not_adopted(tmp_path):
    spool, seen = Spool(tmp_path), []
    rename = Path.rename

    def watched(path, target):
        seen.append((Spool(tmp_path).next_segment(), path.exists()))
        return rename(path, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", watched)
        assert spool.write([event("r-1")])

    assert seen == [(None, True)]


def test_a_segment_that_cannot_be_removed_is_sent_once(make, bus, tmp_path, monkeypatch):
    folder = tmp_path / "spool"
    Spool(folder).write([event("old")])
    unlink = Path.unlink

    def refused(path, missing_ok=False):
        if path.suffix == ".ndjson":
            raise PermissionError
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    client = make()
    write(client, "new")
    assert eventually(lambda: "old" in bus.ids)
    rounds = client._worker._replay._spool
    assert eventually(lambda: rounds._done and rounds._round is None)
    write(client, "newer")
    client.flush()

    assert bus.ids.count("old") == 1
    assert on_disk(folder) == []


def test_only_unsent_events_stay_in_a_segment(tmp_path):
    spool = Spool(tmp_path)
    spool.write([event(f"r-{at}") for at in range(3)])
    segment = spool.next_segment()

    with segment:
        left = {at: line for at, line in segment.events.items() if b"r-1" in line}
        segment.retain(left)

    assert on_disk(tmp_path) == ["r-1"]


def test_one_process_at_a_time_locks_a_segment(tmp_path):
    Spool(tmp_path).write([event("r-1")])
    (path,) = tmp_path.glob("*.ndjson")
    first, second = Segment(path, set()), Segment(path, set())

    assert first.lock()
    assert not second.lock()
    with first:
        first.retain({})
    assert not second.lock()


def test_an_event_refused_for_good_is_rejected_and_delays_no_other(make, bus, tmp_path):
    folder = tmp_path / "spool"
    spool = Spool(folder)
    spool.write([event("poison")])
    for at in range(5):
        spool.write([event(f"r-{at}")])
    bus.refuse, bus.code = {"poison"}, "MalformedDetail"
    client = make()

    write(client, "new")
    assert eventually(lambda: len(bus.ids) == 6)

    def tried_again():
        write(client, "later")
        client.flush(60)
        return client.stats.replay_rejected == 1

    assert eventually(tried_again)
    assert eventually(lambda: on_disk(folder) == [])
    rejected = json.loads((folder / "rejected.jsonl").read_text())
    assert (rejected["reason"], rejected["event"]["resourceId"]) == ("MalformedDetail", "poison")


def test_a_throttled_event_is_never_rejected(make, bus, tmp_path):
    Spool(tmp_path / "spool").write([event("busy")])
    bus.refuse, bus.code = {"busy"}, "ThrottlingException"
    client = make(replay_every=0.001)
    for at in range(20):
        write(client, f"r-{at}")
        client.flush()

    bus.refuse = set()

    assert eventually(lambda: "busy" in bus.ids)
    assert client.stats.replay_rejected == 0

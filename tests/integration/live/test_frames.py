"""What clients are sent: records in order, in bounded frames."""

import json

from chancery.live import session as module
from tests.integration.live.conftest import names


def test_new_records_of_both_feeds_come_once_and_in_order(subscribe, audited, logged, run, sockets):
    audited("before")
    assert subscribe()["position"] == {"audit": 1, "logs": 0}
    audited("a", "b")
    logged("x")
    logged("y", kind="event", eventType="step.done")

    run()

    records = sockets.records("c1")
    assert names([item for item in records if item["feed"] == "audit"]) == ["a", "b"]
    assert names([item for item in records if item["feed"] == "logs"]) == ["x", "y"]
    assert [item["kind"] for item in records] == ["audit", "audit", "app", "event"]
    assert [item["sequence"] for item in records] == [2, 3, 1, 2]
    assert sockets.last("c1")["position"] == {"audit": 3, "logs": 2}


def test_records_that_the_sealer_has_not_seen_yet_are_sent(subscribe, stored, run, sockets):
    subscribe(audit={})
    stored("a", "b")

    run()

    assert names(sockets.records("c1")) == ["a", "b"]
    assert sockets.last("c1")["position"] == {"audit": 2}


def test_frames_are_bounded_and_follow_each_other(subscribe, logged, run, sockets):
    subscribe(logs={})
    logged(*(f"{n} " + "x" * 1500 for n in range(60)))

    run(ticks=8)

    frames = [frame for frame in sockets.sent["c1"] if frame["type"] == "records"]
    assert len(frames) > 2
    assert all(len(json.dumps(frame)) <= 32_768 for frame in frames)
    assert [frame["more"] for frame in frames] == [True] * (len(frames) - 1) + [False]
    assert [item["sequence"] for item in sockets.records("c1")] == list(range(1, 61))


def test_a_record_that_fits_into_no_frame_comes_with_its_main_fields(subscribe, logged, run, sockets):
    subscribe(logs={})
    logged("x" * 32_000, attributes={"more": "y" * 9000})

    run()

    (item,) = sockets.records("c1")
    assert item["cut"] is True
    assert item["record"].keys() == {"refId", "tenantId", "createdOn", "level"}


def test_what_a_client_is_too_far_behind_for_is_named_as_a_range(subscribe, logged, run, sockets, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BEHIND", 20)
    monkeypatch.setattr(module, "_KEPT", 5)
    logged(*(f"l{n}" for n in range(30)))

    subscribe(logs={}, after={"logs": 2})
    run()

    assert sockets.sent["c1"][1]["dropped"] == [{"feed": "logs", "from": 3, "to": 25}]
    assert [item["sequence"] for item in sockets.records("c1")] == [26, 27, 28, 29, 30]

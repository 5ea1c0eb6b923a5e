"""Due months are planned once: first archives, supplements, failed and open partitions."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from chancery.archive.month_selection import Month
from tests.integration.archive.planner.synthetic import due_by
from tests.integration.archive.planning import DAY, HOUR, TODAY, keys


@pytest.mark.parametrize("month", ["2024-02", "2025-02", "2026-03", "2026-12", "2028-02"])
def test_exactly_the_months_that_are_due_are_found_on_any_day_of_a_month(planning, synthetic, month):
    day, end = Month.parse(month).start - timedelta(milliseconds=1), Month.parse(month).end
    while day <= end:
        planning.now = day
        found = [
            (place.tenant_id, str(place.month))
            for place, due in planning.months.find(planning.planner.default_scope())
            if due
        ]

        assert found == due_by(day)
        day += DAY


def test_each_day_exactly_the_months_that_become_due_are_planned(planning, synthetic):
    planning.now = datetime(2026, 2, 26, 3, tzinfo=UTC)
    for _ in range(6):
        before = planning.planned()
        planning.run()

        assert keys(planning.planned()) == due_by(planning.now)
        assert planning.queued() == [item for item in planning.planned() if item not in before]
        planning.archive()
        planning.now += DAY


def test_a_new_partition_has_the_records_before_the_cutoff(planning, store):
    store("2024-02-10T12:00:00Z")

    run_id = planning.run()

    (part,) = planning.partitions()
    assert (part["recordedFrom"], part["recordedTo"]) == (None, TODAY - timedelta(minutes=10))
    assert (part["state"], part["storageClass"], part["runId"]) == ("pending", "GLACIER", run_id)
    assert part["key"] == "archives/tenant-acme/2024-02/000.ndjson.zst"
    assert [json.loads(body) for body in planning.months_queue.sent] == [{"tenantId": "acme", "refId": part["refId"]}]


def test_running_twice_changes_nothing(planning, synthetic, connect):
    planning.run()
    before = planning.partitions()
    planning.now += HOUR
    planning.run()

    assert planning.partitions() == before
    planning.archive()
    archived = planning.partitions()
    planning.months_queue.sent.clear()
    planning.now += HOUR
    planning.run()

    assert planning.partitions() == archived
    assert planning.queued() == []
    assert connect("admin").archive_runs.distinct("state") == ["planned"]


def test_the_message_of_an_open_partition_is_sent_again_and_counted_for_the_later_run(planning, store):
    store("2024-01-10T12:00:00Z", "2024-02-10T12:00:00Z")
    planning.run()
    first = planning.queued()
    planning.run()

    assert planning.queued() == first == planning.planned()
    assert planning.newest_run()["requeuedPartitions"] == 2


def test_a_worker_that_is_at_it_is_left_alone_and_a_lost_one_is_not(planning, store):
    store("2024-02-10T12:00:00Z")
    planning.run()
    (part,) = planning.partitions()
    planning.store.advance(part, state="running")
    planning.months_queue.sent.clear()
    planning.now += timedelta(minutes=14)
    planning.run()

    assert planning.queued() == []
    planning.now += HOUR
    planning.run()

    assert planning.queued() == [("acme", "2024-02", 0)]
    assert [part["state"] for part in planning.partitions()] == ["running"]


def test_late_records_go_into_a_supplement_and_later_ones_into_the_next(planning, store):
    store("2024-02-10T12:00:00Z")
    planning.run()
    planning.archive()
    for number in (1, 2):
        planning.now += 30 * DAY
        store("2024-02-03T12:00:00Z", "2024-02-29T23:59:59Z", recorded=planning.now - DAY)
        planning.run()

        assert planning.planned()[-1] == ("acme", "2024-02", number)
        assert planning.partitions()[-1]["key"] == f"archives/tenant-acme/2024-02/00{number}.ndjson.zst"
        planning.archive()
    parts = planning.partitions()
    assert [part["recordedFrom"] for part in parts] == [None, parts[0]["recordedTo"], parts[1]["recordedTo"]]
    assert [part["records"] for part in parts] == [1, 2, 2]
    planning.run()
    assert planning.partitions() == parts


def test_every_record_is_in_one_partition_whenever_it_was_recorded(planning, store, connect):
    cutoffs = []
    for _ in range(4):
        near = [planning.now - timedelta(minutes=10) + timedelta(milliseconds=shift) for shift in (-1, 0, 1)]
        for recorded in (*near, planning.now - timedelta(minutes=5)):
            store("2024-02-10T12:00:00Z", recorded=recorded)
        planning.run()
        planning.archive()
        cutoffs.append(planning.now)
        planning.now += HOUR
    planning.run()
    planning.archive()

    held = [ref_id for part in planning.partitions() for ref_id in planning.belonging(part)]
    assert len(held) == len(set(held)) == connect("reader").audit_logs.count_documents({}) == 16
    assert [part["supplement"] for part in planning.partitions()] == [0, 1, 2, 3, 4]


def test_a_record_that_is_in_no_file_and_will_be_in_none_is_reported(planning, store, connect, caplog):
    store("2024-02-10T12:00:00Z", "2024-02-11T12:00:00Z")
    planning.run()
    planning.archive()
    planning.now += DAY
    store("2024-02-12T12:00:00Z", recorded=planning.now)
    planning.run()
    assert "ARCHIVE_INCOMPLETE" not in caplog.messages  # it waits for the next run

    connect("admin").audit_logs.delete_many({"recordedOn": planning.now})
    store("2024-02-12T12:00:00Z", recorded=TODAY - HOUR)
    planning.run()

    found = [line for line in caplog.records if line.message == "ARCHIVE_INCOMPLETE"]
    assert [(line.tenant_id, line.month) for line in found] == [("acme", "2024-02")]
    assert planning.planned() == [("acme", "2024-02", 0)]


def test_a_record_of_a_moment_ago_waits_for_the_next_run(planning, store):
    store("2024-02-10T12:00:00Z", recorded=TODAY - timedelta(minutes=10))
    planning.run()

    assert planning.planned() == []
    planning.now += timedelta(milliseconds=1)
    planning.run()
    assert planning.planned() == [("acme", "2024-02", 0)]


def test_a_failed_partition_is_taken_up_again(planning, store):
    store("2024-02-10T12:00:00Z")
    planning.run()
    (part,) = planning.partitions()
    planning.store.advance(part, state="failed", error="S3 was away")
    planning.months_queue.sent.clear()

    again = planning.run()

    (part,) = planning.partitions()
    assert (part["state"], part["error"], part["runId"], part["supplement"]) == ("pending", None, again, 0)
    assert planning.queued() == [("acme", "2024-02", 0)]
    assert planning.newest_run()["requeuedPartitions"] == 0


def test_a_supplement_waits_until_the_one_before_it_is_archived(planning, store):
    store("2024-02-10T12:00:00Z")
    planning.run()
    store("2024-02-11T12:00:00Z", recorded=planning.now)
    planning.now += DAY
    planning.run()

    assert planning.planned() == [("acme", "2024-02", 0)]


def test_months_are_utc_months_to_the_millisecond(planning, store):
    store("2023-12-31T23:59:59.999Z", tenant="last-of-december")
    store("2024-01-01T00:00:00.000Z", tenant="first-of-january")
    store("2024-02-01T00:30:00.000+02:00", tenant="january-in-utc")
    store("2024-01-31T23:30:00.000-05:00", tenant="february-in-utc")
    store("2024-02-29T23:59:59.999Z", tenant="leap-day")
    store("2024-03-01T00:00:00.000Z", tenant="not-due")
    store("2024-02-29T23:00:00.000-05:00", tenant="not-due-in-utc")

    planning.run()

    assert keys(planning.planned()) == [
        ("february-in-utc", "2024-02"),
        ("first-of-january", "2024-01"),
        ("january-in-utc", "2024-01"),
        ("last-of-december", "2023-12"),
        ("leap-day", "2024-02"),
    ]


def test_the_platforms_records_are_archived_under_its_own_log(planning, store):
    store("2024-02-10T12:00:00Z", tenant=None)
    store("2024-02-10T12:00:00Z", tenant="with/slash and space")

    planning.run()

    assert [part["tenantId"] for part in planning.partitions()] == [None, "with/slash and space"]
    assert planning.partitions()[0]["key"] == "archives/platform/2024-02/000.ndjson.zst"
    assert planning.partitions()[1]["key"].startswith("archives/tenant~")


def test_without_records_there_is_nothing_to_plan(planning, store):
    planning.run()
    assert planning.planned() == []

    store(TODAY - DAY, tenant="young")
    planning.run()
    assert planning.planned() == []
    assert planning.newest_run()["state"] == "planned"

"""Planner and worker together: run after run, every record that is old enough is in one file of the archive."""

from datetime import timedelta

import orjson
import pytest

from chancery.archive.files import read_lines
from tests.integration.archive.conftest import long_time
from tests.integration.archive.planning import DAY, TODAY, Planning, stored


@pytest.fixture
def planning(connect) -> Planning:
    return Planning(connect("archiver"), TODAY)


def test_months_are_archived_run_by_run_with_late_records_in_supplements(
    planning, connect, archive, make_worker, archived, seal
):
    moments = [f"2024-{month:02d}-{day:02d}T12:00:00Z" for month in (1, 2, 3) for day in range(1, 26)]
    for tenant in (None, "acme"):
        stored(connect("writer"), *moments, tenant=tenant)
        seal(tenant)
    for number in range(3):
        planning.run()
        while planning.months_queue.sent:
            message = orjson.loads(planning.months_queue.sent.pop())
            make_worker(queue=planning.months_queue).work(message, long_time)
        assert {part["state"] for part in planning.partitions()} == {"archived"}
        planning.now += DAY
        late = planning.now - timedelta(hours=1)
        stored(connect("writer"), *[f"2024-02-{day:02d}T06:00:00Z" for day in range(1, 13 + number)], recorded=late)
        seal()

    lines = {key: list(read_lines([body])) for key, body in archived().items() if key.endswith(".zst")}
    assert {key: len(found) for key, found in lines.items()} == {
        "archives/platform/2024-01/000.ndjson.zst": 25,
        "archives/platform/2024-02/000.ndjson.zst": 25,
        "archives/tenant-acme/2024-01/000.ndjson.zst": 25,
        "archives/tenant-acme/2024-02/000.ndjson.zst": 25,
        "archives/tenant-acme/2024-02/001.ndjson.zst": 12,
        "archives/tenant-acme/2024-02/002.ndjson.zst": 13,
    }
    ref_ids = [orjson.loads(line)["refId"] for found in lines.values() for line in found]
    assert len(set(ref_ids)) == len(ref_ids)


def test_a_run_while_a_worker_is_between_two_messages_disturbs_nothing(
    planning, connect, archive, make_worker, archived, seal
):
    stored(connect("writer"), *[f"2024-02-{day:02d}T12:00:00Z" for day in range(1, 26)])
    seal()
    planning.run()
    message = orjson.loads(planning.months_queue.sent.pop())
    make_worker(queue=planning.months_queue).work(message, lambda: 1000)
    assert planning.partitions()[0]["state"] == "running"
    planning.now += 2 * DAY
    planning.run()

    while planning.months_queue.sent:
        make_worker(queue=planning.months_queue).work(orjson.loads(planning.months_queue.sent.pop()), long_time)

    (part,) = planning.partitions()
    assert (part["state"], part["records"]) == ("archived", 25)
    (file,) = [body for key, body in archived().items() if key.endswith(".zst")]
    assert len(list(read_lines([file]))) == 25

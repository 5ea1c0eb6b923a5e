"""A dry run lists the months that a run would plan, and stores nothing."""

from datetime import timedelta

from chancery.archive.month_selection import Month, last_due
from chancery.core.formats.times import now
from tests.fakes import LambdaContext
from tests.integration.archive.planning import stored
from tests.integration.archive.routes.conftest import audited


def test_a_dry_run_lists_due_months_and_stores_nothing(post, connect, planning, bus, retry_queue):
    stored(connect("writer"), "2023-05-10T12:00:00Z", "2023-05-11T12:00:00Z", "2023-06-10T12:00:00Z", tenant=None)
    planning.run()
    planning.archive()
    stored(connect("writer"), "2023-05-12T12:00:00Z", tenant=None, recorded=now() - timedelta(minutes=11))
    connect("admin").archive_partitions.update_many({}, {"$set": {"recordedTo": now() - timedelta(days=1)}})
    stored(connect("writer"), "2023-05-10T12:00:00Z", tenant="acme")
    stored(connect("writer"), now() - timedelta(days=100), tenant="young")
    before = planning.partitions(), connect("admin").archive_runs.count_documents({})

    status, due, _ = post({"dryRun": True}, headers={"Idempotency-Key": "plan"})

    assert status == 200
    assert due["items"] == [
        {"tenantId": None, "month": "2023-05", "supplement": 1, "state": "due", "records": 1},
        {"tenantId": "acme", "month": "2023-05", "supplement": 0, "state": "due", "records": 1},
    ]
    assert (due["dueUntil"], due["nextCursor"]) == (str(last_due(now(), 24)), None)
    assert (planning.partitions(), connect("admin").archive_runs.count_documents({})) == before
    assert retry_queue.sent == [] and connect("admin").idempotency_keys.count_documents({}) == 0
    assert audited(bus) == [("archive.run_previewed", "*", None)]


def test_a_dry_run_lists_open_and_failed_months(post, months):
    newest = str(last_due(now(), 24))
    months.store.advance(months.store.of_month("acme", newest)[0], state="failed", error="S3 was away")

    due = post({"dryRun": True, "tenantId": "acme"})[1]["items"]

    assert [(item["month"], item["state"], item["records"]) for item in due] == [
        (str(Month.parse(newest).plus(-1)), "pending", 1),
        (newest, "failed", 1),
    ]


def test_a_dry_run_that_runs_out_of_time_carries_on_with_its_cursor(post, months, monkeypatch):
    whole = post({"dryRun": True})[1]["items"]
    monkeypatch.setattr(LambdaContext, "get_remaining_time_in_millis", lambda _: 5000)
    items, cursor = [], None
    while True:
        page = post({"dryRun": True} | ({"cursor": cursor} if cursor else {}))[1]
        items += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            break
        assert len(page["items"]) <= 1

    assert items == whole
    assert len(items) == 15

"""The planner on a real database: what is due is planned once, whatever happens in between."""

import json
from datetime import UTC, datetime, timedelta
from itertools import cycle

import pytest

from chancery.archive.due import DueMonths
from chancery.archive.months import Month
from chancery.audit.store import AuditStore
from chancery.core.errors import Unavailable
from tests.builders import message
from tests.integration.archive.planning import DAY, HOUR, TODAY, Planning, keys, stored

TENANTS = (None, *(f"tenant-{number:02d}" for number in range(1, 20)))
# Three months each, spread over 2022 to 2026 so that some are due, some are not, and leap Februaries are among them.
SYNTHETIC = [
    (tenant, Month(2022, 1).plus((number * 7 + at * 17) % 50))
    for number, tenant in enumerate(TENANTS)
    for at in range(3)
]


@pytest.fixture
def planning(connect) -> Planning:
    return Planning(connect("archiver"))


@pytest.fixture
def store(connect):
    def insert(*created, **options):
        stored(connect("writer"), *created, **options)

    return insert


@pytest.fixture
def synthetic(store):
    """60 months of 20 tenants, each with a record in its first and in its last millisecond."""
    assert len(set(SYNTHETIC)) == 60
    assert Month(2024, 2) in {month for _, month in SYNTHETIC}
    for tenant in TENANTS:
        months = [month for owner, month in SYNTHETIC if owner == tenant]
        ends = [moment for month in months for moment in (month.start, month.end - timedelta(milliseconds=1))]
        store(*ends, tenant=tenant)


def due_by(day: datetime) -> list[tuple[str | None, str]]:
    """The rule in other words: two years after a month's end have come."""
    return sorted(
        (
            (tenant, str(month))
            for tenant, month in SYNTHETIC
            if month.end.replace(year=month.end.year + 2) <= day  # ends are firsts, which every year has
        ),
        key=lambda item: (item[0] is not None, item[0] or "", item[1]),
    )


@pytest.mark.parametrize("month", ["2024-02", "2025-02", "2026-03", "2026-12", "2028-02"])
def test_exactly_the_months_that_are_due_are_found_on_any_day_of_a_month(planning, synthetic, month):
    day, end = Month.parse(month).start - timedelta(milliseconds=1), Month.parse(month).end
    while day <= end:
        planning.now = day
        found = [
            (place.tenant_id, str(place.month))
            for place, due in planning.months.find(planning.planner.everything())
            if due
        ]

        assert found == due_by(day)
        day += DAY


def test_day_after_day_what_becomes_due_is_planned_and_nothing_else(planning, synthetic):
    planning.now = datetime(2026, 2, 26, 3, tzinfo=UTC)
    for _ in range(6):
        before = planning.planned()
        planning.run()

        assert keys(planning.planned()) == due_by(planning.now)
        assert planning.told() == [item for item in planning.planned() if item not in before]
        planning.archive()
        planning.now += DAY


def test_a_new_partition_holds_what_was_recorded_before_the_cutoff(planning, store):
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
    assert planning.told() == []
    assert connect("admin").archive_runs.distinct("state") == ["planned"]


def test_an_open_partition_is_told_of_again_and_counted_for_the_later_run(planning, store):
    store("2024-01-10T12:00:00Z", "2024-02-10T12:00:00Z")
    planning.run()
    first = planning.told()
    planning.run()

    assert planning.told() == first == planning.planned()
    assert planning.newest_run()["toldAgain"] == 2


def test_a_worker_that_is_at_it_is_left_alone_and_a_lost_one_is_not(planning, store):
    store("2024-02-10T12:00:00Z")
    planning.run()
    (part,) = planning.partitions()
    planning.store.advance(part, state="running")
    planning.months_queue.sent.clear()
    planning.now += timedelta(minutes=14)
    planning.run()

    assert planning.told() == []
    planning.now += HOUR
    planning.run()

    assert planning.told() == [("acme", "2024-02", 0)]
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


def test_what_was_recorded_a_moment_ago_waits_for_the_next_run(planning, store):
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
    assert planning.told() == [("acme", "2024-02", 0)]
    assert planning.newest_run()["toldAgain"] == 0


def test_a_restore_that_failed_is_no_reason_to_archive_again(planning, store):
    store("2024-02-10T12:00:00Z")
    planning.run()
    planning.archive()
    planning.months_queue.sent.clear()
    for state in ("restoring", "restored", "failed"):
        planning.store.advance(planning.partitions()[0], state=state)
        before = planning.partitions()
        planning.run()

        assert planning.partitions() == before
        assert planning.told() == []


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


# ---- messages


def test_the_schedules_message_is_one_run_however_often_it_is_delivered(planning, store):
    store("2024-02-10T12:00:00Z")
    scheduled = message({"trigger": "schedule"})

    for _ in range(3):
        assert planning.deliver(scheduled) == []

    assert len(planning.runs.page(None, 10)) == 1
    assert planning.planned() == [("acme", "2024-02", 0)]
    assert planning.newest_run()["trigger"] == "schedule"


def test_a_run_takes_as_many_turns_as_it_needs(planning, synthetic):
    turns = []

    def short():
        turns.append(1)
        return 1000

    planning.run(short)

    run = planning.newest_run()
    assert keys(planning.planned()) == due_by(TODAY)
    assert planning.told() == planning.planned()
    assert len(turns) == len(due_by(TODAY))
    assert (run["state"], run["place"]) == ("planned", None)


def test_a_turn_that_is_delivered_twice_plans_nothing_twice(planning, synthetic):
    planning.deliver(message({"trigger": "schedule"}), lambda: 1000)
    while planning.runs_queue.sent:
        carried_on = message(planning.runs_queue.sent.pop(0))
        for _ in range(2):
            planning.deliver(carried_on, lambda: 1000)

    assert keys(planning.planned()) == due_by(TODAY)
    assert planning.told() == planning.planned()


def test_a_run_whose_queue_is_away_is_delivered_again_and_fails_in_the_end(planning, store):
    store("2024-02-10T12:00:00Z")
    planning.months_queue.away = True
    first, last = message({"trigger": "schedule"}), message({"trigger": "schedule"}, receives=3)
    last["messageId"] = first["messageId"]

    assert planning.deliver(first) == [first["messageId"]] == planning.runs_queue.paused
    assert planning.newest_run()["state"] == "planning"
    assert planning.deliver(last) == [first["messageId"]]
    assert (planning.newest_run()["state"], bool(planning.newest_run()["error"])) == ("failed", True)

    planning.months_queue.away = False
    assert planning.deliver(first) == []
    assert (planning.newest_run()["state"], planning.newest_run()["error"]) == ("planned", None)
    assert planning.told() == [("acme", "2024-02", 0)]


def test_a_message_of_an_unknown_run_is_dropped(planning):
    assert planning.deliver(message({"runId": "01J00000000000000000000000"})) == []


@pytest.mark.parametrize("receives", [1, 3])
@pytest.mark.parametrize("body", ["", "{", "null", "[]", '"text"'])
def test_a_message_that_nobody_can_read_is_delivered_again(planning, body, receives):
    unreadable = message(body, receives)

    assert planning.deliver(unreadable) == [unreadable["messageId"]] == planning.runs_queue.paused
    assert planning.runs.page(None, 1) == []


@pytest.mark.parametrize("remaining_ms", [300_000, 1000], ids=["in one turn", "in many"])
def test_a_month_that_cannot_be_looked_at_holds_up_no_other(planning, store, monkeypatch, remaining_ms):
    for tenant in ("acme", "globex", "initech"):
        store("2024-01-10T12:00:00Z", "2024-02-10T12:00:00Z", tenant=tenant)
    looked = AuditStore.has_recorded

    def too_many(records, tenant_id, created, *rest):
        if (tenant_id, created[0].month) == ("globex", 1):
            raise Unavailable("The database did not answer in time; try again.")
        return looked(records, tenant_id, created, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(AuditStore, "has_recorded", too_many)
        planning.run(lambda: remaining_ms)
        if planning.newest_run()["state"] == "planning":
            planning.deliver(message({"runId": planning.newest_run()["refId"]}, receives=3), lambda: remaining_ms)

    others = [("acme", "2024-01"), ("acme", "2024-02"), ("globex", "2024-02"), ("initech", "2024-01")]
    assert keys(planning.planned()) == [*others, ("initech", "2024-02")]
    assert (planning.newest_run()["state"], "in time" in planning.newest_run()["error"]) == ("failed", True)

    planning.run()
    assert ("globex", "2024-01", 0) in planning.planned()
    assert (planning.newest_run()["state"], planning.newest_run()["error"]) == ("planned", None)


# ---- killed


class Killed(BaseException):
    """The execution environment is gone."""


def killed_after(planning: Planning, steps: int) -> bool:
    """Runs with an environment that dies once it has changed so many things in the world; whether it died."""
    left = [steps]

    def mortal(change):
        def do(*arguments, **options):
            if not left[0]:
                raise Killed
            left[0] -= 1
            return change(*arguments, **options)

        return do

    places = ((planning.store, "add"), (planning.store, "advance"), (planning.runs, "add"), (planning.runs, "advance"))
    for place, name in (*places, (planning.runs_queue, "send"), (planning.months_queue, "send")):
        setattr(place, name, mortal(getattr(place, name)))
    try:
        planning.run(cycle((300_000, 1000)).__next__)
    except Killed:
        return True
    finally:
        for queue in (planning.runs_queue, planning.months_queue):
            del queue.send
        planning.restart()
    return False


@pytest.fixture
def eventful(connect, store):
    """Months of every kind: new, archived, with late records, failed; of the platform and of a tenant."""

    def prepare() -> Planning:
        admin = connect("admin")
        for name in ("audit_logs", "audit_outbox", "archive_runs", "archive_partitions"):
            admin[name].delete_many({})
        planning = Planning(connect("archiver"), TODAY - 30 * DAY)
        store("2023-10-10T12:00:00Z", "2023-11-10T12:00:00Z", "2023-12-10T12:00:00Z")
        planning.run()
        planning.archive()
        store("2023-11-11T12:00:00Z", recorded=planning.now)
        store("2023-09-10T12:00:00Z", recorded=planning.now - DAY)
        planning.run()
        planning.store.advance(planning.store.of_month("acme", "2023-09")[0], state="failed", error="no luck")
        store("2024-02-10T12:00:00Z", tenant=None)
        store("2024-01-10T12:00:00Z", "2024-02-10T12:00:00Z")
        planning.months_queue.sent.clear()
        planning.now = TODAY
        return planning

    return prepare


EVENTFUL = [(None, "2024-02", 0), ("acme", "2023-09", 0), ("acme", "2023-11", 1), ("acme", "2024-01", 0),
            ("acme", "2024-02", 0)]  # fmt: skip


@pytest.mark.parametrize("heal", ["the same message again", "the next run"])
def test_a_run_that_is_killed_between_any_two_steps_is_healed(eventful, heal):
    steps, died = 0, True
    while died:
        planning = eventful()
        archived = [part for part in planning.partitions() if part["state"] == "archived"]
        died = killed_after(planning, steps)
        planning.run() if heal == "the next run" else planning.drain()

        assert planning.told() == EVENTFUL
        assert [part for part in planning.partitions() if part["state"] == "archived"] == archived
        others = [(part["state"], part["error"]) for part in planning.partitions() if part not in archived]
        assert others == [("pending", None)] * len(EVENTFUL)
        assert planning.newest_run()["state"] == "planned"
        steps += 1
    assert steps > 10


# ---- what it costs


def test_late_records_are_looked_for_only_where_numbers_differ(planning, synthetic, store):
    planning.run()
    planning.archive()
    tenant, month = due_by(TODAY)[10]
    store(Month.parse(month).start + DAY, tenant=tenant, recorded=planning.now)
    looked = []

    class Watched(AuditStore):
        def has_recorded(self, tenant_id, created, recorded):
            looked.append((tenant_id, str(Month.of(created[0]))))
            return super().has_recorded(tenant_id, created, recorded)

    planning.now += HOUR
    months = DueMonths(Watched(planning.archiver), planning.store)
    found = [
        (place.tenant_id, str(place.month), due.supplement)
        for place, due in months.find(planning.planner.everything())
        if due
    ]

    assert found == [(tenant, month, 1)]
    assert looked == [(tenant, month)]


@pytest.mark.parametrize("tenant", ["acme", None])
def test_counting_a_month_and_finding_the_next_read_no_record_of_it(planning, store, connect, tenant):
    store(*(Month(2024, 1).start + HOUR * at for at in range(500)), tenant=tenant)
    admin = connect("admin")
    admin.command("profile", 2)
    try:
        counted = planning.records.count_created(tenant, (Month(2024, 1).start, Month(2024, 1).end))
        following = planning.records.first_created(tenant, Month(2024, 1).start + HOUR)
    finally:
        admin.command("profile", 0)
    count, find = admin["system.profile"].find({"ns": f"{admin.name}.audit_logs"}).sort("ts", 1)
    admin["system.profile"].drop()

    assert (counted, following) == (500, Month(2024, 1).start + HOUR)
    assert (count["docsExamined"], count["keysExamined"]) in ((0, 501), (0, 500), (0, 502))
    assert find["docsExamined"] <= 1 and find["keysExamined"] <= 2


def test_what_the_database_refuses_is_no_month_without_records(planning, store, monkeypatch):
    store("2024-02-10T12:00:00Z")

    def away(*_):
        raise Unavailable("The database does not answer; try again.")

    monkeypatch.setattr(planning.records, "count_created", away)
    monkeypatch.setattr(planning.records, "first_created", away)
    scheduled = message({"trigger": "schedule"})

    assert planning.deliver(scheduled) == [scheduled["messageId"]]
    assert planning.newest_run()["state"] == "planning"

"""The reads of a run, and their limits."""

import pytest

from chancery.archive.month_selection import Month, MonthSelection
from chancery.audit.store import AuditStore
from chancery.core.errors import Unavailable
from tests.builders import message
from tests.integration.archive.planner.synthetic import due_by
from tests.integration.archive.planning import DAY, HOUR, TODAY


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
    months = MonthSelection(Watched(planning.archiver), planning.store)
    found = [
        (place.tenant_id, str(place.month), due.supplement)
        for place, due in months.find(planning.planner.default_scope())
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


def test_a_refusal_by_the_database_is_not_a_month_without_records(planning, store, monkeypatch):
    store("2024-02-10T12:00:00Z")

    def unavailable(*_):
        raise Unavailable("The database does not answer; try again.")

    monkeypatch.setattr(planning.records, "count_created", unavailable)
    monkeypatch.setattr(planning.records, "first_created", unavailable)
    scheduled = message({"trigger": "schedule"})

    assert planning.deliver(scheduled) == [scheduled["messageId"]]
    assert planning.newest_run()["state"] == "planning"

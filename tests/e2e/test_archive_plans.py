"""The schedule, the queue of runs and the planner as they are deployed, on the demo's months."""

from datetime import UTC, datetime

import pytest

from chancery.archive.month_selection import last_due
from tests.e2e.deployed import resource


@pytest.fixture(scope="session")
def planned(api, eventually):
    """Asks until a run is planned; the run."""

    def wait(ref_id: str) -> dict:
        def run() -> dict | None:
            found = api("GET", f"/archives/runs/{ref_id}", "super_admin").json()
            return found if found["state"] == "planned" else None

        return eventually(run)

    return wait


def test_a_run_plans_the_months_of_the_dry_run_and_another_one_no_more(api, planned):
    before = {item["id"] for item in api("GET", "/archives", "super_admin").json()["items"]}
    due = api("POST", "/archives/runs", "super_admin", json={"dryRun": True}).json()
    fresh = [(item["tenantId"], item["month"]) for item in due["items"] if item["state"] == "due"]
    begun = api("POST", "/archives/runs", "super_admin", json={})

    run = planned(begun.json()["id"])
    archives = api("GET", "/archives", "super_admin", params={"limit": 500}).json()["items"]
    again = planned(api("POST", "/archives/runs", "super_admin", json={}).json()["id"])

    assert begun.status_code == 202
    assert due["dueUntil"] == str(last_due(datetime.now(UTC), 24))
    assert sorted(fresh) == sorted((item["tenantId"], item["month"]) for item in archives if item["id"] not in before)
    assert before or {tenant for tenant, _ in fresh} == {"acme", "globex"}
    assert run["partitions"]["total"] == len(fresh)
    assert again["partitions"]["total"] == 0


def test_the_schedule_starts_a_run(api, aws, eventually):
    scheduler = aws("scheduler")
    deployed = scheduler.get_schedule(Name=resource(aws, "ArchivePlansSchedule"))
    runs = {run["id"] for run in api("GET", "/archives/runs", "super_admin").json()["items"]}
    scheduler.create_schedule(
        Name="at-once",
        ScheduleExpression="at(2026-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target=deployed["Target"],
    )

    def started() -> list[dict]:
        listed = api("GET", "/archives/runs", "super_admin").json()["items"]
        return [run for run in listed if run["id"] not in runs and run["state"] == "planned"]

    (run,) = eventually(started)
    assert (deployed["ScheduleExpression"], deployed["State"]) == ("cron(0 3 2 * ? *)", "ENABLED")
    assert (run["trigger"], run["createdBy"], run["everyTenant"]) == ("schedule", "schedule", True)


@pytest.mark.parametrize("caller", ["user", "dm_user", "auditor", "producer"])
def test_other_roles_have_no_access_to_the_archive(api, caller):
    assert api("GET", "/archives", caller).status_code == 403
    assert api("POST", "/archives/runs", caller, json={}).status_code == 403

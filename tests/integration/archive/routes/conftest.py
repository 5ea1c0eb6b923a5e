"""The archive's routes for administrators, through the real handler."""

from datetime import timedelta

import pytest

from chancery.archive.month_selection import last_due
from chancery.core.formats.times import now
from tests.builders import http, message, principal
from tests.fakes import LambdaContext
from tests.integration.archive.planning import Planning, stored

RUNS = "/v1/archives/runs"
STATES = ("pending", "running", "archived", "failed")
UNKNOWN = "01J00000000000000000000000"


@pytest.fixture
def send(call, monkeypatch):
    """A request to the function, by default a super_admin's."""
    monkeypatch.setenv("CHANCERY_ARCHIVE_AFTER_MONTHS", "24")
    monkeypatch.setenv("CHANCERY_ARCHIVE_STORAGE_CLASS", "GLACIER")
    for name in ("PLANS_", ""):
        monkeypatch.setenv(f"CHANCERY_ARCHIVE_{name}QUEUE_URL", "https://queue")

    def request(method, path, body=None, role="super_admin", query=None, headers=None, tenants=()):
        caller = principal(role, tenants=tenants)
        asked = http(method, path, body, caller=caller, query=query, headers=headers)
        return call("manage_archives", asked, "archiver")

    return request


@pytest.fixture
def get(send):
    return lambda path, **query: send("GET", path, query={k: str(v) for k, v in query.items()} or None)


@pytest.fixture
def post(send):
    return lambda body, **options: send("POST", RUNS, body, **options)


@pytest.fixture
def planning(connect) -> Planning:
    """A planner on the same database, today."""
    return Planning(connect("archiver"), now())


@pytest.fixture
def plan(load_function, retry_queue, environment):
    """Delivers the messages in the queue of runs to the planning function."""

    def deliver():
        environment("archiver")
        handler = load_function("plan_archives").handler
        bodies = [body for body in retry_queue.sent if "runId" in body]
        retry_queue.sent.clear()
        for body in bodies:
            assert handler({"Records": [message(body)]}, LambdaContext()) == {"batchItemFailures": []}

    return deliver


@pytest.fixture
def months(connect, planning):
    """Five tenants and the platform with a record in each of some old months, all of them planned."""
    last = last_due(now(), 24)
    for at, tenant in enumerate((None, "acme", "globex", "initech", "umbrella")):
        moments = [last.plus(-back).start + timedelta(days=3) for back in range(at + 1)]
        stored(connect("writer"), *moments, tenant=tenant)
    planning.run()
    return planning


def audited(bus) -> list[tuple[str, str, str | None]]:
    """Action, resource and tenant of the audited reads, without the crossings of tenants."""
    events = bus.of("Record Audit Event")
    return [(it["action"], it["resourceId"], it["tenantId"]) for it in events if it["action"] != "tenant.crossed"]

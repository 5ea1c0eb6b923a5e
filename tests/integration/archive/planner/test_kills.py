"""A run that is killed between any two steps is healed by the next or by its own message."""

from itertools import cycle

import pytest

from tests.crashes import Crash
from tests.integration.archive.planning import DAY, TODAY, Planning


def killed_after(planning: Planning, steps: int) -> bool:
    """Runs with an environment that dies once it has changed so many things in the world; whether it died."""
    left = [steps]

    def mortal(change):
        def do(*arguments, **options):
            if not left[0]:
                raise Crash
            left[0] -= 1
            return change(*arguments, **options)

        return do

    places = ((planning.store, "add"), (planning.store, "advance"), (planning.runs, "add"), (planning.runs, "advance"))
    for place, name in (*places, (planning.runs_queue, "send"), (planning.months_queue, "send")):
        setattr(place, name, mortal(getattr(place, name)))
    try:
        planning.run(cycle((300_000, 1000)).__next__)
    except Crash:
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

        assert planning.queued() == EVENTFUL
        assert [part for part in planning.partitions() if part["state"] == "archived"] == archived
        others = [(part["state"], part["error"]) for part in planning.partitions() if part not in archived]
        assert others == [("pending", None)] * len(EVENTFUL)
        assert planning.newest_run()["state"] == "planned"
        steps += 1
    assert steps > 10

"""A planner with a fake clock, records stored at chosen moments, and workers that archive at once."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.database import Database

from chancery.archive.month_selection import Month, MonthSelection
from chancery.archive.planner import ArchivePlanner, Rules
from chancery.archive.store import ArchiveStore, RunStore
from chancery.audit.ingest import RecordBuilder
from chancery.audit.store import AuditStore
from chancery.sealing.models import log_name
from tests.builders import built, event, message, writer
from tests.fakes import FakeQueue, Loop

Archiver = Database[dict[str, Any]]
Key = tuple[str | None, str]
TODAY = datetime(2026, 3, 15, 9, 30, tzinfo=UTC)  # 2024-02 is the newest month that is due
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def stored(
    database: Archiver, *created: str | datetime, tenant: str | None = "acme", recorded: datetime | None = None
) -> None:
    """Stores a record of each moment at which something happened; `recorded` is when, by default a minute later."""
    records = []
    for moment in created:
        happened = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        clock = recorded or happened.astimezone(UTC) + timedelta(minutes=1)
        body = event(createdOn=happened.isoformat())
        records.append(built(body, tenant, RecordBuilder(clock=lambda clock=clock: clock)))
    writer(database).insert(records)


@dataclass
class Planning:
    """A planner as an execution environment has it, on a day of the tests' choosing."""

    archiver: Archiver
    now: datetime = TODAY
    runs_queue: FakeQueue = field(default_factory=FakeQueue)
    months_queue: FakeQueue = field(default_factory=FakeQueue)
    inbox: list[dict[str, Any]] = field(default_factory=list)
    scheduled: int = 0

    def __post_init__(self) -> None:
        self.records = AuditStore(self.archiver)
        self.restart()

    def restart(self) -> None:
        """A new environment; queues and database stay."""
        self.store = ArchiveStore(self.archiver, lambda: self.now)
        self.runs = RunStore(self.archiver, lambda: self.now)
        self.months = MonthSelection(self.records, self.store)
        rules = Rules(24, "GLACIER", timedelta(minutes=10))
        queues = self.runs_queue, self.months_queue
        self.planner = ArchivePlanner(self.runs, self.store, self.months, *queues, rules, log_name)
        self.loop = Loop(self.planner, self.runs_queue)

    def run(self, remaining_ms: Callable[[], int] = lambda: 300_000) -> str:
        """The schedule starts a run, and its messages are delivered until there is none; the run."""
        self.scheduled += 1
        sent = int(self.now.timestamp() * 1000) + self.scheduled
        scheduled = message({"trigger": "schedule"})
        scheduled["attributes"]["SentTimestamp"] = str(sent)
        self.inbox = [scheduled]
        self.drain(remaining_ms)
        return self.newest_run()["refId"]

    def drain(self, remaining_ms: Callable[[], int] = lambda: 300_000) -> None:
        """Delivers messages until there is none; one whose delivery ends in death stays."""
        while self.inbox:
            self.deliver(self.inbox[0], remaining_ms)
            self.inbox.pop(0)
            self.inbox += [message(body) for body in self.runs_queue.sent]
            self.runs_queue.sent.clear()

    def deliver(self, sent: dict[str, Any], remaining_ms: Callable[[], int] = lambda: 300_000) -> list[str]:
        return self.loop.consume([sent], remaining_ms)

    def newest_run(self) -> dict[str, Any]:
        return self.runs.page(None, 1)[0]

    def partitions(self) -> list[dict[str, Any]]:
        return self.store.partitions({}, [("tenantId", 1), ("month", 1), ("supplement", 1)])

    def planned(self) -> list[tuple[str | None, str, int]]:
        return [(part["tenantId"], part["month"], part["supplement"]) for part in self.partitions()]

    def queued(self) -> list[tuple[str | None, str, int]]:
        """The partitions in the queue's messages since the last call, in order and without repeats."""
        sent = [json.loads(body) for body in self.months_queue.sent]
        self.months_queue.sent.clear()
        wanted = {(item["tenantId"], item["refId"]) for item in sent}
        found = [part for part in self.partitions() if (part["tenantId"], part["refId"]) in wanted]
        assert len(found) == len(wanted)
        return [(part["tenantId"], part["month"], part["supplement"]) for part in found]

    def archive(self) -> None:
        """Archives every partition of the queue with its records."""
        for part in self.partitions():
            if part["state"] in ("pending", "running"):
                count = len(self.belonging(part))
                assert count
                assert self.store.advance(part, state="archived", records=count, bytes=count, manifestSha256="0" * 64)

    def belonging(self, part: dict[str, Any]) -> list[str]:
        month = Month.parse(part["month"])
        recorded = (part["recordedFrom"], part["recordedTo"])
        found = self.records.recorded_between(part["tenantId"], (month.start, month.end), recorded, None)
        return [record["refId"] for record in found]


def keys(planned: Sequence[tuple[str | None, str, int]]) -> list[Key]:
    """Tenants and months without the number."""
    return [(tenant, month) for tenant, month, _ in planned]

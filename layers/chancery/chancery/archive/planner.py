"""Plans the archive: a run gives each month that is due a partition, and each partition's worker a message.

Everything a run does may be done again. A partition is stored before its message is sent, and whoever finds it open
sends the message again: the run itself when its own message is delivered another time, or the next run. Two runs at
once cannot both plan a month, since (tenant, month, supplement) is unique.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal, NamedTuple

import orjson

from chancery.archive.models import ArchivePartition
from chancery.archive.month_selection import Due, DueMonths, Place, Wanted
from chancery.archive.months import Month, last_due
from chancery.archive.run_store import RunStore
from chancery.archive.store import ArchiveStore
from chancery.core.aws.queue import ItemRef, Message, Queue, body_of
from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import ChanceryError
from chancery.core.formats.identifiers import new_ref_id, ref_id_of
from chancery.core.mongo.client import Document
from chancery.core.observability import count
from chancery.tlog.layout import ArchiveKeys

_AT_WORK = timedelta(minutes=15)  # the longest that a worker can be at it, with its message still unseen
_TIME_TO_FINISH_MS = 60_000
_NOTHING_YET = {str(field.alias): None for field in ArchivePartition.model_fields.values() if field.default is None}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a run goes by where it is told nothing else.

    `settled`: no transaction takes so long, so what was recorded before that can be read.
    """

    after_months: int
    storage_class: str
    settled: timedelta


class RunRef(NamedTuple):
    """The run of a message; `scheduled`: the message began it."""

    ref_id: str
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class ArchivePlanner:
    """Begins runs and plans them, turn by turn. `log_name` names a tenant in S3 keys."""

    runs: RunStore
    store: ArchiveStore
    months: DueMonths
    queue: Queue  # of runs
    archive_queue: Queue  # of partitions
    rules: Rules
    log_name: Callable[[str | None], str]
    new_id: Callable[[], str] = new_ref_id

    name: ClassVar[str] = "archive-plans"
    rescheduled: ClassVar[bool] = False

    def parse(self, message: Message) -> RunRef:
        """The run that a message is about. The schedule's message names none; its run has the message's own id."""
        named = body_of(message).get("runId")
        if named is not None:
            return RunRef(str(named))
        sent = int(message["attributes"].get("SentTimestamp", 0))
        return RunRef(ref_id_of(sent, message["messageId"]), scheduled=True)

    def work(self, run: RunRef, delivery: Delivery) -> None:
        """Plans a run, and stores it first where it is the schedule's. Raises as `plan`."""
        if run.scheduled:
            self.begin("schedule", "schedule", run.ref_id)
        self.plan(run.ref_id, delivery.remaining_ms)

    def failed(self, run: RunRef, reason: str) -> None:
        """Marks a run as failed for good; its months are planned by the next run."""
        found = self.runs.get(run.ref_id)
        if found["state"] != "planned":
            self.runs.advance(found, state="failed", error=reason)

    def begin(
        self,
        trigger: Literal["schedule", "request"],
        created_by: str,
        run_id: str,
        wanted: Wanted | None = None,
        storage_class: str | None = None,
    ) -> None:
        """Stores a run, for all that is due unless `wanted` says what. Repeating a run's id stores nothing."""
        wanted = wanted or self.everything()
        self.runs.add(
            {
                "refId": run_id,
                "createdBy": created_by,
                "trigger": trigger,
                "state": "planning",
                "dueUntil": str(wanted.until),
                "recordedTo": wanted.recorded_to,
                "storageClass": storage_class or self.rules.storage_class,
                "everyTenant": wanted.every_tenant,
                "tenant": wanted.tenant_id,
                "month": str(wanted.month) if wanted.month else None,
                "place": None,
                "requeuedPartitions": 0,
            }
        )

    def everything(self) -> Wanted:
        """What is due now."""
        moment = self.runs.clock()
        return Wanted(last_due(moment, self.rules.after_months), moment - self.rules.settled)

    def tell(self, run_id: str) -> None:
        """Has a run planned, or carried on with."""
        self.queue.send(orjson.dumps({"runId": run_id}).decode())

    def plan(self, run_id: str, remaining_ms: Callable[[], int]) -> None:
        """Plans until the run is through or time runs short; then it remembers its place and a message carries on.

        Safe to repeat and to kill anywhere. A month that cannot be looked at is left out; its error stays with the run.
        Raises NotFound, Unavailable, and what went wrong with a month of the last turn.
        """
        run = self.runs.get(run_id)
        if run["state"] == "planned":
            return
        requeued: int = run["requeuedPartitions"]
        before: str | None = run.get("error") if run["state"] == "planning" else None  # of the turns before
        failed: list[ChanceryError] = []
        for place, due in self.months.find(_wanted(run), _place(run), failed):
            if due is not None:
                requeued += self._take_up(run, place, due)
            if remaining_ms() < _TIME_TO_FINISH_MS:
                reached = {"tenantId": place.tenant_id, "month": str(place.month)}
                error = failed[-1].detail if failed else before
                if self.runs.advance(run, state="planning", place=reached, requeuedPartitions=requeued, error=error):
                    self.tell(run_id)
                return
        if failed:
            raise failed[-1]
        if before:
            self.runs.advance(run, state="failed", place=None, requeuedPartitions=requeued)
        elif self.runs.advance(run, state="planned", place=None, requeuedPartitions=requeued, error=None):
            count("ArchiveRunsPlanned")

    def _take_up(self, run: Document, place: Place, due: Due) -> bool:
        """Has a worker see to what is due; whether an earlier run had planned it."""
        partition = due.partition
        if partition is None:
            partition = self._partition(run, place, due)
            if not self.store.add(partition):
                return False  # another run was faster, and tells the worker
        elif partition["state"] == "failed":
            taken_up = self.store.advance(partition, state="pending", runId=run["refId"], error=None)
            if taken_up is None:
                return False
            partition = taken_up
        elif partition["state"] == "running" and self.store.clock() - partition["updatedOn"] < _AT_WORK:
            return False
        self.archive_queue.send(ItemRef.of(partition).to_message())
        return bool(partition["runId"] != run["refId"])

    def _partition(self, run: Document, place: Place, due: Due) -> Document:
        month = str(place.month)
        return {
            "refId": self.new_id(),
            "tenantId": place.tenant_id,
            "month": month,
            "supplement": due.supplement,
            "state": "pending",
            "runId": run["refId"],
            "recordedFrom": due.recorded_from,
            "recordedTo": due.recorded_to,
            "storageClass": run["storageClass"],
            "key": ArchiveKeys.of(self.log_name(place.tenant_id), month, due.supplement).file,
            "records": 0,
            "rawBytes": 0,
            "bytes": 0,
            "seconds": 0.0,
            **_NOTHING_YET,
        }


def _wanted(run: Document) -> Wanted:
    month = Month.parse(run["month"]) if run["month"] else None
    return Wanted(Month.parse(run["dueUntil"]), run["recordedTo"], run["everyTenant"], run["tenant"], month)


def _place(run: Document) -> Place | None:
    place = run["place"]
    return Place(place["tenantId"], Month.parse(place["month"])) if place else None

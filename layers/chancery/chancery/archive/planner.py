"""Plans the archive: a run stores a partition for each month that is due, and sends the message of each.

Every step of a run is idempotent. A partition is stored before its message is sent, and the message of an open
partition is sent again: by the run itself when its own message is delivered again, or by the next run. Two runs at once
cannot both plan a month, since (tenant, month, supplement) is unique.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal, NamedTuple

import orjson

from chancery.archive.models import ArchivePartition
from chancery.archive.month_selection import Month, MonthSelection, PendingMonth, Scope, TenantMonth, last_due
from chancery.archive.store import ArchiveStore, RunStore
from chancery.core.aws.queue import ItemRef, Message, Queue, body_of
from chancery.core.aws.work_loop import LONGEST_ATTEMPT, Delivery
from chancery.core.errors import ChanceryError
from chancery.core.formats.identifiers import new_ref_id, ref_id_of
from chancery.core.mongo.client import Document
from chancery.core.observability import count
from chancery.tlog.layout import ArchiveKeys

_TIME_TO_FINISH_MS = 60_000
_NOTHING_YET = {str(field.alias): None for field in ArchivePartition.model_fields.values() if field.default is None}


@dataclass(frozen=True, slots=True)
class Rules:
    """The defaults of a run.

    `settled`: no transaction takes so long, so that all records recorded before that can be read.
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
    """Begins runs and plans them, one turn a message. `log_name` names a tenant in S3 keys."""

    runs: RunStore
    store: ArchiveStore
    months: MonthSelection
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
        if found["state"] == "planning":
            self.runs.advance(found, state="failed", error=reason)

    def begin(
        self,
        trigger: Literal["schedule", "request"],
        created_by: str,
        run_id: str,
        scope: Scope | None = None,
        storage_class: str | None = None,
    ) -> None:
        """Stores a run over a scope, by default over all that is pending. A repeated run id stores nothing."""
        scope = scope or self.default_scope()
        self.runs.add(
            {
                "refId": run_id,
                "createdBy": created_by,
                "trigger": trigger,
                "state": "planning",
                "dueUntil": str(scope.until),
                "recordedTo": scope.recorded_to,
                "storageClass": storage_class or self.rules.storage_class,
                "everyTenant": scope.every_tenant,
                "tenant": scope.tenant_id,
                "month": str(scope.month) if scope.month else None,
                "reached": None,
                "requeuedPartitions": 0,
            }
        )

    def default_scope(self) -> Scope:
        """All that is due now."""
        moment = self.runs.clock()
        return Scope(last_due(moment, self.rules.after_months), moment - self.rules.settled)

    def send(self, run_id: str) -> None:
        """Has a run planned, or continued."""
        self.queue.send(orjson.dumps({"runId": run_id}).decode())

    def plan(self, run_id: str, remaining_ms: Callable[[], int]) -> None:
        """Plans until the run is complete or time runs short; then another message continues after the month reached.

        Safe to repeat and to kill anywhere. A month that cannot be examined is left out, and its error is stored with
        the run. Raises NotFound, Unavailable, and the error of a month of the last turn.
        """
        run = self.runs.get(run_id)
        if run["state"] == "planned":
            return
        requeued: int = run["requeuedPartitions"]
        before: str | None = run.get("error") if run["state"] == "planning" else None  # of the turns before
        failed: ChanceryError | None = None
        for place, pending in self.months.find(_scope(run), _reached(run)):
            if isinstance(pending, ChanceryError):
                failed = pending
            elif pending is not None:
                requeued += self._queue(run, place, pending)
            if remaining_ms() < _TIME_TO_FINISH_MS:
                reached = {"tenantId": place.tenant_id, "month": str(place.month)}
                error = failed.detail if failed else before
                if self.runs.advance(run, state="planning", reached=reached, requeuedPartitions=requeued, error=error):
                    self.send(run_id)
                return
        if failed:
            raise failed
        if before:
            self.runs.advance(run, state="failed", reached=None, requeuedPartitions=requeued)
        elif self.runs.advance(run, state="planned", reached=None, requeuedPartitions=requeued, error=None):
            count("ArchiveRunsPlanned")

    def _queue(self, run: Document, place: TenantMonth, pending: PendingMonth) -> bool:
        """Stores the partition of a pending month and sends its message; whether an earlier run had planned it."""
        partition = pending.partition
        if partition is None:
            partition = self._partition(run, place, pending)
            if not self.store.add(partition):
                return False  # another run was faster, and sends the message
        elif partition["state"] == "failed":
            reopened = self.store.advance(partition, state="pending", runId=run["refId"], error=None)
            if reopened is None:
                return False
            partition = reopened
        elif partition["state"] == "running" and self.store.clock() - partition["updatedOn"] < LONGEST_ATTEMPT:
            return False
        self.archive_queue.send(ItemRef.of(partition).to_message())
        return bool(partition["runId"] != run["refId"])

    def _partition(self, run: Document, place: TenantMonth, pending: PendingMonth) -> Document:
        month = str(place.month)
        return {
            "refId": self.new_id(),
            "tenantId": place.tenant_id,
            "month": month,
            "supplement": pending.supplement,
            "state": "pending",
            "runId": run["refId"],
            "recordedFrom": pending.recorded_from,
            "recordedTo": pending.recorded_to,
            "storageClass": run["storageClass"],
            "key": ArchiveKeys.of(self.log_name(place.tenant_id), month, pending.supplement).file,
            "records": 0,
            "rawBytes": 0,
            "bytes": 0,
            "seconds": 0.0,
            **_NOTHING_YET,
        }


def _scope(run: Document) -> Scope:
    month = Month.parse(run["month"]) if run["month"] else None
    return Scope(Month.parse(run["dueUntil"]), run["recordedTo"], run["everyTenant"], run["tenant"], month)


def _reached(run: Document) -> TenantMonth | None:
    reached = run["reached"]
    return TenantMonth(reached["tenantId"], Month.parse(reached["month"])) if reached else None

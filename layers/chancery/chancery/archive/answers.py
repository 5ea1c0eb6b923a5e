"""The answers of the archive's routes."""

from datetime import datetime
from typing import Any, Literal

from chancery.archive.models import Position, RestoreState, State, Tier
from chancery.core.web.answers import Amount, AnswerModel, Count, PageOf, RefId
from chancery.tlog.archive_types import MonthText, StorageClass

RunState = Literal["planning", "planned", "failed"]


class Sizes(AnswerModel):
    """Sums over records; `bytes` compressed, `rawBytes` not."""

    records: Count
    raw_bytes: Count
    bytes: Count


class Restore(AnswerModel):
    """The newest restore of an archived month."""

    id: RefId
    state: RestoreState
    tier: Tier
    days: Count
    records: Count
    requested_by: str
    requested_on: datetime
    completed_on: datetime | None
    expires_on: datetime | None
    error: str | None
    updated_on: datetime


class ArchiveItem(Sizes):
    """A tenant's month in the archive, or a numbered supplement with the records that came late."""

    id: RefId
    tenant_id: str | None
    month: MonthText
    supplement: Count
    state: State
    run_id: str
    recorded_from: datetime | None
    recorded_to: datetime
    storage_class: StorageClass
    key: str
    seconds: Amount
    first: Position | None
    last: Position | None
    manifest_sha256: str | None
    cost: dict[str, Any] | None
    restore: Restore | None
    error: str | None
    created_on: datetime
    updated_on: datetime


class RestoringArchive(ArchiveItem):
    """An archived month with its log."""

    log: dict[str, Any] | None


class WritingProgress(Sizes):
    """The parts of the file that are written so far."""

    parts: Count


class Archive(RestoringArchive):
    """An archived month with its log; `progress` while its file is being written."""

    progress: WritingProgress | None


class LocatedMonth(AnswerModel):
    """An archived month that may hold what was searched for."""

    id: RefId
    tenant_id: str | None
    month: MonthText
    supplement: Count
    state: State


class LocatedMonths(AnswerModel):
    """The months that may hold what was searched for, the oldest first; no other month holds any."""

    items: list[LocatedMonth]


class PartitionCounts(AnswerModel):
    """The partitions of a run by state."""

    pending: Count
    running: Count
    archived: Count
    failed: Count
    total: Count


class RunCost(AnswerModel):
    """Estimated costs in US dollars."""

    writing_usd: Amount
    monthly_usd: Amount


class RunItem(Sizes):
    """A run of the archive, with the sums over its partitions."""

    id: RefId
    tenant_id: str | None
    every_tenant: bool
    month: MonthText | None
    state: RunState
    trigger: str
    created_by: str
    due_until: MonthText
    recorded_to: datetime
    storage_class: StorageClass
    requeued_partitions: Count
    error: str | None
    created_on: datetime
    updated_on: datetime
    partitions: PartitionCounts
    seconds: Amount
    cost: RunCost


class Run(RunItem):
    """A run; `progress` sums the files that are being written right now."""

    progress: Sizes


class StartedRun(AnswerModel):
    """A run that has been requested."""

    id: RefId
    state: RunState


class DueMonth(AnswerModel):
    """A month that a run would archive; `state` is `due` where it has no partition yet."""

    tenant_id: str | None
    month: MonthText
    supplement: Count
    state: State | Literal["due"]
    records: Count


class DueMonths(AnswerModel):
    """The months that a run would archive."""

    due_until: MonthText
    recorded_to: datetime
    items: list[DueMonth]
    next_cursor: str | None


ARCHIVE_PAGE = PageOf(ArchiveItem)
RUN_PAGE = PageOf(RunItem)

"""Documents of the archive: runs, partitions (a tenant's month, or a supplement to it), parts of a file, restores."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from chancery.core.documents import Identifier, StoredDocument, TraceId
from chancery.tlog.archive_types import Count, Hex, MonthText, StorageClass

State = Literal["pending", "running", "archived", "failed"]
Tier = Literal["Expedited", "Standard", "Bulk"]
RestoreState = Literal["requested", "checking", "loading", "restored", "failed", "expired"]
ACTIVE: tuple[RestoreState, ...] = ("requested", "checking", "loading")
Blob = bytes  # the name is that of a field below


class Place(StoredDocument):
    """How far a run has come: this month of this tenant was looked at last."""

    tenant_id: Identifier | None
    month: MonthText


class ArchiveRun(StoredDocument):
    """One run of the planner: which months it looks for, and how far it has come.

    It plans records that were recorded before `recordedTo`, of one tenant unless `everyTenant`. What became of its
    partitions stands in them. `version` lets only one planner move it on.
    """

    ref_id: Identifier
    tenant_id: Literal["global"]
    created_by: Identifier
    created_on: datetime
    updated_on: datetime
    version: Count
    trigger: Literal["schedule", "request"]
    state: Literal["planning", "planned", "failed"]
    due_until: MonthText
    recorded_to: datetime
    storage_class: StorageClass
    every_tenant: bool
    tenant: Identifier | None
    month: MonthText | None
    place: Place | None
    requeued_partitions: Count  # of earlier runs, which were still open
    error: str | None = None


class Position(StoredDocument):
    """The place of a record in its month."""

    created_on: datetime
    ref_id: Identifier


class ArchivePartition(StoredDocument):
    """A tenant's month in the archive, or a numbered supplement with the records that came late.

    It holds the records with `createdOn` in the month that were recorded in [recordedFrom, recordedTo). `version` lets
    only one worker move it on.
    """

    ref_id: Identifier
    tenant_id: Identifier | None
    month: MonthText
    supplement: Count
    state: State
    version: Count
    run_id: Identifier
    created_on: datetime
    updated_on: datetime
    recorded_from: datetime | None
    recorded_to: datetime
    storage_class: StorageClass
    key: str
    records: Count
    raw_bytes: Count
    bytes: Count
    seconds: Annotated[float, Field(ge=0)]
    first: Position | None = None
    last: Position | None = None
    upload_id: str | None = None
    log: dict[str, Any] | None = None  # the tenant's tree head when every record had been read; {} without a log
    versions: dict[str, str] | None = None  # of what made the file
    manifest_sha256: Hex | None = None
    index_sha256: Hex | None = None
    cost: dict[str, Any] | None = None
    error: str | None = None


class RestoreProgress(StoredDocument):
    """The parts of a file that are checked and loaded: all that the next worker needs to continue after any part.

    `positionsFrom`: byte of the proof at which its positions begin, once the proof is valid. `records`, `last` and
    `subtrees` (of the Merkle tree over the records) are about the checked parts.
    """

    positions_from: Count | None = None
    checked: Count = 0
    loaded: Count = 0
    records: Count = 0
    subtrees: tuple[Hex, ...] = ()
    last: Position | None = None


class ArchiveRestore(StoredDocument):
    """A restore of a partition. `createdBy` has requested it.

    requested: S3 has been asked. checking: the file is back and is compared with manifest and log. loading: the file is
    valid, and its records go into the restored set, where they stay until `expiresOn`. restored: all of them are there.
    expired: they are gone. failed, with `error`, may follow on the first three. `version` is an optimistic lock.
    """

    ref_id: Identifier
    tenant_id: Identifier | None
    created_by: Identifier
    created_on: datetime
    trace_id: TraceId | None = None
    correlation_id: Identifier | None = None
    version: Count
    updated_on: datetime
    partition_id: Identifier
    tier: Tier
    days: Annotated[int, Field(ge=1, le=365)]
    state: RestoreState
    progress: RestoreProgress | None
    records: Count
    completed_on: datetime | None = None
    expires_on: datetime | None = None
    error: str | None = None


class ArchivePart(StoredDocument):
    """A part of a file on its way to S3: everything that the next worker needs of it, until the file is whole.

    It belongs to one upload: with another one everything begins again. `positions`: index in the tenant's log of each
    record, 8 bytes little-endian; 2^64-1 for one without a leaf. `subtrees`: after this part, the perfect subtrees of
    the Merkle tree over the file's leaves. `actors`, `resources`: 16 bytes for each text (`bloom_index.marks_of`).
    """

    tenant_id: Identifier | None
    partition_id: Identifier
    upload_id: str
    number: Annotated[int, Field(ge=1, le=10_000)]
    created_on: datetime
    sha256: Hex
    bytes: Count
    raw_bytes: Count
    records: Count
    first: Position
    last: Position
    positions: Blob
    subtrees: list[Blob]
    actors: Blob
    actions: list[str]
    resources: Blob

"""What the archive keeps in MongoDB: runs, partitions (a tenant's month, or a supplement to it), parts of a file."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from chancery.core.documents import Document, Identifier

MonthText = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}$")]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
StorageClass = Literal["GLACIER", "DEEP_ARCHIVE"]
State = Literal["pending", "running", "archived", "restoring", "restored", "failed"]
Blob = bytes  # the name is that of a field below
Count = Annotated[int, Field(ge=0)]


class ArchiveRun(Document):
    """One run of the planner: what it found due. `after` is the tenant it has come to, when it takes several turns."""

    ref_id: Identifier
    tenant_id: Literal["global"]
    created_by: Identifier
    created_on: datetime
    updated_on: datetime
    trigger: Literal["schedule", "request"]
    state: Literal["planning", "planned", "failed"]
    due_until: MonthText
    tenants: Count
    partitions: Count
    error: str | None = None


class Position(Document):
    """The place of a record in its month."""

    created_on: datetime
    ref_id: Identifier


class Restore(Document):
    """A restore that somebody has asked for."""

    requested_by: Identifier
    requested_on: datetime
    tier: Literal["Expedited", "Standard", "Bulk"]
    days: Annotated[int, Field(ge=1, le=365)]
    records: Count = 0
    completed_on: datetime | None = None
    expires_on: datetime | None = None
    error: str | None = None


class ArchivePartition(Document):
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
    upload_id: str | None = None
    log: dict[str, Any] | None = None  # name, size and checkpoint of the log when the file was whole
    manifest_sha256: Hex | None = None
    cost: dict[str, Any] | None = None
    restore: Restore | None = None
    error: str | None = None


class ArchivePart(Document):
    """A part of a file on its way to S3: everything that the next worker needs of it, until the file is whole.

    `positions`: index in the tenant's log of each record, 8 bytes little-endian; 2^64-1 for one without a leaf.
    `subtrees`: after this part, the perfect subtrees of the Merkle tree over the file's leaves.
    """

    tenant_id: Identifier | None
    partition_id: Identifier
    number: Annotated[int, Field(ge=1, le=10_000)]
    created_on: datetime
    etag: str
    sha256: Hex
    bytes: Count
    raw_bytes: Count
    records: Count
    first: Position
    last: Position
    positions: Blob
    subtrees: list[Blob]
    actors: list[str]
    actions: list[str]
    resources: list[str]

"""Documents of the archive: runs, partitions (a tenant's month, or a supplement to it), parts of a file, restores."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, field_validator

from chancery.core.documents import Document, Identifier, StoredDocument, TraceId, WholeNumber
from chancery.core.formats.identifiers import without_hidden
from chancery.core.web.listing import Page
from chancery.core.web.pagination import readable
from chancery.core.web.validation import TenantChoice
from chancery.tlog.archive_types import Count, Hex, MonthText, StorageClass

State = Literal["pending", "running", "archived", "failed"]
Tier = Literal["Expedited", "Standard", "Bulk"]
RestoreState = Literal["requested", "checking", "loading", "restored", "failed", "expired"]
ACTIVE: tuple[RestoreState, ...] = ("requested", "checking", "loading")
Blob = bytes  # the name is that of a field below
ResourceName = Annotated[  # a type of 64 characters at most, a slash, an id of 512
    str,
    StringConstraints(min_length=1, max_length=577, pattern=r"^[^\x00-\x1f\x7f]+$"),
    AfterValidator(without_hidden),
]


class ReachedMonth(StoredDocument):
    """The month that a run examined last."""

    tenant_id: Identifier | None
    month: MonthText


class ArchiveRun(StoredDocument):
    """One run of the planner: its scope, and the month it has reached.

    It plans records that were recorded before `recordedTo`, of one tenant unless `everyTenant`. Its partitions have
    states of their own. `version` is an optimistic lock.
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
    reached: ReachedMonth | None
    requeued_partitions: Count  # of earlier runs, which were still open
    error: str | None = None


class Position(StoredDocument):
    """The place of a record in its month."""

    created_on: datetime
    ref_id: Identifier


class ArchivePartition(StoredDocument):
    """A tenant's month in the archive, or a numbered supplement with the records that came late.

    It holds the records with `createdOn` in the month that were recorded in [recordedFrom, recordedTo). `version` is an
    optimistic lock.
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
    """A part of a file that is being uploaded: all that the next worker needs of it, until the file is completed.

    It belongs to one upload; another upload begins with no parts. `positions`: index in the tenant's log of each
    record, 8 bytes little-endian; 2^64-1 for one without a leaf. `subtrees`: after this part, the perfect subtrees of
    the Merkle tree over the file's leaves. `actors`, `resources`: 16 bytes for each text (`month_index.marks_of`).
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


MonthChoice = Annotated[MonthText | None, Field(description="a month in UTC: 2024-03")]


class ArchiveSearch(TenantChoice, Page):
    """The query parameters of `GET /v1/archives`."""

    month: MonthChoice = None
    state: State | None = None

    def filters(self) -> dict[str, Any]:
        """The filters in use, apart from the tenant."""
        given = {"month": self.month, "state": self.state}
        return {name: value for name, value in given.items() if value is not None}


class RunRequest(Document):
    """The body of `POST /v1/archives/runs`: empty for all that is due."""

    tenant_id: Identifier | None = Field(None, description="one tenant only; `null` in quotes: the platform's own")
    month: MonthChoice = None
    storage_class: StorageClass | None = Field(None, description="instead of the deployment's")
    dry_run: StrictBool = Field(False, description="answers with the months that are due, and stores nothing")
    cursor: str | None = Field(
        None, min_length=1, max_length=2048, description="of a dry run: `nextCursor` of the page before"
    )

    _cursor_is_readable = field_validator("cursor")(readable)


class RestoreRequest(Document):
    """The body of `POST /v1/archives/{id}/restore`. The tiers are S3's: minutes, hours, half a day and cheap."""

    tier: Literal["Expedited", "Standard", "Bulk"]
    days: WholeNumber = Field(ge=1, le=365, description="how long the records stay, counted from when they are there")


class LocateQuery(TenantChoice):
    """The query parameters of `GET /v1/archives/locate`: at least one in addition to the tenant."""

    actor_id: Identifier | None = None
    resource_id: ResourceName | None = Field(None, description="a resource's id, or `<type>/<id>`")
    action: Identifier | None = Field(None, description="an action, or a resource type's: `blog_post.*`")

    def wanted(self) -> dict[str, str]:
        """The filters in use, by the parameters of `may_hold`."""
        given = {"actor_id": self.actor_id, "resource_id": self.resource_id, "action": self.action}
        return {name: value for name, value in given.items() if value is not None}

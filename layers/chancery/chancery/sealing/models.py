"""The documents of sealing: outbox entries, leaves, tree heads."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from chancery.core.documents import Identifier, StoredDocument
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.formats.identifiers import tenant_folder
from chancery.tlog.leaf import leaf_entry

MAX_LEAVES = 256  # of one document
PLATFORM_LOG = tenant_folder(None)

RefId = Annotated[str, StringConstraints(min_length=26, max_length=26)]
Entry = Annotated[str, StringConstraints(max_length=65_535)]
LogName = Annotated[str, StringConstraints(pattern=r"^(platform|tenant-[A-Za-z0-9_-]{1,64}|tenant~[0-9a-f]{64})$")]


class LogForked(ChanceryError):
    """Database and published log contradict each other: a 500, alarmed, and nothing is signed."""


class StaleHead(Unavailable):
    """Another sealer has changed the head since it was read: the optimistic lock failed."""


class OutboxEntry(StoredDocument):
    """The records that one transaction stored for one tenant, until their leaves are in the log and their events sent.

    `entries` are the leaves; they go once they have their place in the log (`sequencedOn`).
    """

    tenant_id: Identifier | None
    created_on: datetime
    ref_ids: Annotated[list[RefId], Field(min_length=1)]
    entries: Annotated[list[Entry], Field(min_length=1)] | None = None
    sequenced_on: datetime | None = None
    published_on: datetime | None = None


class OutboxMark(StoredDocument):
    """What the writer inserts once the events of an outbox entry are on the bus; `_id` is the entry's."""

    tenant_id: Identifier | None
    created_on: datetime


class LeafBatch(StoredDocument):
    """Consecutive leaves of a tenant's log, `start` being the index of the first."""

    tenant_id: Identifier | None
    created_on: datetime
    start: Annotated[int, Field(ge=0)]
    ref_ids: Annotated[list[RefId], Field(min_length=1, max_length=MAX_LEAVES)]
    entries: Annotated[list[Entry], Field(min_length=1, max_length=MAX_LEAVES)]


class TreeHead(StoredDocument):
    """The head of a tenant's log: `size` leaves have an index, `published_size` are under the newest checkpoint.

    `event_size` is set while the bus is away: the size in the newest `Audit Checkpoint Sealed` that it has taken.
    """

    tenant_id: Identifier | None
    log: LogName
    created_on: datetime
    updated_on: datetime
    size: Annotated[int, Field(ge=0)]
    published_size: Annotated[int, Field(ge=0)]
    checkpoint: str | None = None
    event_size: Annotated[int, Field(ge=0)] | None = None


class FsckState(StoredDocument):
    """How far the check of a tenant's log has come: the next run continues there."""

    tenant_id: Identifier | None
    updated_on: datetime
    next_index: Annotated[int, Field(ge=0)]  # of the leaves to compare with their records
    next_ref_id: str  # of the records to find leaves for
    witnessed_size: Annotated[int, Field(ge=0)]  # of the witness's checkpoint that was compared last
    findings: Annotated[int, Field(ge=0)]  # of the last run


def outbox_entry(tenant_id: str | None, records: Sequence[Mapping[str, Any]], moment: datetime) -> dict[str, Any]:
    """The outbox document for records of one tenant."""
    return {
        "tenantId": tenant_id,
        "createdOn": moment,
        "refIds": [record["refId"] for record in records],
        "entries": [leaf_entry(record).decode() for record in records],
    }


def log_name(tenant_id: str | None) -> str:
    """The name of a tenant's log."""
    return tenant_folder(tenant_id)

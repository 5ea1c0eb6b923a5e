"""Audit events as they come in; audit records and exports as they are stored."""

import socket
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from chancery.core.documents import EXACT, ID, Document, Identifier, LongIdentifier, Name, StoredDocument, TraceId
from chancery.core.formats.identifiers import IP_ADDRESS
from chancery.core.formats.times import Moment

Action = Annotated[str, StringConstraints(max_length=128, pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$"), ID]
ResourceType = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z][a-z0-9_]*$"), ID]


def _is_ip_address(text: str) -> str:
    address, zone, _ = text.partition("%")
    family = socket.AF_INET6 if zone or ":" in address else socket.AF_INET
    try:
        socket.inet_pton(family, address)  # a tenth of what the module ipaddress takes; the pattern looks at the zone
    except OSError:
        raise ValueError("must be an IPv4 or IPv6 address, without a port") from None
    return text


IpAddress = Annotated[str, StringConstraints(max_length=64, pattern=IP_ADDRESS), AfterValidator(_is_ip_address), EXACT]
FreeText = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$")]
ActorType = Literal["human", "agent", "system"]
ExportFormat = Literal["ndjson", "csv"]

# Fields that a person may have erased: the digest holds each as a salted hash.
ERASABLE = (
    "actorName",
    "onBehalfOfName",
    "ipAddress",
    "userAgent",
    "resourceName",
    "description",
    "before",
    "after",
    "metadata",
)
# Fields that Chancery adds: they differ between deliveries of the same event.
OWN_FIELDS = frozenset({"_id", "refId", "recordedBy", "recordedOn", "digest", "digestVersion", "salts"})
FREE_FORM = ("before", "after", "metadata")


class AuditEvent(Document):
    """An event as a caller sends it. `createdOn` is when it happened (RFC 3339 with a zone), by default now.

    `onBehalfOfId` is whom the actor impersonates: the customer in whose account a supporter works.
    """

    event_id: Identifier | None = None
    tenant_id: Identifier | None = None
    tenant_name: Name | None = None
    actor_type: ActorType = "human"
    actor_id: Identifier
    actor_name: Name | None = None
    actor_role: Identifier | None = None
    on_behalf_of_id: Identifier | None = None
    on_behalf_of_name: Name | None = None
    action: Action
    resource_type: ResourceType
    resource_id: LongIdentifier
    resource_name: Name | None = None
    description: FreeText | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    ip_address: IpAddress | None = None
    user_agent: Annotated[Name, StringConstraints(max_length=2048)] | None = None
    trace_id: TraceId | None = None
    correlation_id: Identifier | None = None
    created_on: Annotated[Moment, EXACT] | None = None

    @property
    def full_action(self) -> str:
        """`<resource type>.<verb>`, also where the event names the verb alone."""
        return self.action if "." in self.action else f"{self.resource_type}.{self.action}"


class RecordedBy(StoredDocument):
    """Who submitted an event: subject and role of the token, or source and account of the event on the bus."""

    subject: Identifier | None = None
    role: Identifier | None = None
    source: Identifier | None = None
    account: Identifier | None = None


class AuditRecord(AuditEvent, StoredDocument):
    """A stored record: the whole event and the fields that Chancery adds; fields without a value are left out.

    Records of the first version of the digest have neither `recordedBy` nor `digestVersion`.
    """

    ref_id: Annotated[str, StringConstraints(min_length=26, max_length=26)]
    event_id: Identifier
    tenant_id: Identifier | None
    created_on: datetime
    recorded_on: datetime
    recorded_by: RecordedBy | None = None
    digest_version: Literal[2] | None = None
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    salts: dict[str, Annotated[bytes, Field(min_length=16, max_length=16)]]


class RestoredRecord(AuditRecord):
    """A record of an archive that is back until `expiresOn`."""

    partition_id: Identifier
    expires_on: datetime


class RestoredLoad(StoredDocument):
    """An archive that is being loaded into the restored set: until it is complete, none of its records is visible."""

    tenant_id: Identifier | None
    partition_id: Identifier
    expires_on: datetime


class ExportPart(StoredDocument):
    """A part of the multipart upload."""

    number: int
    etag: str
    sha256: str


class ExportDocument(StoredDocument):
    """An export: `written` when its file is, `done` with hash and proof. `version` lets only one worker move it on."""

    ref_id: Identifier
    tenant_id: Identifier | None
    every_tenant: bool
    created_by: Identifier
    created_on: datetime
    updated_on: datetime
    version: int
    filters: dict[str, str]
    format: ExportFormat
    state: Literal["queued", "running", "written", "done", "failed"]
    records: int
    bytes: int
    key: str
    sha256: str | None = None
    proof: str | None = None
    error: str | None = None
    upload_id: str | None = None
    parts: list[ExportPart]
    after: dict[str, Any] | None = None

"""The manifest of an archived month: small, in STANDARD, and enough to verify the file."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import accumulate
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from chancery.tlog.archive_types import Count, Hex, MonthText, StorageClass
from chancery.tlog.merkle import NO_LEAF
from chancery.tlog.strict_json import parse_object
from chancery.tlog.timestamps import to_rfc3339

FORMAT = "chancery-archive@v1"

_Positive = Annotated[int, Field(ge=1)]
_Identifier = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Time = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$")]

Document = Mapping[str, Any]
SortKey = tuple[str, str]  # createdOn (RFC 3339) and refId: the order of records in a file


def serialize_manifest(
    partition: Document, parts: Sequence[Document], root: bytes, log: Document, encryption_key: str | None
) -> bytes:
    """The manifest's JSON; the same bytes for the same input.

    `parts` of the file, each with its SHA-256, first and last record. `root`: the RFC 6962 root over the leaves of the
    records in the order of the file (`contentRoot`). `log`: their range in the tenant's log (`log_range`).
    """
    names = ("number", "records", "bytes", "rawBytes", "sha256")
    return orjson.dumps(
        {
            "format": FORMAT,
            "tenantId": partition["tenantId"],
            "month": partition["month"],
            "supplement": partition["supplement"],
            "recordedFrom": to_rfc3339(partition["recordedFrom"]) if partition["recordedFrom"] else None,
            "recordedTo": to_rfc3339(partition["recordedTo"]),
            "key": partition["key"],
            "storageClass": partition["storageClass"],
            "encryptionKey": encryption_key,
            "records": sum(part["records"] for part in parts),
            "rawBytes": sum(part["rawBytes"] for part in parts),
            "bytes": sum(part["bytes"] for part in parts),
            "first": _reference(parts[0]["first"]),
            "last": _reference(parts[-1]["last"]),
            "contentRoot": root.hex(),
            "checksumSha256": composite_checksum([part["sha256"] for part in parts]),
            "parts": [{name: part[name] for name in names} for part in parts],
            "log": log,
            "versions": partition["versions"],
        },
        option=orjson.OPT_SORT_KEYS,
    )


def log_range(head: Document, positions: Iterable[int]) -> Document:
    """The range of records in the log with a tree head (empty without a log): name, checkpoint (a signed note), first
    and last index, count with a leaf, and count without one, because they are older than the log.
    """
    first, last, sealed, unsealed = NO_LEAF, -1, 0, 0
    for position in positions:
        if position == NO_LEAF:
            unsealed += 1
        else:
            sealed += 1
            first, last = min(first, position), max(last, position)
    return {
        "name": head.get("log"),
        "checkpoint": head.get("checkpoint"),
        "firstIndex": first if sealed else None,
        "lastIndex": last if sealed else None,
        "sealed": sealed,
        "unsealed": unsealed,
    }


def composite_checksum(parts: Sequence[str]) -> str:
    """S3's checksum of an object in parts: SHA-256 over theirs, in base64, and how many there are."""
    return f"{b64encode(sha256(b''.join(map(bytes.fromhex, parts))).digest()).decode()}-{len(parts)}"


class _Member(BaseModel):
    """An object of a manifest. Later versions may add members."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=False, extra="ignore", frozen=True, strict=True, defer_build=True
    )


class RecordReference(_Member):
    """A record by its place in the order of the file."""

    created_on: _Time
    ref_id: _Identifier

    @property
    def sort_key(self) -> SortKey:
        return self.created_on, self.ref_id


class ManifestPart(_Member):
    """A part of the file: its compressed bytes, and the bytes of its lines (`raw_bytes`)."""

    number: _Positive
    records: _Positive
    bytes: _Positive
    raw_bytes: _Positive
    sha256: Hex


class LogRange(_Member):
    """The range of the records in their tenant's log; null where no record has a leaf."""

    name: str | None
    checkpoint: str | None
    first_index: Count | None
    last_index: Count | None
    sealed: Count
    unsealed: Count


@dataclass(frozen=True, slots=True)
class Bounds:
    """The rules for each record of a file: tenant, month, and recordedOn in [recorded_from, recorded_to)."""

    tenant_id: str | None
    month: str
    recorded_from: str | None
    recorded_to: str

    def check(self, record: Document, previous: SortKey | None) -> SortKey:
        """The sort key of a record, which must follow the previous one.

        Raises ValueError; LookupError and TypeError for another document.
        """
        if record["tenantId"] != self.tenant_id:
            raise ValueError("the record is another tenant's")
        if not record["createdOn"].startswith(f"{self.month}-"):
            raise ValueError("the record is of another month")
        if self.recorded_from is not None and record["recordedOn"] < self.recorded_from:
            raise ValueError("the record was recorded before the manifest's time")
        if record["recordedOn"] >= self.recorded_to:
            raise ValueError("the record was recorded after the manifest's time")
        key = record["createdOn"], record["refId"]
        if previous is not None and key <= previous:
            raise ValueError("the record is out of order, or twice in the file")
        return key


class Manifest(_Member):
    """The manifest of an archived month, as `serialize_manifest` writes it."""

    format: Literal["chancery-archive@v1"]
    tenant_id: _Identifier | None
    month: MonthText
    supplement: Count
    recorded_from: _Time | None
    recorded_to: _Time
    key: str
    storage_class: StorageClass
    records: _Positive
    raw_bytes: _Positive
    bytes: _Positive
    first: RecordReference
    last: RecordReference
    content_root: Hex
    checksum_sha256: str
    parts: Annotated[list[ManifestPart], Field(min_length=1)]
    log: LogRange

    @model_validator(mode="after")
    def _adds_up(self) -> "Manifest":
        for name in ("records", "raw_bytes", "bytes"):
            if sum(getattr(part, name) for part in self.parts) != getattr(self, name):
                raise ValueError(f"its parts do not add up to its {name}")
        if [part.number for part in self.parts] != list(range(1, len(self.parts) + 1)):
            raise ValueError("its parts are not numbered one after the other")
        if self.checksum_sha256 != composite_checksum([part.sha256 for part in self.parts]):
            raise ValueError("its checksum is not that of its parts")
        if self.log.sealed + self.log.unsealed != self.records:
            raise ValueError("the records with a leaf and those without do not add up to its records")
        if self.log.checkpoint is None and (self.log.sealed or self.log.name is not None):
            raise ValueError("it names a log without a checkpoint")
        if f"/{self.month}/{self.supplement:03d}." not in self.key:
            raise ValueError("its key is that of another month or supplement")
        return self

    @classmethod
    def parse(cls, text: "_Bytes") -> "Manifest":
        """The manifest in a text. Raises ValueError that names the first wrong member, never with a value of it."""
        parse_object(text)  # each key once
        try:
            return cls.model_validate_json(text)
        except ValidationError as exc:
            found = exc.errors(include_url=False, include_context=False, include_input=False)[0]
            where = "/".join(map(str, found["loc"]))
            what = found["msg"].removeprefix("Value error, ")
            raise ValueError(f"is not a manifest of an archive: {where + ': ' if where else ''}{what}") from None

    @property
    def bounds(self) -> Bounds:
        """The rules for each record."""
        return Bounds(self.tenant_id, self.month, self.recorded_from, self.recorded_to)

    def span(self, part: ManifestPart) -> tuple[int, int]:
        """The bytes [start, end) of the file that are a part."""
        start = self.offsets[part.number - 1]
        return start, start + part.bytes

    @cached_property
    def offsets(self) -> list[int]:
        """The byte of the file at which each part begins; last, the length of the file."""
        return list(accumulate((part.bytes for part in self.parts), initial=0))

    def describe(self, part: ManifestPart) -> str:
        """A part with its bytes in words."""
        start, end = self.span(part)
        return f"part {part.number} of the file, bytes {start} to {end - 1}"


_Bytes = bytes  # `bytes` is a field of Manifest


def _reference(record: Document) -> dict[str, Any]:
    return {"createdOn": to_rfc3339(record["createdOn"]), "refId": record["refId"]}

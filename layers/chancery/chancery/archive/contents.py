"""What an archived file must be: its manifest as a reader takes it, and the rules that its records keep together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator

from chancery.archive.manifest import composite
from chancery.archive.models import Count, Hex, MonthText, StorageClass
from chancery.core.documents import Document, Identifier

Time = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$")]
Text = bytes
Some = Annotated[int, Field(ge=1)]
Place = tuple[Any, str]  # createdOn and refId: the order of records


class _Member(Document):
    """A part of a manifest. Later versions may say more."""

    model_config = ConfigDict(extra="ignore", strict=True, populate_by_name=False)


class PlaceShown(_Member):
    created_on: Time
    ref_id: Identifier


class PartShown(_Member):
    number: Some
    records: Some
    bytes: Some
    raw_bytes: Some
    sha256: Hex


class LogShown(_Member):
    """Where the records are in their tenant's log; nothing of it where none of them has a leaf."""

    name: str | None
    checkpoint: str | None
    first_index: Count | None
    last_index: Count | None
    sealed: Count
    unsealed: Count


class Manifest(_Member):
    """The manifest of an archived month, written by `chancery.archive.manifest`."""

    format: Literal["chancery-archive@v1"]
    tenant_id: Identifier | None
    month: MonthText
    supplement: Count
    recorded_from: Time | None
    recorded_to: Time
    key: str
    storage_class: StorageClass
    records: Some
    raw_bytes: Some
    bytes: Some  # below, `Text` stands for the type
    first: PlaceShown
    last: PlaceShown
    content_root: Hex
    checksum_sha256: str
    parts: Annotated[list[PartShown], Field(min_length=1)]
    log: LogShown

    @model_validator(mode="after")
    def _adds_up(self) -> "Manifest":
        for name in ("records", "raw_bytes", "bytes"):
            if sum(getattr(part, name) for part in self.parts) != getattr(self, name):
                raise ValueError(f"its parts do not add up to its {name}")
        if [part.number for part in self.parts] != list(range(1, len(self.parts) + 1)):
            raise ValueError("its parts are not numbered one after the other")
        if self.checksum_sha256 != composite([part.sha256 for part in self.parts]):
            raise ValueError("its checksum is not that of its parts")
        if self.log.sealed + self.log.unsealed != self.records:
            raise ValueError("the records with a leaf and those without do not add up to its records")
        if self.log.checkpoint is None and (self.log.sealed or self.log.name is not None):
            raise ValueError("it names a log without a checkpoint")
        if f"/{self.month}/{self.supplement:03d}." not in self.key:
            raise ValueError("its key is that of another month or supplement")
        return self

    @classmethod
    def parse(cls, text: Text) -> "Manifest":
        """The manifest in a text. Raises ValueError saying what is wrong, never with a value of it."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as exc:
            found = exc.errors(include_url=False, include_context=False, include_input=False)[0]
            where = "/".join(map(str, found["loc"]))
            raise ValueError(
                f"is not a manifest of an archive: {where + ': ' if where else ''}{found['msg']}"
            ) from None

    def place_of(self, part: PartShown) -> tuple[int, int]:
        """The bytes [start, end) of the file that are a part."""
        start = sum(before.bytes for before in self.parts[: part.number - 1])
        return start, start + part.bytes


@dataclass(frozen=True, slots=True)
class Bounds:
    """What each record of a file keeps to. Times are all texts (RFC 3339) or all datetimes; periods are [from, to)."""

    tenant_id: str | None
    created: tuple[Any, Any]
    recorded: tuple[Any, Any]

    def check(self, record: Mapping[str, Any], before: Place | None) -> Place:
        """The place of a record that comes after the one `before`. Raises ValueError."""
        if record["tenantId"] != self.tenant_id:
            raise ValueError("the record is another tenant's")
        if not self.created[0] <= record["createdOn"] < self.created[1]:
            raise ValueError("the record is of another month")
        if not (self.recorded[0] is None or self.recorded[0] <= record["recordedOn"]):
            raise ValueError("the record was recorded before the manifest's time")
        if not record["recordedOn"] < self.recorded[1]:
            raise ValueError("the record was recorded after the manifest's time")
        place = record["createdOn"], record["refId"]
        if before is not None and place <= before:
            raise ValueError("the record is out of order, or twice in the file")
        return place

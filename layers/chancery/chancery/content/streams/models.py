"""Activity streams: as they are stored, and what their routes take."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from chancery.core.documents import Document, Identifier, StoredDocument, WholeNumber
from chancery.core.web.request import MAX_BATCH
from chancery.core.web.validation import TenantChoice

MAX_DELTA = 65_536  # characters
MAX_SEQUENCE = 10_000_000
MAX_SPREAD = 10_000  # between the sequences of one request
END = -1  # the sequence of the document that ends a stream

Sequence = Annotated[WholeNumber, Field(ge=0, le=MAX_SEQUENCE)]


class StreamDelta(StoredDocument):
    """A piece of a stream's text, or its end: then `sequence` is -1, and `last` is the sequence of the last piece."""

    tenant_id: Identifier
    activity_id: Identifier
    sequence: int
    delta: str = ""
    timestamp: datetime | None = None
    last: int | None = None
    created_by: Identifier
    created_on: datetime


class Delta(Document):
    """A piece of text with its place in the stream, which counts from 0 or 1 without a gap."""

    sequence: Sequence
    delta: Annotated[str, StringConstraints(max_length=MAX_DELTA)]
    timestamp: datetime | None = Field(None, description="when the producer made it")


class Appended(Document):
    """The body of `POST /v1/activities/{activityId}/stream`."""

    tenant_id: Identifier | None = None
    deltas: Annotated[list[Delta], Field(min_length=1, max_length=MAX_BATCH)]

    @model_validator(mode="after")
    def _is_of_one_place(self) -> "Appended":
        sequences = [item.sequence for item in self.deltas]
        if max(sequences) - min(sequences) > MAX_SPREAD:
            raise ValueError(f"send deltas whose sequences are at most {MAX_SPREAD} apart")
        return self


class Ended(Document):
    """The body of `POST /v1/activities/{activityId}/stream/end`."""

    tenant_id: Identifier | None = None
    sequence: Sequence | None = Field(None, description="of the last delta; without it, the highest that is stored")


class Activity(Document):
    """The activity in a path."""

    activity_id: Identifier


class StreamRead(TenantChoice):
    """The query parameters of `GET /v1/activities/{activityId}/stream`."""

    after: Annotated[int, Field(ge=0, le=MAX_SEQUENCE)] | None = Field(
        None, description="the sequence after which to go on; `Last-Event-ID` comes first"
    )
    wait: Annotated[int, Field(ge=0, le=8)] = Field(5, description="seconds to wait for a delta where there is none")

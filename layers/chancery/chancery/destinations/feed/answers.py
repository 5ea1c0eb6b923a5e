"""What the routes of the feed answer with."""

from datetime import datetime
from typing import Any

from pydantic import Field

from chancery.core.web.answers import ABSENT, AnswerModel, Count, RefId
from chancery.destinations.events import SourceName


class FeedItem(AnswerModel):
    """An event. `source` and `sequence` name it for ever; `leafIndex`: of audit records, their place in the log."""

    ref_id: str
    type: str
    timestamp: datetime
    source: SourceName
    sequence: Count
    leaf_index: Count = ABSENT
    data: dict[str, Any]


class Missed(AnswerModel):
    """Numbers of a source that are not stored any more."""

    source: SourceName
    from_: Count = Field(alias="from")
    to: Count


class Events(AnswerModel):
    """The next events of a tenant, and the cursor behind them. `more`: ask again at once."""

    items: list[FeedItem]
    cursor: str
    more: bool
    missed: list[Missed]


class Consumer(AnswerModel):
    """A named consumer. `lag`: source → records behind its cursor, of which not all may match."""

    ref_id: RefId
    tenant_id: str
    name: str
    events: list[str]
    filter: dict[str, Any] | None
    cursor: str
    lag: dict[str, Count]
    created_by: str
    created_on: datetime
    version: Count
    updated_by: str = ABSENT
    updated_on: datetime = ABSENT
    committed_on: datetime = ABSENT
    trace_id: str = ABSENT
    correlation_id: str = ABSENT


class Consumers(AnswerModel):
    """The consumers of a tenant."""

    items: list[Consumer]

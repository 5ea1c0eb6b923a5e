"""What the routes of the audit trail answer with; those of recording are in `recording_routes`."""

from datetime import datetime
from typing import Literal

from chancery.audit.collections import AUDIT_LOGS
from chancery.core.web.answers import AnswerModel, Count, PageOf, RefId, list_item

RECORD_PAGE = PageOf(list_item("AuditRecordItem", AUDIT_LOGS))


class Group(AnswerModel):
    """The number of records with a value, or in a period that begins at a time."""

    key: str | None
    count: Count


class Groups(AnswerModel):
    """The largest groups, or the last periods in order; `truncated` where there are more."""

    groups: list[Group]
    truncated: bool


class CatalogueTrigger(AnswerModel):
    """What sets an action off."""

    domain: str
    trigger: str


class CataloguedAction(AnswerModel):
    """An audited action; `added` where the inventory lacked it, `reserved` where only Chancery records it."""

    action: str
    added: bool
    reserved: bool
    triggers: list[CatalogueTrigger]


class ExcludedEvent(AnswerModel):
    """An event that is deliberately not logged."""

    event: str
    reason: str


class KeyEvent(AnswerModel):
    """A key event, and the action that it is."""

    event: str
    action: str


class CatalogueCounts(AnswerModel):
    """The size of the inventory, and of what was added to it."""

    actions: Count
    triggers: Count
    domains: Count
    added: Count


class CatalogueAnswer(AnswerModel):
    """The catalogue of audited actions."""

    actions: list[CataloguedAction]
    exclusions: list[ExcludedEvent]
    key_events: list[KeyEvent]
    counts: CatalogueCounts


class ActionCoverage(AnswerModel):
    """A catalogued action, and whether a record has it."""

    action: str
    seen: bool
    last_seen: datetime | None


class DomainCoverage(AnswerModel):
    """The actions of a domain."""

    domain: str
    seen: Count
    unseen: Count
    last_seen: datetime | None
    actions: list[ActionCoverage]


class UncataloguedAction(AnswerModel):
    """An action of records that is not in the catalogue."""

    action: str
    last_seen: datetime


class Coverage(AnswerModel):
    """The catalogue next to the records."""

    domains: list[DomainCoverage]
    uncatalogued: list[UncataloguedAction]


class QueuedExport(AnswerModel):
    """An export that will be written."""

    id: RefId
    state: Literal["queued"]


class Export(AnswerModel):
    """An export; `done` with links of fifteen minutes to the file and, where it has one, its proof."""

    id: RefId
    state: Literal["queued", "running", "written", "done", "failed"]
    format: Literal["ndjson", "csv"]
    records: Count
    bytes: Count
    sha256: str | None
    url: str | None
    proof_url: str | None
    error: str | None
    created_on: datetime
    updated_on: datetime

"""Searches of log lines: filters, always within a tenant and a time; single lines, and the lines around one."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import Field, field_validator

from chancery.core.documents import Identifier, TraceId
from chancery.core.errors import NotFound
from chancery.core.formats.times import Clock, Moment, now
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.listing import MOST_BYTES, ListQuery, fitting, to_response
from chancery.core.web.pagination import Position, binding, decode_cursor, encode_cursor
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice, wrong_query
from chancery.logs.collections import BY_KIND, LIST_FIELDS
from chancery.logs.fields import Endpoint, Label, Level
from chancery.logs.kinds import KINDS_BY_NAME, LogKind
from chancery.logs.models import api_names
from chancery.logs.queries import SEVERE, at_least
from chancery.logs.store import LogStore

DEFAULT_WINDOW = timedelta(hours=24)
MOST_SCANNED = 50_000  # lines that a page reads where no index has its filter
_MOST_WORDS = 10
_TEXTS = ("message", "summary", "error.type", "error.message")
_EQUAL = ("userId", "sessionId", "activityId", "traceId", "endpoint", "logger", "fingerprint", "eventType", "feature")


class LogSearch(ListQuery):
    """The query parameters of `GET /v1/logs/{kind}`."""

    offered = LIST_FIELDS
    level: Level | None = Field(None, description="this level and above")
    user_id: Identifier | None = None
    session_id: Identifier | None = None
    activity_id: Identifier | None = None
    trace_id: TraceId | None = None
    endpoint: Endpoint | None = None
    logger: Label | None = None
    fingerprint: Identifier | None = Field(None, description="of an error, as its group has it")
    event_type: Label | None = None
    feature: Label | None = None
    from_: Moment | None = Field(None, alias="from", description="createdOn at or after; default: 24 hours before `to`")
    to: Moment | None = Field(None, description="createdOn before; default: now")
    q: str | None = Field(None, min_length=1, max_length=256, description="words in message, summary and error")

    @field_validator("q")
    @classmethod
    def _has_few_words(cls, given: str | None) -> str | None:
        if given is not None and not 0 < len(given.split()) <= _MOST_WORDS:
            raise ValueError(f"must be 1 to {_MOST_WORDS} words")
        return given

    def filters(self) -> dict[str, Any]:
        """The filters in use, by their API names: not where and when."""
        names = {name: field.alias or name for name, field in LogSearch.model_fields.items()}
        found = {alias: getattr(self, name) for name, alias in names.items()}
        return {alias: found[alias] for alias in (*_EQUAL, "level", "q") if found[alias] is not None}

    def window(self, clock: Clock) -> dict[str, datetime]:
        """The times of `createdOn`, as a MongoDB condition."""
        begin = self.from_ or (self.to or clock()) - DEFAULT_WINDOW
        return {"$gte": begin, "$lt": self.to} if self.to else {"$gte": begin}


class ContextQuery(TenantChoice):
    """The query parameters of `GET /v1/logs/{kind}/{refId}/context`."""

    before: int = Field(10, ge=0, le=100, description="lines before it")
    after: int = Field(10, ge=0, le=100, description="lines after it")


class LogReader(NamedTuple):
    """Answers searches inside of the caller's tenants; an access that must be audited is audited first."""

    store: LogStore
    trail: Trail
    clock: Clock = now

    def search(self, call: Call[LogSearch]) -> dict[str, Any]:
        """`{items, nextCursor}`, newest first. A page may end early, and go on at `nextCursor`: see `MOST_SCANNED`."""
        search, kind = call.query, KINDS_BY_NAME[call.path["kind"]]
        filters = search.filters()
        scope = self._scope(call.principal, search.tenant_id)
        self.trail.record(call.principal, scope, "log.searched", details={"filters": sorted([*filters, kind.name])})
        given = {**filters, "from": search.from_, "to": search.to}
        bound_to = binding({**scope.filter, **given, "of": kind.name})
        within: Document = {**scope.filter, "createdOn": search.window(self.clock)}
        if search.cursor:
            within = {"$and": [within, decode_cursor(search.cursor, bound_to).filter(descending=True)]}
        end = None if _is_indexed(kind, filters) else self.store.position_after(kind.name, within, MOST_SCANNED)
        if end is not None:
            within = {"$and": [within, _up_to(end)]}
        fields = search.chosen()
        found = self.store.page(kind.name, {"$and": [within, *_conditions(filters)]}, fields, search.limit + 1)
        items = fitting([to_response(item, fields) for item in found[: search.limit]])
        if len(items) < len(found):
            last = found[len(items) - 1]
            end = Position(last["createdOn"], last["refId"])
        return {"items": items, "nextCursor": encode_cursor(end, bound_to) if end else None}

    def get(self, call: Call[TenantChoice]) -> dict[str, Any]:
        """One whole line. Raises NotFound, also for another tenant's."""
        return to_response(self._viewed(call.principal, call.query.tenant_id, call.path))

    def context(self, call: Call[ContextQuery]) -> dict[str, Any]:
        """`{before, line, after}`: the lines of its tenant and kind around a line, oldest first."""
        line, kind = self._viewed(call.principal, call.query.tenant_id, call.path), KINDS_BY_NAME[call.path["kind"]]
        position = Position(line["createdOn"], line["refId"])
        fields = BY_KIND[kind.name].list_fields

        def beyond(limit: int, *, descending: bool) -> list[dict[str, Any]]:
            query = {"tenantId": line["tenantId"], **position.filter(descending=descending)}
            found = self.store.page(kind.name, query, fields, limit, descending=descending) if limit else []
            return fitting([to_response(item, fields) for item in found], MOST_BYTES // 2)

        before = beyond(call.query.before, descending=True)[::-1]
        return {"before": before, "line": to_response(line), "after": beyond(call.query.after, descending=False)}

    def _viewed(self, principal: Principal, tenant_id: str | None, path: Mapping[str, str]) -> Document:
        scope = principal.read_scope(tenant_id)
        line = self.store.get(path["kind"], scope.filter, path["refId"])
        if line is None:
            raise NotFound("There is no such log line.")
        if scope.every_tenant:
            scope = TenantScope(line["tenantId"], crossing=line["tenantId"] is not None)
        self.trail.record(principal, scope, "log.viewed", path["refId"])
        return line

    def _scope(self, principal: Principal, tenant_id: str | None) -> TenantScope:
        scope = principal.read_scope(tenant_id)
        if scope.every_tenant:
            raise wrong_query("/tenantId", "name a tenant; the lines of one are searched")
        return scope


def _is_indexed(kind: LogKind, filters: Mapping[str, Any]) -> bool:
    """Whether a page reads few lines: all of a time are asked for, or an index has one of the filters."""
    indexed = {*api_names(kind.indexed), "fingerprint"}
    return not filters or bool(indexed & filters.keys()) or filters.get("level") in SEVERE


def _conditions(filters: Mapping[str, Any]) -> list[Document]:
    equal = {name: value for name, value in filters.items() if name in _EQUAL}
    found: list[Document] = [equal] if equal else []
    if "level" in filters:
        found.append(at_least(filters["level"]))
    for word in filters.get("q", "").split():
        pattern = {"$regex": re.escape(word.replace("\0", " ")), "$options": "i"}
        found.append({"$or": [{text: pattern} for text in _TEXTS]})
    return found


def _up_to(end: Position) -> Document:
    """Lines before a position, and that of the position, newest first."""
    return {
        "$or": [
            {"createdOn": {"$gt": end.created_on}},
            {"createdOn": end.created_on, "refId": {"$gte": end.ref_id}},
        ],
        "createdOn": {"$gte": end.created_on},
    }

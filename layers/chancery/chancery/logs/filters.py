"""The filters of lines: of searches and aggregates within a tenant and a time, and of live views."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import Field, field_validator

from chancery.core.documents import Document, Identifier, TraceId
from chancery.core.formats.times import Clock, Moment
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.web.validation import TenantChoice, wrong_query
from chancery.logs.fields import Endpoint, Label, Level
from chancery.logs.queries import EQUAL

DEFAULT_WINDOW = timedelta(hours=24)
_MOST_WORDS = 10


class LineFilter(Document):
    """Which lines: of a level and above, equal to the other values, and with words."""

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
    q: str | None = Field(None, min_length=1, max_length=256, description="words in message, summary and error")

    @field_validator("q")
    @classmethod
    def _has_few_words(cls, given: str | None) -> str | None:
        if given is not None and not 0 < len(given.split()) <= _MOST_WORDS:
            raise ValueError(f"must be 1 to {_MOST_WORDS} words")
        return given

    def filters(self) -> dict[str, Any]:
        """The filters in use, by their API names: not where and when."""
        names = {name: field.alias or name for name, field in LineFilter.model_fields.items()}
        found = {alias: getattr(self, name) for name, alias in names.items()}
        return {alias: found[alias] for alias in (*EQUAL, "level", "q") if found[alias] is not None}


class LogFilter(LineFilter, TenantChoice):
    """Which lines of a kind: the query parameters that the search and the aggregates share."""

    from_: Moment | None = Field(None, alias="from", description="createdOn at or after; default: 24 hours before `to`")
    to: Moment | None = Field(None, description="createdOn before; default: now")

    def window(self, clock: Clock) -> dict[str, datetime]:
        """The times of `createdOn`, as a MongoDB condition."""
        begin = self.from_ or (self.to or clock()) - DEFAULT_WINDOW
        return {"$gte": begin, "$lt": self.to} if self.to else {"$gte": begin}

    def scope(self, principal: Principal) -> TenantScope:
        """The one tenant whose lines are read. Raises ValidationFailed where a caller for all of them names none."""
        scope = principal.read_scope(self.tenant_id)
        if scope.every_tenant:
            raise wrong_query("/tenantId", "name a tenant; the lines of one are searched")
        return scope

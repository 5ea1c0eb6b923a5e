"""Reads groups of errors with their counts, and changes them: status, merge, split. Each change is audited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from chancery.core.errors import FieldError, NotFound, ValidationFailed
from chancery.core.formats.times import Clock, now
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.answers import Answer
from chancery.core.web.listing import page_of, to_response
from chancery.core.web.preconditions import changed_meanwhile, etag_of, require_match
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice, wrong_query
from chancery.logs.groups.models import LIST_FIELDS, GroupChange, GroupSearch, GroupWindow, Merge, Split
from chancery.logs.groups.store import GroupStore

_DAY = timedelta(days=1)
_LONGEST = timedelta(days=31)
_INTERNAL = ("expiresOn",)


@dataclass(frozen=True, slots=True)
class ErrorGroupReader:
    """Lists and shows groups."""

    store: GroupStore
    trail: Trail
    clock: Clock = now

    def search(self, call: Call[GroupSearch]) -> dict[str, Any]:
        """`{items, nextCursor}`, those seen last first."""
        query = call.query
        scope = call.principal.read_scope(query.tenant_id)
        self.trail.record(call.principal, scope, "error_group.listed")
        filters: Document = dict(scope.filter)
        if query.status:
            filters["status"] = query.status
        if query.since:
            filters["lastSeen"] = {"$gte": query.since}
        about = {"of": "error_group", "every": scope.every_tenant}
        return page_of(self.store.page, filters, query, LIST_FIELDS, by="lastSeen", about=about)

    def get(self, call: Call[TenantChoice]) -> Answer:
        """The group. Raises NotFound."""
        return _answer(self._viewed(call))

    def fingerprints(self, call: Call[TenantChoice]) -> dict[str, Any]:
        """`{items}`: the fingerprints of the group and what they are made of. Raises NotFound."""
        hashes = self.store.hashes(self._viewed(call))
        return {"items": [to_response(item, ("hash", "components", "firstSeen")) for item in hashes]}

    def counts(self, call: Call[GroupWindow]) -> dict[str, Any]:
        """`{from, to, unit, count, items}`: by minute for up to a day, else by hour. Raises NotFound."""
        start, end = self._window(call.query)
        group = self._viewed(call)
        unit: Literal["minute", "hour"] = "minute" if end - start <= _DAY else "hour"
        hashes = [item["hash"] for item in self.store.hashes(group)]
        items = self.store.counts(group["tenantId"], hashes, start, end, unit)
        total = sum(item["count"] for item in items)
        return to_response({"from": start, "to": end, "unit": unit, "count": total, "items": items})

    def _viewed(self, call: Call[Any]) -> Document:
        group, scope = _find(self.store, call.principal, call.path["refId"], call.query.tenant_id)
        self.trail.record(call.principal, scope, "error_group.viewed", group["refId"])
        return group

    def _window(self, query: GroupWindow) -> tuple[datetime, datetime]:
        end = query.to or self.clock()
        start = query.from_ or end - _DAY
        if start >= end or end - start > _LONGEST:
            raise wrong_query("/from", f"must lie before `to`, by {_LONGEST.days} days at most")
        return start, end


@dataclass(frozen=True, slots=True)
class ErrorGroupEditor:
    """Changes groups."""

    store: GroupStore
    trail: Trail
    clock: Clock = now

    def change(self, call: Call[TenantChoice, GroupChange]) -> Answer:
        """Sets the status. Raises PreconditionRequired, PreconditionFailed, NotFound."""
        body = call.body
        set_: Document = {"status": body.status}
        if body.status == "resolved":
            set_["resolvedOn"] = self.clock()
        if body.ignored_until:
            set_["ignoredUntil"] = body.ignored_until
        group, scope = self._of(call)
        require_match(call.request.headers, etag_of(group["version"]))
        details = {"before": {"status": group["status"]}, "after": to_response(set_)}
        self._audit(call, scope, "error_group.updated", group, details)
        changed = self.store.change(group, set_ | self._by(call))
        if changed is None:
            raise changed_meanwhile()
        return _answer(changed)

    def merge(self, call: Call[TenantChoice, Merge]) -> Answer:
        """Makes other groups part of this one: their fingerprints come to it. Raises NotFound, ValidationFailed."""
        group, scope = self._of(call)
        others = self.store.groups(group["tenantId"], call.body.groups)
        missing = sorted(set(call.body.groups) - {item["refId"] for item in others})
        if missing or group["refId"] in call.body.groups:
            detail = "names a group that does not exist" if missing else "must not name the group itself"
            raise ValidationFailed("The groups cannot be merged.", errors=[FieldError("/groups", detail)])
        self._audit(call, scope, "error_group.merged", group, {"groups": sorted(call.body.groups)})
        return _answer(self.store.merge(group, others, self._by(call)))

    def split(self, call: Call[TenantChoice, Split]) -> Answer:
        """201 with a new group of some fingerprints of this one. Raises NotFound, ValidationFailed."""
        group, scope = self._of(call)
        hashes = self.store.hashes(group)
        chosen = [item for item in hashes if item["hash"] in call.body.hashes]
        if len(chosen) < len(set(call.body.hashes)) or len(chosen) == len(hashes):
            detail = "must be fingerprints of the group, and not all of them"
            raise ValidationFailed("The group cannot be split.", errors=[FieldError("/hashes", detail)])
        self._audit(call, scope, "error_group.split", group, {"hashes": sorted(call.body.hashes)})
        new = self.store.split(group, chosen, self._by(call))
        return _answer(new, 201, {"Location": f"/v1/error-groups/{new['refId']}"})

    def _of(self, call: Call[TenantChoice, Any]) -> tuple[Document, TenantScope]:
        return _find(self.store, call.principal, call.path["refId"], call.query.tenant_id)

    def _by(self, call: Call[TenantChoice, Any]) -> Document:
        return {"updatedBy": call.principal.subject, "updatedOn": self.clock()}

    def _audit(
        self, call: Call[TenantChoice, Any], scope: TenantScope, action: str, group: Document, details: Document
    ) -> None:
        self.trail.record(call.principal, scope, action, group["refId"], details, always=True)


def _find(store: GroupStore, principal: Principal, ref_id: str, tenant_id: str | None) -> tuple[Document, TenantScope]:
    """A group and whose it is. Raises NotFound, also for another tenant's."""
    scope = principal.read_scope(tenant_id)
    found = store.group({**scope.filter, "refId": ref_id})
    if found is None:
        raise NotFound("There is no such group of errors.")
    return found, TenantScope(found["tenantId"], crossing=True) if scope.every_tenant else scope


def _answer(group: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    shown = to_response(group, _named(group))
    return Answer(status, shown, {"ETag": etag_of(group["version"]), **(headers or {})})


def _named(group: Mapping[str, Any]) -> tuple[str, ...]:
    names: Sequence[str] = [name for name in group if name not in _INTERNAL]
    return tuple(names)

"""Reading skills: lists without contents, one skill with its content, its versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from chancery.content.skills.collections import SKILLS
from chancery.content.skills.models import GLOBAL, SkillSearch, VersionsQuery
from chancery.content.skills.store import SkillStore
from chancery.core.errors import NotFound
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.answers import Answer
from chancery.core.web.listing import page_of, to_response
from chancery.core.web.preconditions import etag_of
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice

PATH = "/v1/skills"


@dataclass(frozen=True, slots=True)
class SkillReader:
    """Reads the skills of the caller's tenant and the global ones."""

    store: SkillStore
    trail: Trail

    def search(self, call: Call[SkillSearch]) -> Document:
        """`{items, nextCursor}`, newest first, without contents."""
        principal, search = call.principal, call.query
        scope, filters, fields = principal.read_scope(search.tenant_id), search.filters(), search.chosen()
        self._record(principal, scope, "skill.listed", details={"filters": sorted(filters)})
        about = {"of": "skill", "tenant": scope.tenant_id, "every": scope.every_tenant}
        return page_of(partial(self.store.page, scope), filters, search, fields, about=about)

    def get(self, call: Call[TenantChoice]) -> Answer:
        """A whole skill, with its ETag. Raises NotFound."""
        skill = self._find(call, "skill.viewed", fields=())
        return Answer(200, {**head_of(skill), "content": skill["content"]}, etag=etag_of(skill["version"]))

    def versions(self, call: Call[VersionsQuery]) -> Document:
        """`{items, nextCursor}` of the skill's versions, newest first, without contents. Raises NotFound."""
        skill = self._find(call, "skill.versions_listed")
        query = {"tenantId": skill["tenantId"], "skillId": skill["refId"]}
        return page_of(self.store.versions.page, query, call.query, call.query.chosen())

    def version(self, call: Call[TenantChoice]) -> Answer:
        """A whole version of a skill, with its ETag. Raises NotFound."""
        number = call.path["version"]
        skill = self._find(call, "skill.version_viewed", {"version": number})
        query = {"tenantId": skill["tenantId"], "skillId": skill["refId"], "version": _number(number)}
        found = self.store.versions.get(query)
        if found is None:
            raise NotFound("There is no such version of this skill.")
        return Answer(200, to_response(found), etag=etag_of(found["version"]))

    def _find(
        self,
        call: Call[TenantChoice] | Call[VersionsQuery],
        action: str,
        details: dict[str, Any] | None = None,
        *,
        fields: Sequence[str] = ("refId", "tenantId"),
    ) -> Document:
        """The skill in the path: the named fields of it, or all; the view is audited where it must be."""
        principal, ref_id = call.principal, call.path["refId"]
        scope = principal.read_scope(call.query.tenant_id)
        skill = self.store.get(scope, ref_id, fields)
        if skill is None:
            raise NotFound("There is no such skill.")
        if scope.every_tenant:
            scope = TenantScope(skill["tenantId"], crossing=True)
        self._record(principal, scope, action, ref_id, details)
        return skill

    def _record(self, principal: Principal, scope: TenantScope, *what: Any, **more: Any) -> None:
        """Audits a read; one of global skills crosses into no tenant."""
        own = TenantScope(None) if scope.tenant_id in (None, GLOBAL) and not scope.every_tenant else scope
        self.trail.record(principal, own, *what, **more)


def head_of(skill: Mapping[str, Any]) -> Document:
    """A skill as in a list, without its content."""
    return to_response(skill, SKILLS.list_fields)


def _number(text: str) -> int:
    """The number of a version; 0, which no version has, for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

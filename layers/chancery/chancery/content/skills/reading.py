"""Skills as people read them: lists without contents, one with its content, its versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from chancery.content.skills.collections import SKILLS
from chancery.content.skills.models import GLOBAL
from chancery.content.skills.queries import SkillSearch, VersionsQuery
from chancery.content.skills.store import SkillStore
from chancery.core.errors import NotFound
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import READERS
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.listing import page_of, to_response
from chancery.core.web.validation import TenantChoice, parse

PATH = "/v1/skills"


@dataclass(frozen=True, slots=True)
class SkillReader:
    """Shows the skills of the caller's tenant and the global ones."""

    store: SkillStore
    trail: Trail

    def search(self, principal: Principal, parameters: Mapping[str, str]) -> Document:
        """`{items, nextCursor}`, newest first, without contents."""
        principal.require(READERS)
        search = parse(SkillSearch, parameters, principal)
        scope, filters, fields = principal.read_scope(search.tenant_id), search.filters(), search.chosen()
        self._record(principal, scope, "skill.listed", details={"filters": sorted(filters)})
        about = {"of": "skill", "tenant": scope.tenant_id, "every": scope.every_tenant}
        return page_of(partial(self.store.page, scope), filters, search, fields, about=about)

    def get(self, principal: Principal, ref_id: str, parameters: Mapping[str, str]) -> Document:
        """A whole skill. Raises NotFound."""
        skill = self._find(principal, ref_id, parse(TenantChoice, parameters).tenant_id, "skill.viewed", fields=())
        return {**head_of(skill), "content": skill["content"]}

    def versions(self, principal: Principal, ref_id: str, parameters: Mapping[str, str]) -> Document:
        """`{items, nextCursor}` of the skill's versions, newest first, without contents. Raises NotFound."""
        asked = parse(VersionsQuery, parameters)
        skill = self._find(principal, ref_id, asked.tenant_id, "skill.versions_listed")
        query = {"tenantId": skill["tenantId"], "skillId": ref_id}
        return page_of(self.store.versions.page, query, asked, asked.chosen())

    def version(self, principal: Principal, ref_id: str, number: str, parameters: Mapping[str, str]) -> Document:
        """A whole version of a skill. Raises NotFound."""
        wanted = parse(TenantChoice, parameters).tenant_id
        skill = self._find(principal, ref_id, wanted, "skill.version_viewed", {"version": number})
        query = {"tenantId": skill["tenantId"], "skillId": ref_id, "version": _number(number)}
        found = self.store.versions.get(query)
        if found is None:
            raise NotFound("There is no such version of this skill.")
        return to_response(found)

    def _find(
        self,
        principal: Principal,
        ref_id: str,
        tenant_id: str | None,
        action: str,
        details: dict[str, Any] | None = None,
        *,
        fields: Sequence[str] = ("refId", "tenantId"),
    ) -> Document:
        """The named fields of the skill, all where none is, for a reader who may see it; audited where it must be."""
        principal.require(READERS)
        scope = principal.read_scope(tenant_id)
        skill = self.store.get(scope, ref_id, fields)
        if skill is None:
            raise NotFound("There is no such skill.")
        if scope.every_tenant:
            scope = TenantScope(skill["tenantId"], crossing=True)
        self._record(principal, scope, action, ref_id, details)
        return skill

    def _record(self, principal: Principal, scope: TenantScope, *what: Any, **more: Any) -> None:
        """Reading what belongs to every tenant crosses into none."""
        own = TenantScope(None) if scope.tenant_id in (None, GLOBAL) and not scope.every_tenant else scope
        self.trail.record(principal, own, *what, **more)


def head_of(skill: Mapping[str, Any]) -> Document:
    """A skill as lists show it, without its content."""
    return to_response(skill, SKILLS.list_fields)


def _number(text: str) -> int:
    """The number of a version; 0, which no version has, for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

"""Skills as people write them: made, changed and deleted, each only against the version that they have read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chancery.content.skills.models import GLOBAL, TEXT_FIELDS
from chancery.content.skills.queries import SkillChange, SkillRequest
from chancery.content.skills.reading import PATH, head_of
from chancery.content.skills.store import Audit, SkillStore
from chancery.core.errors import Conflict, Forbidden, NotFound
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import Role
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import base_of
from chancery.core.web.idempotency import Answer, IdempotencyKeys
from chancery.core.web.preconditions import etag_of, require_match
from chancery.core.web.request import Request
from chancery.core.web.validation import accepted

EDITORS = frozenset({Role.SUPER_ADMIN, Role.DM_USER, Role.USER})


@dataclass(frozen=True, slots=True)
class SkillEditor:
    """Writes skills for callers: their tenant's own, for a super_admin those of any tenant and the global ones."""

    store: SkillStore
    keys: IdempotencyKeys
    trail: Trail

    def create(self, request: Request) -> Answer:
        """201 with the new skill without its content, its ETag and where it is. Raises Conflict, Forbidden."""
        principal = request.caller
        principal.require(EDITORS)
        asked = accepted(SkillRequest, request.json())
        scope, key = principal.tenant_scope(asked.tenant_id), request.idempotency_key
        _refuse_global(principal, scope.tenant_id)

        def work() -> Answer:
            skill = {**base_of(principal, scope, self.store.clock), **asked.stored()}
            audit = self._audit(principal, skill, "skill.created", {"version": 1})
            try:
                stored = self.store.add(skill, audit)
            except Conflict:
                first = self.store.named(skill) if key else None
                if first is None or not _same_request(first, skill):
                    raise
                stored = first
            return _answer(201, stored, {"Location": f"{PATH}/{stored['refId']}"})

        if key is None:
            return work()
        return self.keys.once(principal.home_tenant, principal.subject, key, request.fingerprint, work)

    def replace(self, request: Request, ref_id: str) -> Answer:
        """200 with the skill without its content, and its new ETag.

        Raises PreconditionRequired, PreconditionFailed, Conflict, Forbidden, NotFound.
        """
        principal = request.caller
        principal.require(EDITORS)
        asked = accepted(SkillChange, request.json())
        skill = self._current(request, ref_id)
        text = asked.stored()
        details = {
            "version": skill["version"] + 1,
            "changed": [name for name in TEXT_FIELDS if skill[name] != text[name]],
        }
        audit = self._audit(principal, skill, "skill.updated", details)
        return _answer(200, self.store.change(skill, text, principal.subject, audit))

    def delete(self, request: Request, ref_id: str) -> None:
        """Deletes the skill; its versions stay. Raises as `replace` does."""
        principal = request.caller
        principal.require(EDITORS)
        skill = self._current(request, ref_id)
        audit = self._audit(principal, skill, "skill.archived", {"version": skill["version"]})
        self.store.delete(skill, principal.subject, audit)

    def _current(self, request: Request, ref_id: str) -> Document:
        """The skill that a request changes, as it is now, where that is the version that it means."""
        skill = self.store.get(request.caller.read_scope(), ref_id)
        if skill is None:
            raise NotFound("There is no such skill.")
        _refuse_global(request.caller, skill["tenantId"])
        require_match(request.headers, etag_of(skill["version"]))
        return skill

    def _audit(self, principal: Principal, skill: Mapping[str, Any], action: str, details: Document) -> Audit:
        scope = TenantScope(None)  # what belongs to every tenant is the platform's own
        if skill["tenantId"] != GLOBAL:
            scope = TenantScope(skill["tenantId"], crossing=skill["tenantId"] not in principal.tenants)
        named = {"name": skill["name"], "category": skill["category"], **details}
        return lambda: self.trail.record(principal, scope, action, skill["refId"], named, always=True)


def _same_request(first: Document, skill: Document) -> bool:
    """Whether a skill is what this request made before it died: its key has no answer yet."""
    told = ("createdBy", *TEXT_FIELDS)
    return first["version"] == 1 and all(first[name] == skill[name] for name in told)


def _refuse_global(principal: Principal, tenant_id: str | None) -> None:
    if tenant_id == GLOBAL and not principal.crosses_tenants:
        raise Forbidden("Global skills are a super_admin's; POST one of the same name for your tenant, which hides it.")


def _answer(status: int, skill: Document, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, head_of(skill), {"ETag": etag_of(skill["version"]), **(headers or {})})

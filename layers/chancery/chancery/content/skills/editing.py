"""Creating, changing and deleting skills, with an optimistic lock: If-Match names the version that was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chancery.content.skills.models import GLOBAL, TEXT_FIELDS, SkillChange, SkillRequest
from chancery.content.skills.reading import PATH, head_of
from chancery.content.skills.store import Audit, SkillStore
from chancery.core.errors import Conflict, Forbidden, NotFound
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import base_of
from chancery.core.web.answers import NO_CONTENT, Answer
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.preconditions import etag_of, require_match
from chancery.core.web.request import Call


@dataclass(frozen=True, slots=True)
class SkillEditor:
    """Writes the skills of the caller's tenant; for a super_admin those of any tenant, and the global ones."""

    store: SkillStore
    keys: IdempotencyKeys
    trail: Trail

    def create(self, call: Call[None, SkillRequest]) -> Answer:
        """201 with the new skill without its content, ETag and Location. Raises Conflict, Forbidden."""
        principal = call.principal
        scope = principal.tenant_scope(call.body.tenant_id)
        _refuse_global(principal, scope.tenant_id)

        def work(claim: Claim) -> Answer:
            skill = {**base_of(principal, scope, self.store.clock), **call.body.stored()}
            audit = self._audit(principal, skill, "skill.created", {"version": 1})
            try:
                stored = self.store.add(skill, audit)
            except Conflict:
                first = self.store.named(skill) if claim.key else None
                if first is None or not _same_request(first, skill):
                    raise
                stored = first
            return _answer(201, stored, {"Location": f"{PATH}/{stored['refId']}"})

        return self.keys.once(call.request, work)

    def replace(self, call: Call[None, SkillChange]) -> Answer:
        """200 with the skill without its content, and its new ETag.

        Raises PreconditionRequired, PreconditionFailed, Conflict, Forbidden, NotFound.
        """
        skill = self._current(call)
        text = call.body_for(skill["tenantId"]).stored()
        details = {
            "version": skill["version"] + 1,
            "changed": [name for name in TEXT_FIELDS if skill[name] != text[name]],
        }
        audit = self._audit(call.principal, skill, "skill.updated", details)
        return _answer(200, self.store.change(skill, text, call.principal.subject, audit))

    def delete(self, call: Call) -> Answer:
        """204; the skill is deleted, its versions stay. Raises as `replace` does."""
        skill = self._current(call)
        audit = self._audit(call.principal, skill, "skill.archived", {"version": skill["version"]})
        self.store.delete(skill, call.principal.subject, audit)
        return NO_CONTENT

    def _current(self, call: Call[None, Any]) -> Document:
        """The skill in the path, where its version is the one that If-Match names."""
        skill = self.store.get(call.principal.read_scope(), call.path["refId"])
        if skill is None:
            raise NotFound("There is no such skill.")
        _refuse_global(call.principal, skill["tenantId"])
        require_match(call.request.headers, etag_of(skill["version"]))
        return skill

    def _audit(self, principal: Principal, skill: Mapping[str, Any], action: str, details: Document) -> Audit:
        scope = TenantScope(None)  # global skills are the platform's own
        if skill["tenantId"] != GLOBAL:
            scope = TenantScope(skill["tenantId"], crossing=skill["tenantId"] not in principal.tenants)
        named = {"name": skill["name"], "category": skill["category"], **details}
        return lambda: self.trail.record(principal, scope, action, skill["refId"], named, always=True)


def _same_request(first: Document, skill: Document) -> bool:
    """Whether a stored skill was created by this request, which died before its key had an answer."""
    compared = ("createdBy", *TEXT_FIELDS)
    return first["version"] == 1 and all(first[name] == skill[name] for name in compared)


def _refuse_global(principal: Principal, tenant_id: str | None) -> None:
    if tenant_id == GLOBAL and not principal.crosses_tenants:
        raise Forbidden("Global skills are a super_admin's; POST one of the same name for your tenant, which hides it.")


def _answer(status: int, skill: Document, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, head_of(skill), {"ETag": etag_of(skill["version"]), **(headers or {})})

"""Skills in MongoDB: each change and its version in one transaction; a tenant's skills together with the global ones.

A tenant's skill hides the global one of the same name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chancery.content.skills.collections import SKILL_VERSIONS, SKILLS
from chancery.content.skills.models import GLOBAL, TEXT_FIELDS
from chancery.core.errors import Conflict, FieldError
from chancery.core.formats.correlation import correlation
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.formats.times import Clock, now
from chancery.core.identity.principal import TenantScope
from chancery.core.mongo.client import Document, in_transaction, translated
from chancery.core.mongo.repository import Repository
from chancery.core.web.preconditions import changed_meanwhile

Audit = Callable[[], None]  # raises where the change cannot be audited: then it does not happen
_MILLISECOND = timedelta(milliseconds=1)


class SkillStore:
    """Reads and writes `skills` and `skill_versions`."""

    def __init__(self, database: Database[Document], clock: Clock = now, new_id: Callable[[], str] = new_ref_id):
        self.skills = Repository(database, SKILLS, clock=clock)
        self.versions = Repository(database, SKILL_VERSIONS, clock=clock)
        self._database = database
        self.clock = clock
        self._new_id = new_id

    def add(self, skill: Document, audit: Audit) -> Document:
        """Stores a new skill and its first version. Raises Conflict where the tenant has a skill of its name."""
        skill = {**skill, "version": 1}

        def work(session: ClientSession) -> Document:
            if not self.skills.add(skill, session):
                raise _name_taken()
            self._add_version(skill, session)
            audit()
            return skill

        return in_transaction(self._database, work)

    def change(self, skill: Mapping[str, Any], text: Mapping[str, Any], changed_by: str, audit: Audit) -> Document:
        """Stores a new text of a skill and its version; the changed skill.

        Raises PreconditionFailed where the skill has changed since it was read, Conflict where the tenant has another
        skill of its new name.
        """
        ids = correlation.get()
        changes = {
            **text,
            "updatedBy": changed_by,
            "updatedOn": self._moment_after(skill),
            "traceId": ids.trace_id,
            "correlationId": ids.correlation_id,
        }
        changed = {**skill, **changes, "version": skill["version"] + 1}

        def work(session: ClientSession) -> Document:
            self._compare_and_set(skill, session, changes)
            self._add_version(changed, session)
            audit()
            return changed

        return in_transaction(self._database, work)

    def delete(self, skill: Mapping[str, Any], deleted_by: str, audit: Audit) -> None:
        """Marks the skill as deleted; its versions stay. Raises PreconditionFailed as `change` does."""
        changes = {"deletedBy": deleted_by, "deletedOn": self._moment_after(skill)}

        def work(session: ClientSession) -> None:
            self._compare_and_set(skill, session, changes)
            audit()

        in_transaction(self._database, work)

    def get(self, scope: TenantScope, ref_id: str, fields: Sequence[str] = ()) -> Document | None:
        """A skill of the scope or a global one, even a hidden one, whole or with the named fields."""
        return self.skills.get({**_visible_to(scope), "refId": ref_id}, fields)

    def named(self, skill: Mapping[str, Any]) -> Document | None:
        """The skill of the same tenant and name."""
        return self.skills.get({name: skill[name] for name in ("tenantId", "name")})

    def page(
        self, scope: TenantScope, query: Mapping[str, Any], *, fields: Sequence[str], descending: bool, limit: int
    ) -> list[Document]:
        """Skills of a query in (createdOn, refId) order: a tenant's own, and the global ones that they do not hide."""
        found = [
            skill
            for owner in self._owners(scope)
            for skill in self.skills.page({"$and": [owner, query]}, fields=fields, descending=descending, limit=limit)
        ]
        found.sort(key=lambda skill: (skill["createdOn"], skill["refId"]), reverse=descending)
        return found[:limit]

    def effective(
        self, tenant_id: str, query: Mapping[str, Any], fields: Sequence[str], session: ClientSession
    ) -> list[Document]:
        """All skills of a query that apply to a tenant, in no order."""
        owners = self._owners(TenantScope(tenant_id), session)
        return [
            skill for owner in owners for skill in self.skills.find({"$and": [owner, query]}, fields, session=session)
        ]

    def contents(self, ref_ids: Sequence[str], session: ClientSession) -> dict[str, str]:
        """The contents of skills, by refId."""
        found = self.skills.find({"refId": {"$in": list(ref_ids)}}, ("refId", "content"), session=session)
        return {skill["refId"]: skill["content"] for skill in found}

    @contextmanager
    def snapshot(self) -> Iterator[ClientSession]:
        """A snapshot session: all of its reads see the same state of the database."""
        with translated(), self._database.client.start_session(snapshot=True) as session:
            yield session

    def from_library(self, file_path: str) -> Document | None:
        """The global skill that came from a file of the library, deleted or not."""
        with translated():
            return self._database[SKILLS.name].find_one({"tenantId": GLOBAL, "filePath": file_path}, {"_id": 0})

    def _owners(self, scope: TenantScope, session: ClientSession | None = None) -> list[Document]:
        """Filters that do not overlap, one for each owner of skills in the scope."""
        if scope.every_tenant:
            return [{}]
        tenant_id = scope.tenant_id or GLOBAL
        if tenant_id == GLOBAL:
            return [{"tenantId": GLOBAL}]
        hidden = self._hidden_names(tenant_id, session)
        return [{"tenantId": tenant_id}, {"tenantId": GLOBAL, "name": {"$nin": hidden}}]

    def _hidden_names(self, tenant_id: str, session: ClientSession | None) -> list[str]:
        """The names of global skills that the tenant overrides."""
        shared = [skill["name"] for skill in self.skills.find({"tenantId": GLOBAL}, ("name",), session)]
        own = self.skills.find({"tenantId": tenant_id, "name": {"$in": shared}}, ("name",), session)
        return sorted(skill["name"] for skill in own)

    def _compare_and_set(self, skill: Mapping[str, Any], session: ClientSession, changes: Document) -> None:
        try:
            changed = self.skills.change(skill, session, **changes)
        except DuplicateKeyError as exc:
            raise _name_taken() from exc
        if not changed:
            raise changed_meanwhile()

    def _add_version(self, skill: Mapping[str, Any], session: ClientSession) -> None:
        version = {name: skill[name] for name in ("tenantId", *TEXT_FIELDS, "version")}
        version |= {name: skill[name] for name in ("traceId", "correlationId") if skill.get(name) is not None}
        version |= {
            "refId": self._new_id(),
            "skillId": skill["refId"],
            "createdBy": skill.get("updatedBy") or skill["createdBy"],
            "createdOn": skill.get("updatedOn") or skill["createdOn"],
        }
        self.versions.add(version, session)

    def _moment_after(self, skill: Mapping[str, Any]) -> Any:
        """Now, but later than the previous version, whose writer's clock may be ahead: versions stay in order."""
        return max(self.clock(), (skill.get("updatedOn") or skill["createdOn"]) + _MILLISECOND)


def _visible_to(scope: TenantScope) -> Document:
    return {} if scope.every_tenant else {"tenantId": {"$in": [scope.tenant_id or GLOBAL, GLOBAL]}}


def _name_taken() -> Conflict:
    detail = "is the name of another skill; change that one, or choose another name"
    return Conflict("There is a skill of this name already.", errors=[FieldError("/name", detail)])

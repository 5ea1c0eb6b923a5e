"""The skills that an agent of a role reads before its task, in order, as JSON or as one prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import orjson

from chancery.content.skills.models import CATEGORIES, GLOBAL, AgentRole
from chancery.content.skills.store import SkillStore
from chancery.core.documents import Document as DocumentModel
from chancery.core.errors import Conflict
from chancery.core.identity.principal import TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.answers import JSON, MARKDOWN, Answer
from chancery.core.web.preconditions import etag_of, is_known
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice, parse, wrong_query

MAX_BYTES = 4 * 1024 * 1024  # of all contents together; an answer ends at 6 MB, quotes and line ends escaped
_MOST_ESCAPED = 5_500_000
_HEAD = ("refId", "tenantId", "name", "category", "isClientContext", "version", "contentBytes")
_SHOWN = tuple(name for name in _HEAD if name != "contentBytes")


class _Role(DocumentModel):
    role: AgentRole


@dataclass(frozen=True, slots=True)
class AgentSkills:
    """Collects the skills of a role: client context first, then by category and name."""

    store: SkillStore
    trail: Trail

    def of_role(self, call: Call[TenantChoice]) -> Answer:
        """The role's skills as `{role, skills}`, or as one Markdown text where Accept asks for it; with an ETag.

        Raises Conflict where they are too long for an answer, ValidationFailed.
        """
        principal, role, headers = call.principal, call.path["role"], call.request.headers
        parse(_Role, {"role": role})
        scope = principal.read_scope(call.query.tenant_id)
        if scope.every_tenant:
            raise wrong_query("/tenantId", "name the tenant whose agent it is, or `global` for the global skills")
        tenant_id = scope.tenant_id or GLOBAL
        own = TenantScope(None) if tenant_id == GLOBAL else scope
        self.trail.record(principal, own, "agent.skills_viewed", role)
        markdown = "text/markdown" in headers.get("accept", "")
        media_type = MARKDOWN if markdown else JSON
        with self.store.snapshot() as session:
            query = {"$or": [{"isClientContext": True}, {"assignedAgentRoles": role}]}
            heads = sorted(self.store.effective(tenant_id, query, _HEAD, session), key=_order)
            etag = _etag(role, media_type, heads)
            if is_known(headers, etag):
                return Answer(200, etag=etag)
            _refuse_if_too_long(role, heads, sum(head["contentBytes"] for head in heads), MAX_BYTES)
            contents = self.store.contents([head["refId"] for head in heads], session)
        body = _prompt(heads, contents) if markdown else _json(role, heads, contents)
        _refuse_if_too_long(role, heads, len(orjson.dumps(body)), _MOST_ESCAPED)
        return Answer(200, body, media_type=media_type, etag=etag)


def _order(head: Mapping[str, object]) -> tuple[bool, int, object]:
    return not head["isClientContext"], CATEGORIES.index(str(head["category"])), head["name"]


def _etag(role: str, media_type: str, heads: Sequence[Document]) -> str:
    """Differs by media type, since it is a strong tag (RFC 9110 section 8.8.3.3)."""
    parts = [role, media_type, *((head["refId"], head["version"]) for head in heads)]
    return etag_of(sha256(orjson.dumps(parts)).hexdigest()[:32])


def _json(role: str, heads: Sequence[Document], contents: Mapping[str, str]) -> str:
    skills = [{**{name: head[name] for name in _SHOWN}, "content": contents[head["refId"]]} for head in heads]
    return orjson.dumps({"role": role, "skills": skills}).decode()


def _prompt(heads: Sequence[Document], contents: Mapping[str, str]) -> str:
    """Each skill under a heading with its category and name."""
    parts = (f"# {_label(head)}: {head['name']}\n\n{_plain(contents[head['refId']])}\n" for head in heads)
    return "\n".join(parts)


def _plain(content: str) -> str:
    """The content without a byte order mark, after which a heading would be none, and without blanks around it."""
    return content.removeprefix("\ufeff").strip()


def _label(head: Mapping[str, object]) -> str:
    if head["isClientContext"]:
        return "Client context"
    return "SOP" if head["category"] == "sop" else str(head["category"]).replace("_", " ").capitalize()


def _refuse_if_too_long(role: str, heads: Sequence[Document], size: int, most: int) -> None:
    if size <= most:
        return
    longest = sorted(heads, key=lambda head: -head["contentBytes"])[:3]
    named = ", ".join(f"{head['name']} ({head['contentBytes']} bytes)" for head in longest)
    raise Conflict(f"The skills of {role} are too long for one answer; shorten them or assign fewer. Longest: {named}.")

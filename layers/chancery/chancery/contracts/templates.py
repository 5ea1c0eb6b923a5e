"""Templates of contracts: each version is published once, and never changes."""

from dataclasses import dataclass
from hashlib import sha256

from pymongo.client_session import ClientSession

from chancery.contracts.document import checked, refused, render_input
from chancery.contracts.models import PLACEHOLDERS, SHARED, TemplatePublication, TemplateSearch, order_of
from chancery.contracts.ports import Recorder, event_of
from chancery.contracts.renderer import Renderer, RenderError
from chancery.core.documents import refusal_of
from chancery.core.errors import Conflict, FieldError, NotFound
from chancery.core.formats.identifiers import OwnEventId
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository, base_of
from chancery.core.redaction.text_engine import detector
from chancery.core.web.answers import Answer
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.core.web.listing import page_of, to_response
from chancery.core.web.request import Call

PATH = "/v1/contract-templates"
_OWN = {"tenantId": SHARED}
_PLATFORM = TenantScope(None)
# The values of a trial: text that would be markup wherever a value became any.
_SPECIMEN = {**dict.fromkeys(PLACEHOLDERS, '*a* #b $c$ @d <e> "f" \\g `h` {{plan}}'), "generatedDate": "2000-01-01"}
_NO_ID = "0" * 26


@dataclass(frozen=True, slots=True)
class TemplateStore:
    """Finds templates."""

    documents: Repository

    def get(self, name: str, version: str) -> Document | None:
        """A version of a template, whole."""
        return self.documents.get({**_OWN, "name": name, "version": version})

    def versions(self, name: str) -> list[Document]:
        """Every version of a template as in a list, the newest first."""
        found = self.documents.find({**_OWN, "name": name}, self.documents.declared.list_fields)
        return sorted(found, key=lambda item: order_of(item["version"]), reverse=True)


@dataclass(frozen=True, slots=True)
class TemplatePublisher:
    """Publishes versions of templates."""

    store: TemplateStore
    renderer: Renderer
    record: Recorder
    keys: IdempotencyKeys

    def publish(self, call: Call[None, TemplatePublication]) -> Answer:
        """201 with the version; 200 where the same version was published before.

        Raises ValidationFailed naming everything that is wrong with the source, and Conflict for a version that is
        published with another one.
        """
        return self.keys.once(call.request, lambda _: self._publish(call.principal, call.body))

    def _publish(self, principal: Principal, publication: TemplatePublication) -> Answer:
        body = publication.model_dump(by_alias=True)
        template = {**body, "sha256": sha256(publication.source.encode()).hexdigest()}
        if published := self.store.get(publication.name, publication.version):
            return _again(published, template)
        self._try(template)
        document = {**base_of(principal, _PLATFORM, self.store.documents.clock), **_OWN, **template}
        resource = f"{publication.name}/{publication.version}"
        details = {"sha256": template["sha256"], "format": publication.format, "title": publication.title}
        event_id = OwnEventId.TEMPLATE_PUBLISHED + document["refId"]
        event = event_of(principal, _PLATFORM, "contract_template.published", resource, event_id, metadata=details)

        def store(_: Document, session: ClientSession) -> None:
            if not self.store.documents.add(document, session):
                raise Conflict("Another request has just published this version; read it.")

        self.record(principal, event, None, store)
        return Answer(201, to_response(document), {"Location": f"{PATH}/{resource}"})

    def _try(self, template: Document) -> None:
        """Raises ValidationFailed unless the template can be published and rendered."""
        held = [field for field in ("name", "title", "source") if detector().kinds(template[field])]
        if held:
            raise refused([FieldError(f"/{field}", refusal_of(template[field])) for field in held])
        checked(template)
        try:
            self.renderer.render(render_input(template, _SPECIMEN, _NO_ID))
        except RenderError as exc:
            place = f"line {exc.line}: " if exc.line else ""
            raise refused([FieldError("/source", place + exc.detail)]) from None


@dataclass(frozen=True, slots=True)
class TemplateReader:
    """Reads templates."""

    store: TemplateStore
    trail: Trail

    def search(self, call: Call[TemplateSearch]) -> Document:
        """`{items, nextCursor}`: versions of templates, the last published first."""
        self.trail.record(call.principal, _PLATFORM, "contract_template.listed")
        query: Document = _OWN | ({"name": call.query.name} if call.query.name else {})
        return page_of(self.store.documents.page, query, call.query, self.store.documents.declared.list_fields)

    def versions(self, call: Call) -> Document:
        """`{name, versions}`, the newest version first. Raises NotFound."""
        name = call.path["name"]
        versions = self.store.versions(name)
        if not versions:
            raise NotFound("There is no such template.")
        self.trail.record(call.principal, _PLATFORM, "contract_template.viewed", name)
        return {"name": name, "versions": [to_response(version) for version in versions]}

    def get(self, call: Call) -> Document:
        """A version with its source. Raises NotFound."""
        name, version = call.path["name"], call.path["version"]
        template = self.store.get(name, version)
        if template is None:
            raise NotFound("There is no such version of a template.")
        self.trail.record(call.principal, _PLATFORM, "contract_template.viewed", f"{name}/{version}")
        return to_response(template)


def _again(published: Document, template: Document) -> Answer:
    if any(published[field] != template[field] for field in ("sha256", "format", "title")):
        raise Conflict(
            f"{template['name']} {template['version']} is published already, and stays as it is; publish a new version."
        )
    return Answer(200, to_response(published))

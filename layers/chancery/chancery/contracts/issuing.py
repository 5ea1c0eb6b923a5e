"""`POST /v1/contracts`: from a tenant's values to a sealed PDF/A.

First the PDF is stored in S3 by its SHA-256, then contract and audit record in one transaction. A crash in between
leaves a file that no contract names, never a contract without its record. A repeated request with an Idempotency-Key
gets the same id, date and template version, and so the same bytes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256

from pymongo.client_session import ClientSession

from chancery.contracts.document import render_input
from chancery.contracts.models import ContractRequest, is_date
from chancery.contracts.ports import Recorder, event_of
from chancery.contracts.renderer import MissingGlyph, RenderedPdf, Renderer, RenderError
from chancery.contracts.templates import TemplateStore
from chancery.contracts.values import digest, named, on_one_line, refusal
from chancery.core.aws.objects import Objects
from chancery.core.errors import Conflict, FieldError, ValidationFailed
from chancery.core.formats.identifiers import OwnEventId, ref_id_of, tenant_folder
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository, base_of
from chancery.core.redaction import Detector
from chancery.core.web.answers import Answer
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.listing import to_response
from chancery.core.web.request import Call

PATH = "/v1/contracts"
_PDF = "application/pdf"
_SEEN = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class ContractIssuer:
    """Issues contracts. `platform_name` is the value of `{{platformName}}` where the request has none."""

    contracts: Repository
    templates: TemplateStore
    renderer: Renderer
    objects: Objects
    record: Recorder
    keys: IdempotencyKeys
    trail: Trail
    platform_name: str

    def issue(self, call: Call[None, ContractRequest]) -> Answer:
        """201 with the contract. Raises ValidationFailed naming every wrong value."""
        scope = call.principal.tenant_scope(call.body.tenant_id)
        using = call.request.detectors.of(scope.tenant_id)
        return self.keys.once(call.request, partial(self._issue, call.principal, scope, call.body, using))

    def _issue(
        self, principal: Principal, scope: TenantScope, request: ContractRequest, using: Detector, claim: Claim
    ) -> Answer:
        ref_id = ref_id_of(int(claim.created_on.timestamp() * 1000), claim.salt.hex())
        own = {"tenantId": scope.tenant_id, "refId": ref_id}
        contract = self.contracts.get(own)
        if contract is None:
            values = self._values(request, using, claim.created_on)
            template = self._template(request, claim.created_on)
            self.trail.record(principal, scope, "contract.issued", ref_id)
            document = self._document(principal, scope, template, values, claim, ref_id)
            self._store(principal, scope, document)
            contract = self.contracts.get(own)
        if contract is None:
            raise Conflict("The event id of this contract belongs to another event; send a new Idempotency-Key.")
        return Answer(201, to_response(contract), {"Location": f"{PATH}/{ref_id}"})

    def _values(self, request: ContractRequest, using: Detector, moment: datetime) -> dict[str, str]:
        given = request.values.model_dump(by_alias=True)
        values: dict[str, str] = {
            **given,
            "generatedDate": given["generatedDate"] or f"{moment:%Y-%m-%d}",
            "platformName": given["platformName"] or self.platform_name,
        }
        wrong = [] if is_date(values["generatedDate"]) else [_wrong("generatedDate", "must be a day, as 2026-01-31")]
        wrong += [_wrong(name, reason) for name, value in values.items() if (reason := refusal(value, using))]
        if wrong:
            raise ValidationFailed("The contract cannot be issued.", errors=wrong)
        return values

    def _template(self, request: ContractRequest, moment: datetime) -> Document:
        """The named version, or the newest one at a moment, which is the same when the request is repeated."""
        version = request.template_version
        if version is None:
            versions = [item for item in self.templates.versions(request.template) if item["createdOn"] <= moment]
            version = versions[0]["version"] if versions else None
        found = self.templates.get(request.template, version) if version else None
        if found is None:
            pointer = "/templateVersion" if request.template_version else "/template"
            error = FieldError(pointer, "is not published; see GET /v1/contract-templates")
            raise ValidationFailed("The contract cannot be issued.", errors=[error])
        return found

    def _document(
        self,
        principal: Principal,
        scope: TenantScope,
        template: Document,
        values: dict[str, str],
        claim: Claim,
        ref_id: str,
    ) -> Document:
        """Stores the PDF in S3 and returns the contract as it is stored, but for its audit record."""
        rendered = self._render(template, values, ref_id)
        hashed = sha256(rendered.pdf)
        key = f"contracts/{tenant_folder(scope.tenant_id)}/{hashed.hexdigest()}.pdf"
        self.objects.create(key, rendered.pdf, _PDF, sha256=hashed.digest())
        return {
            **base_of(principal, scope, lambda: claim.created_on, ref_id),
            "template": template["name"],
            "templateVersion": template["version"],
            "templateSha256": template["sha256"],
            "values": values,
            "valuesSha256": digest(values),
            "sha256": hashed.hexdigest(),
            "bytes": len(rendered.pdf),
            "pages": rendered.pages,
            "key": key,
        }

    def _render(self, template: Document, values: dict[str, str], ref_id: str) -> RenderedPdf:
        try:
            return self.renderer.render(render_input(template, values, ref_id))
        except MissingGlyph as exc:
            wrong = list(self._missing_glyphs(template, values))
            detail = exc.detail
        except RenderError as exc:
            wrong, detail = [], exc.detail
        errors = wrong or [FieldError("/values", f"cannot be rendered with this template, which then {detail}")]
        raise ValidationFailed("The contract cannot be issued.", errors=errors)

    def _missing_glyphs(self, template: Document, values: Mapping[str, str]) -> list[FieldError]:
        """An error for each value with characters that no font has."""
        plain = {**template, "format": "markdown", "source": "{{tenantName}}"}
        blank = dict.fromkeys(values, "-") | {"generatedDate": values["generatedDate"]}

        def missing(characters: str) -> str:
            try:
                self.renderer.render(render_input(plain, {**blank, "tenantName": characters}, "-"))
            except MissingGlyph:
                half = len(characters) // 2
                return missing(characters[:half]) + missing(characters[half:]) if half else characters
            return ""

        wrong = []
        for name, value in values.items():
            if found := missing("".join(sorted(set(_SEEN.findall(value))))):
                wrong.append(_wrong(name, f"has characters that no font of ours covers: {named(found)}"))
        return wrong

    def _store(self, principal: Principal, scope: TenantScope, document: Document) -> None:
        about = ("sha256", "bytes", "pages", "template", "templateVersion", "templateSha256", "valuesSha256")
        event = event_of(
            principal,
            scope,
            "contract.issued",
            document["refId"],
            OwnEventId.CONTRACT_ISSUED + document["refId"],
            resourceName=on_one_line(document["values"]["tenantName"])[:500],
            metadata={name: document[name] for name in about} | {"generatedDate": document["values"]["generatedDate"]},
            createdOn=to_response(document)["createdOn"],
        )

        def store(record: Document, session: ClientSession) -> None:
            if not self.contracts.add({**document, "auditRefId": record["refId"]}, session):
                raise Conflict("A contract with this id or SHA-256 is there already.")

        self.record(principal, event, scope.tenant_id, store)


def _wrong(name: str, detail: str) -> FieldError:
    return FieldError(f"/values/{name}", detail)

"""Wires contracts to the deployment, once an execution environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from chancery.audit.access import errors_of_own_event
from chancery.audit.ingest import Defaults, EventValidator, IncomingEvent
from chancery.audit.recorder import AuditRecorder, ScopedEvent
from chancery.audit.responses import to_response
from chancery.audit.store import AuditStore
from chancery.audit.submitter import caller
from chancery.contracts.collections import CONTRACT_PDFS, CONTRACT_TEMPLATES
from chancery.contracts.issuing import ContractIssuer
from chancery.contracts.ports import AlsoWrite
from chancery.contracts.reading import ContractReader
from chancery.contracts.renderer import Renderer
from chancery.contracts.templates import TemplatePublisher, TemplateReader, TemplateStore
from chancery.core.aws.objects import Objects
from chancery.core.detectors import Detectors
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.correlation import correlation
from chancery.core.identity.principal import Principal
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository
from chancery.core.settings import load
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.sealing.prover import NotYetSealed, Prover
from chancery.wiring import audit, sealing


class ContractSettings(NamedTuple):
    """The bucket of contracts."""

    contract_bucket: str


class PlatformSettings(NamedTuple):
    """The name of the platform in its contracts."""

    platform_name: str


_MATCHES_TOO_MUCH = FieldError(
    "/values", "a pattern in the tenant's settings matches the hash of this contract; make it more specific"
)


@dataclass(frozen=True, slots=True)
class AuditedRecorder:
    """Implements `ports.Recorder`."""

    recorder: AuditRecorder
    detectors: Detectors

    def __call__(
        self, principal: Principal, event: Mapping[str, Any], tenant_id: str | None, also_write: AlsoWrite
    ) -> None:
        defaults, using = Defaults(correlation=correlation.get()), self.detectors.of(tenant_id)
        incoming = IncomingEvent(dict(event), defaults, detector=using)
        try:
            valid = EventValidator().validate(incoming)
        except ValidationFailed as exc:
            errors = errors_of_own_event(exc.errors)
            raise ValidationFailed("The contract cannot be recorded.", errors=errors) from None
        if valid.event.metadata != event.get("metadata"):
            raise ValidationFailed("The contract cannot be recorded.", errors=[_MATCHES_TOO_MUCH])
        submitter = caller(principal, is_chancery=True)
        self.recorder.record_with(ScopedEvent(valid, tenant_id, submitter), also_write)


@dataclass(frozen=True, slots=True)
class SealedRecords:
    """Implements `ports.AuditRecords`."""

    store: AuditStore
    prover: Prover

    def record(self, tenant_id: str, ref_id: str) -> Document | None:
        found = self.store.get({"tenantId": tenant_id}, ref_id)
        return to_response(found) if found else None

    def proof(self, principal: Principal, tenant_id: str, ref_id: str) -> str | None:
        try:
            return str(self.prover.prove(principal, ref_id, tenant_id).proof)
        except NotYetSealed:
            return None


@cache
def renderer() -> Renderer:
    renderer = Renderer()
    renderer.start()
    return renderer


def _recorder() -> AuditedRecorder:
    return AuditedRecorder(audit.recorder(), audit.detectors())


def _templates() -> TemplateStore:
    return TemplateStore(Repository(audit.database(), CONTRACT_TEMPLATES))


def _contracts() -> Repository:
    return Repository(audit.database(), CONTRACT_PDFS)


def _objects() -> Objects:
    return Objects(load(ContractSettings).contract_bucket)


@cache
def publisher() -> TemplatePublisher:
    return TemplatePublisher(_templates(), renderer(), _recorder(), IdempotencyKeys(audit.database()))


@cache
def issuer() -> ContractIssuer:
    keys, name = IdempotencyKeys(audit.database()), load(PlatformSettings).platform_name
    return ContractIssuer(_contracts(), _templates(), renderer(), _objects(), _recorder(), keys, audit.trail(), name)


@cache
def template_reader() -> TemplateReader:
    return TemplateReader(_templates(), audit.trail())


@cache
def reader() -> ContractReader:
    records = SealedRecords(AuditStore(audit.database()), sealing.prover())
    return ContractReader(_contracts(), _objects(), records, audit.trail())

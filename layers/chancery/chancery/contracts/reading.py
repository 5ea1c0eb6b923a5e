"""Contracts for callers: lists, one of them, its PDF, and what a file is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chancery.contracts.ports import AuditRecords
from chancery.contracts.queries import ContractSearch, VerificationRequest
from chancery.core.aws.objects import Objects
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import READERS
from chancery.core.mongo.audited_reader import DocumentReader, Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository
from chancery.core.web.listing import to_response
from chancery.core.web.validation import TenantChoice, parse


@dataclass(frozen=True, slots=True)
class Contracts:
    """Reads contracts; every answer stays inside of the caller's tenants."""

    documents: Repository
    objects: Objects
    records: AuditRecords
    trail: Trail

    def search(self, principal: Principal, parameters: Mapping[str, str]) -> Document:
        """`{items, nextCursor}`, newest first."""
        asked = parse(ContractSearch, parameters)
        return self._reader.page(principal, asked, {"template": asked.template} if asked.template else {})

    def get(self, principal: Principal, ref_id: str, parameters: Mapping[str, str]) -> Document:
        """One contract with its values. Raises NotFound."""
        return self._reader.show(principal, ref_id, parse(TenantChoice, parameters).tenant_id)

    def link(self, principal: Principal, ref_id: str, parameters: Mapping[str, str]) -> str:
        """A link of fifteen minutes to a contract's PDF; that it was given is always audited. Raises NotFound."""
        contract = self._reader.get(principal, ref_id, parse(TenantChoice, parameters).tenant_id)
        scope = TenantScope(contract["tenantId"])
        details = {"sha256": contract["sha256"]}
        self.trail.record(principal, scope, "contract.downloaded", ref_id, details, always=True)
        return self.objects.link(contract["key"], f"{contract['template']}-{ref_id}.pdf")

    def verify(self, principal: Principal, body: Any) -> Document:
        """What the file with a SHA-256 is: `{known, contract, record, proof}`, or `{known: False}`.

        `record` is the audit record of its issue, `proof` the tlog-proof of that record, null in the seconds before it
        is sealed. Another tenant's contract is not known.
        """
        principal.require(READERS)
        asked = parse(VerificationRequest, body)
        scope = principal.read_scope(asked.tenant_id)
        contract = self.documents.get({**scope.filter, "sha256": asked.sha256})
        if contract and scope.every_tenant:
            scope = TenantScope(contract["tenantId"], crossing=True)
        ref_id = contract["refId"] if contract else "*"
        self.trail.record(principal, scope, "contract.verified", ref_id, {"sha256": asked.sha256})
        if contract is None:
            return {"known": False}
        tenant_id, record = contract["tenantId"], contract["auditRefId"]
        return {
            "known": True,
            "contract": to_response(contract),
            "record": self.records.record(tenant_id, record),
            "proof": self.records.proof(principal, tenant_id, record),
            "proofUrl": f"/v1/audit-logs/{record}/proof",
        }

    @property
    def _reader(self) -> DocumentReader:
        return DocumentReader(self.documents, self.trail, "contract", READERS)

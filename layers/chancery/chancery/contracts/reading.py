"""Reading contracts: lists, one with its values, its PDF; and which contract a file is."""

from dataclasses import dataclass

from chancery.contracts.models import ContractSearch, VerificationRequest
from chancery.contracts.ports import AuditRecords
from chancery.core.aws.objects import Objects
from chancery.core.identity.principal import TenantScope
from chancery.core.mongo.audited_reader import DocumentReader, Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository
from chancery.core.web.answers import Answer, redirect
from chancery.core.web.listing import to_response
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice


@dataclass(frozen=True, slots=True)
class ContractReader:
    """Reads contracts of the caller's tenants."""

    documents: Repository
    objects: Objects
    records: AuditRecords
    trail: Trail

    def search(self, call: Call[ContractSearch]) -> Document:
        """`{items, nextCursor}`, newest first."""
        template = call.query.template
        return self._reader.page(call.principal, call.query, {"template": template} if template else {})

    def get(self, call: Call[TenantChoice]) -> Document:
        """One contract with its values. Raises NotFound."""
        return to_response(self._reader.get(call.principal, call.path["refId"], call.query.tenant_id))

    def pdf(self, call: Call[TenantChoice]) -> Answer:
        """303 to a contract's PDF, by a link of fifteen minutes; each one is audited. Raises NotFound."""
        principal, ref_id = call.principal, call.path["refId"]
        contract = self._reader.get(principal, ref_id, call.query.tenant_id)
        scope = TenantScope(contract["tenantId"])
        details = {"sha256": contract["sha256"]}
        self.trail.record(principal, scope, "contract.downloaded", ref_id, details, always=True)
        return redirect(self.objects.link(contract["key"], f"{contract['template']}-{ref_id}.pdf"), 303)

    def verify(self, call: Call[None, VerificationRequest]) -> Document:
        """The contract whose PDF has a SHA-256: `{known, contract, record, proof, proofUrl}`, or `{known: False}`.

        `record` is the audit record of its issue, `proof` the tlog-proof of that record, null in the seconds before it
        is sealed. Another tenant's contract is not known.
        """
        principal, asked = call.principal, call.body
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
        return DocumentReader(self.documents, self.trail, "contract")

"""Templates and contracts in MongoDB: collections, indexes, rights."""

from chancery.contracts.models import LIST_FIELDS, Contract, ContractTemplate
from chancery.core.mongo.collections import Collection, Index

_ACCESS = {"writer": ("insert", "find"), "reader": ("find",)}

CONTRACT_TEMPLATES = Collection(
    name="contract_templates",
    model=ContractTemplate,
    append_only=True,
    access=_ACCESS,
    list_fields=("refId", "name", "version", "title", "format", "sha256", "createdBy", "createdOn"),
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), ("name", 1), ("version", 1)), unique=True),
        Index((("tenantId", 1), ("createdOn", -1), ("refId", -1))),
    ),
)

CONTRACT_PDFS = Collection(
    name="contract_pdfs",
    model=Contract,
    append_only=True,
    trace_kind="contract",
    access=_ACCESS,
    list_fields=LIST_FIELDS,
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), ("sha256", 1)), unique=True),
        Index((("refId", 1),)),
        Index((("sha256", 1),)),
        Index((("tenantId", 1), ("createdOn", -1), ("refId", -1))),
        Index((("createdOn", -1), ("refId", -1))),
        Index((("traceId", 1), ("tenantId", 1), ("createdOn", -1), ("refId", -1)), only_with="traceId"),
    ),
)

COLLECTIONS = (CONTRACT_TEMPLATES, CONTRACT_PDFS)

"""Calls and circuit breakers in MongoDB: collections, indexes, list projections, rights."""

from chancery.core.mongo.collections import Collection, Index
from chancery.integrations.calls.models import CALL_FIELDS, IntegrationCall, StoredBreaker

_NEWEST = (("createdOn", -1), ("refId", -1))

INTEGRATION_CALLS = Collection(
    name="integration_calls",
    model=IntegrationCall,
    retention_days=30,
    trace_kind="integration_call",
    list_fields=CALL_FIELDS,
    access={"writer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), *_NEWEST)),
        Index((("tenantId", 1), ("status", 1), *_NEWEST)),
        Index((("tenantId", 1), ("systemCode", 1), *_NEWEST)),
        Index((("tenantId", 1), ("systemCode", 1), ("status", 1), *_NEWEST)),
        # These also serve a search across tenants.
        Index(_NEWEST),
        Index((("status", 1), *_NEWEST)),
        Index((("systemCode", 1), *_NEWEST)),
        Index((("systemCode", 1), ("status", 1), *_NEWEST)),
        Index((("refId", 1),)),
        Index((("traceId", 1), ("tenantId", 1), *_NEWEST), only_with="traceId"),
        Index((("sweepOn", 1),), only_with="sweepOn"),
    ),
)

INTEGRATION_BREAKERS = Collection(
    name="integration_breakers",
    model=StoredBreaker,
    access={"writer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(Index((("tenantId", 1), ("systemId", 1)), unique=True),),
)

COLLECTIONS = (INTEGRATION_CALLS, INTEGRATION_BREAKERS)

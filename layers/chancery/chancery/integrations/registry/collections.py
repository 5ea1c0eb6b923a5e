"""Systems and endpoints in MongoDB: collections, indexes, list projections, rights."""

from chancery.core.mongo.collections import Collection, Index
from chancery.integrations.registry.models import (
    ENDPOINT_LIST_FIELDS,
    SYSTEM_LIST_FIELDS,
    ExternalSystem,
    IntegrationEndpoint,
)

_NEWEST = (("createdOn", -1), ("refId", -1))

EXTERNAL_SYSTEMS = Collection(
    name="external_systems",
    model=ExternalSystem,
    trace_kind="external_system",
    list_fields=SYSTEM_LIST_FIELDS,
    access={"writer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        # One system of a code that is not deleted; each deleted one has a moment of its own.
        Index((("tenantId", 1), ("code", 1), ("deletedOn", 1)), unique=True),
        Index((("tenantId", 1), *_NEWEST)),
        Index(_NEWEST),
        Index((("traceId", 1), ("tenantId", 1), *_NEWEST), only_with="traceId"),
    ),
)

INTEGRATION_ENDPOINTS = Collection(
    name="integration_endpoints",
    model=IntegrationEndpoint,
    trace_kind="integration_endpoint",
    list_fields=ENDPOINT_LIST_FIELDS,
    access={"writer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), ("systemId", 1), ("code", 1), ("deletedOn", 1)), unique=True),
        Index((("tenantId", 1), ("systemId", 1), *_NEWEST)),
        Index((("traceId", 1), ("tenantId", 1), *_NEWEST), only_with="traceId"),
    ),
)

COLLECTIONS = (EXTERNAL_SYSTEMS, INTEGRATION_ENDPOINTS)

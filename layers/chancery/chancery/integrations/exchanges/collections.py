"""Exchanges and their rollups in MongoDB: collections, indexes, views, rights."""

from chancery.core.mongo.collections import Collection, Index
from chancery.integrations.exchanges.models import LIST_FIELDS, Exchange, ExchangeRollup
from chancery.integrations.exchanges.views import V_FAILED_REQUESTS_24H, V_SYSTEM_HEALTH

_NEWEST = (("createdOn", -1), ("refId", -1))
_UNSUCCESSFUL = {"isSuccess": False}
_PENDING = {"status": "PENDING"}

INTERNAL = (
    "unopened",
    "expired",
    "errorStack",
    "requestKey",
    "responseKey",
    "openDigest",
    "closeDigest",
    "unpublished",
    "uncounted",
    "countedAs",
    "version",
)

UNCOUNTED = Index((("uncounted", 1),), only_with="uncounted")

INTEGRATION_LOGS = Collection(
    name="integration_logs",
    model=Exchange,
    retention_days=90,
    trace_kind="exchange",
    list_fields=LIST_FIELDS,
    access={
        "writer": ("find", "insert", "update"),
        "reader": ("find",),
        "deliverer": ("find", "insert", "update"),  # each attempt of a delivery is an exchange
    },
    indexes=(
        Index((("tenantId", 1), ("requestId", 1)), unique=True),
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), *_NEWEST)),
        Index((("tenantId", 1), ("systemCode", 1), *_NEWEST)),
        Index((("tenantId", 1), ("systemCode", 1), ("endpointCode", 1), *_NEWEST)),
        Index((("tenantId", 1), ("isSuccess", 1), *_NEWEST), only_where=_UNSUCCESSFUL),
        Index((("tenantId", 1), ("systemCode", 1), ("isSuccess", 1), *_NEWEST), only_where=_UNSUCCESSFUL),
        Index((("tenantId", 1), ("status", 1), *_NEWEST), only_where=_PENDING),
        # These also serve a search across tenants.
        Index((("requestId", 1),)),
        Index(_NEWEST),
        Index((("isSuccess", 1), *_NEWEST), only_where=_UNSUCCESSFUL),
        Index((("parentRequestId", 1), ("tenantId", 1)), only_with="parentRequestId"),
        Index((("correlationId", 1), ("tenantId", 1), *_NEWEST), only_with="correlationId"),
        Index((("traceId", 1), ("tenantId", 1), *_NEWEST), only_with="traceId"),
        Index((("context.entityId", 1), ("tenantId", 1), *_NEWEST), only_with="context.entityId"),
        Index((("actor.userId", 1), ("tenantId", 1), *_NEWEST), only_with="actor.userId"),
        # What remains to be done.
        Index((("deadline", 1),), only_where=_PENDING),
        Index((("unpublished", 1),), only_with="unpublished"),
        UNCOUNTED,
    ),
    views=(V_FAILED_REQUESTS_24H,),
)

EXCHANGE_ROLLUPS = Collection(
    name="exchange_rollups",
    model=ExchangeRollup,
    retention_days=90,
    expiry_field="expiresOn",
    access={"writer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(
        Index(
            (("tenantId", 1), ("systemCode", 1), ("endpointCode", 1), ("period", 1), ("beginsOn", 1)),
            unique=True,
        ),
        Index((("tenantId", 1), ("period", 1), ("endpointCode", 1), ("beginsOn", 1))),
        Index((("period", 1), ("endpointCode", 1), ("beginsOn", 1))),
    ),
    views=(V_SYSTEM_HEALTH,),
)

COLLECTIONS = (INTEGRATION_LOGS, EXCHANGE_ROLLUPS)

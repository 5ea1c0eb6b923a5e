"""Activity outputs in MongoDB: collection, indexes, rights."""

from chancery.content.outputs.models import LIST_FIELDS, ActivityOutput
from chancery.core.mongo.collections import Collection, Index

_NEWEST = (("createdOn", -1), ("refId", -1))

ACTIVITY_OUTPUTS = Collection(
    name="activity_outputs",
    model=ActivityOutput,
    trace_kind="activity_output",
    access={"writer": ("find", "insert", "update"), "reader": ("find",)},
    list_fields=LIST_FIELDS,
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), ("requestKey", 1)), unique=True, only_with="requestKey"),
        Index((("refId", 1),)),
        Index((("activityId", 1), ("tenantId", 1), *_NEWEST)),
        Index((("tenantId", 1), ("type", 1), ("status", 1), *_NEWEST)),
        Index((("tenantId", 1), ("status", 1), *_NEWEST)),
        Index((("tenantId", 1), *_NEWEST)),
        Index((("traceId", 1), ("tenantId", 1), *_NEWEST), only_with="traceId"),
        Index(_NEWEST),
    ),
)

COLLECTIONS = (ACTIVITY_OUTPUTS,)

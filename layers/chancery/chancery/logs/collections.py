"""The collections of logs: one a kind, with the same few indexes, and the batches that number their lines."""

from chancery.core.mongo.collections import Collection, Index
from chancery.logs.kinds import KINDS, LogKind
from chancery.logs.models import INTERNAL, LogBatch, line_model
from chancery.logs.queries import BY_LEVEL, BY_TIME, SEVERE, by_field, by_sample, selective

_LARGE = ("data", "attributes", "error", "template")  # with the single line, not in lists


def _collection(kind: LogKind) -> Collection:
    model = line_model(kind)
    names = [field.alias or name for name, field in model.model_fields.items()]
    return Collection(
        name=kind.collection,
        model=model,
        retention_days=kind.retention_days,
        expiry_field="expiresOn",
        trace_kind=kind.trace_kind,
        list_fields=tuple(name for name in names if name not in (*INTERNAL, *_LARGE)),
        access={"writer": ("find", "insert"), "reader": ("find",), "pusher": ("find",), "deliverer": ("find",)},
        indexes=(
            Index(BY_TIME),
            Index(BY_LEVEL, only_where={"level": {"$in": list(SEVERE)}}),
            Index(by_sample(kind), only_with="sample"),
            *(Index(by_field(name), only_with=name) for name in selective(kind)),
        ),
    )


BY_KIND = {kind.name: _collection(kind) for kind in KINDS}

LIST_FIELDS = tuple(dict.fromkeys(name for collection in BY_KIND.values() for name in collection.list_fields))

LOG_BATCHES = Collection(
    name="log_batches",
    model=LogBatch,
    access={
        "writer": ("find", "insert", "remove", "update"),
        "reader": ("find",),
        "pusher": ("find",),
        "deliverer": ("find",),
    },
    indexes=(
        Index((("tenantId", 1), ("first", 1)), unique=True, only_with="first"),
        Index((("createdOn", 1),), only_with="pending"),
        Index((("expiresOn", 1),), expire_after=0),
    ),
)

COLLECTIONS = (*BY_KIND.values(), LOG_BATCHES)

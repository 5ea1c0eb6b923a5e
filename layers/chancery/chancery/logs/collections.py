"""The collections of logs: one a kind, with the same few indexes, and the batches that number their lines."""

from pydantic.alias_generators import to_camel

from chancery.core.mongo.collections import Collection, Index
from chancery.logs.kinds import KINDS, LogKind
from chancery.logs.models import LogBatch, line_model
from chancery.logs.queries import SEVERE

_NEWEST = (("createdOn", -1), ("refId", -1))
_INTERNAL = ("batch", "expiresOn")
_LARGE = ("data", "attributes", "error", "template")  # with the single line, not in lists


def _collection(kind: LogKind) -> Collection:
    model = line_model(kind)
    names = [field.alias or name for name, field in model.model_fields.items()]
    indexed = (*kind.indexed, *(("fingerprint",) if kind.has_errors else ()))
    return Collection(
        name=kind.collection,
        model=model,
        retention_days=kind.retention_days,
        expiry_field="expiresOn",
        trace_kind=kind.trace_kind,
        list_fields=tuple(name for name in names if name not in (*_INTERNAL, *_LARGE)),
        access={"writer": ("find", "insert"), "reader": ("find",), "pusher": ("find",)},
        indexes=(
            Index((("tenantId", 1), *_NEWEST)),
            Index((("tenantId", 1), ("level", 1), *_NEWEST), only_where={"level": {"$in": list(SEVERE)}}),
            *(Index(((name, 1), ("tenantId", 1), *_NEWEST), only_with=name) for name in map(to_camel, indexed)),
        ),
    )


BY_KIND = {kind.name: _collection(kind) for kind in KINDS}

LIST_FIELDS = tuple(dict.fromkeys(name for collection in BY_KIND.values() for name in collection.list_fields))

LOG_BATCHES = Collection(
    name="log_batches",
    model=LogBatch,
    access={"writer": ("find", "insert", "remove", "update"), "reader": ("find",), "pusher": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("first", 1)), unique=True, only_with="first"),
        Index((("createdOn", 1),), only_with="pending"),
        Index((("expiresOn", 1),), expire_after=0),
    ),
)

COLLECTIONS = (*BY_KIND.values(), LOG_BATCHES)

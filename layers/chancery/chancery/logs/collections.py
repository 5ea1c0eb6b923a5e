"""The collections of logs: one a kind, with the same few indexes, and the batches that number their lines."""

from pydantic.alias_generators import to_camel

from chancery.core.mongo.collections import Collection, Index
from chancery.logs.kinds import KINDS, LogKind
from chancery.logs.models import LogBatch, line_model

_NEWEST = (("createdOn", -1), ("refId", -1))
_SELECTIVE = (
    "traceId",
    "userId",
    "sessionId",
    "activityId",
    "fingerprint",
)  # one value of many: an index instead of a scan by time
_INTERNAL = ("batch", "expiresOn")
SEVERE = ("warn", "error", "fatal")
_LARGE = ("data", "attributes", "error", "template")  # with the single line, not in lists


def _collection(kind: LogKind) -> Collection:
    """Searches are bound by tenant and time: other filters than the selective fields go through the lines by time."""
    model = line_model(kind)
    names = [field.alias or name for name, field in model.model_fields.items()]
    selective = (*_SELECTIVE, *(("fingerprint",) if kind.has_errors else ()), *map(to_camel, kind.indexed))
    return Collection(
        name=kind.collection,
        model=model,
        retention_days=kind.retention_days,
        expiry_field="expiresOn",
        trace_kind=kind.trace_kind,
        list_fields=tuple(name for name in names if name not in (*_INTERNAL, *_LARGE)),
        access={"writer": ("find", "insert"), "reader": ("find",)},
        indexes=(
            Index((("tenantId", 1), *_NEWEST)),
            Index((("tenantId", 1), ("level", 1), *_NEWEST), only_where={"level": {"$in": list(SEVERE)}}),
            *(Index(((name, 1), ("tenantId", 1), *_NEWEST), only_with=name) for name in selective if name in names),
        ),
    )


BY_KIND = {kind.name: _collection(kind) for kind in KINDS}

LOG_BATCHES = Collection(
    name="log_batches",
    model=LogBatch,
    access={"writer": ("find", "insert", "remove", "update"), "reader": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("first", 1)), unique=True, only_with="first"),
        Index((("createdOn", 1),), only_with="pending"),
        Index((("expiresOn", 1),), expire_after=0),
    ),
)

COLLECTIONS = (*BY_KIND.values(), LOG_BATCHES)

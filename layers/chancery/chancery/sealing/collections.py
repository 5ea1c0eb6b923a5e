"""What sealing keeps in MongoDB: collections, indexes, rights."""

from chancery.core.mongo.collections import Collection, Index
from chancery.sealing.models import FsckState, LeafBatch, OutboxEntry, TreeHead

AUDIT_OUTBOX = Collection(
    name="audit_outbox",
    model=OutboxEntry,
    access={
        "writer": ("insert",),
        "sealer": ("find", "insert", "remove"),
        "reader": ("find",),
        "archiver": ("find",),
    },
    indexes=(Index((("tenantId", 1), ("_id", 1))),),
)

AUDIT_LEAVES = Collection(
    name="audit_leaves",
    model=LeafBatch,
    append_only=True,
    access={"sealer": ("find", "insert"), "reader": ("find",), "writer": ("find",), "archiver": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("start", 1)), unique=True),
        Index((("tenantId", 1), ("refIds", 1)), unique=True),
    ),
)

AUDIT_TREE_HEADS = Collection(
    name="audit_tree_heads",
    model=TreeHead,
    access={
        "sealer": ("find", "insert", "update"),
        "reader": ("find",),
        "writer": ("find",),
        "archiver": ("find",),
    },
    indexes=(Index((("tenantId", 1),), unique=True), Index((("log", 1),))),
)

AUDIT_SELF_AUDITS = Collection(
    name="audit_self_audits",
    model=FsckState,
    access={"sealer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(Index((("tenantId", 1),), unique=True),),
)

COLLECTIONS = (AUDIT_OUTBOX, AUDIT_LEAVES, AUDIT_TREE_HEADS, AUDIT_SELF_AUDITS)

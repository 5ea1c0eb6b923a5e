"""The collections of sealing: indexes and rights."""

from chancery.core.mongo.collections import Collection, Index
from chancery.sealing.models import FsckState, LeafBatch, OutboxEntry, OutboxMark, TreeHead

AUDIT_OUTBOX = Collection(
    name="audit_outbox",
    model=OutboxEntry,
    access={
        "writer": ("insert",),  # stolen credentials of the writer can suppress no leaf
        "sealer": ("find", "insert", "remove", "update"),
        # These sequence leaves before the sealer does, see live_log.
        "pusher": ("find", "insert", "remove", "update"),
        "deliverer": ("find", "insert", "remove", "update"),
        "reader": ("find",),
        "archiver": ("find",),
    },
    indexes=(
        Index((("tenantId", 1), ("sequencedOn", 1), ("_id", 1))),
        Index((("tenantId", 1), ("publishedOn", 1), ("_id", 1))),
    ),
)

AUDIT_OUTBOX_MARKS = Collection(
    name="audit_outbox_marks",
    model=OutboxMark,
    retention_days=7,  # a mark that came after its entry was removed
    access={
        "writer": ("insert",),
        "sealer": ("find", "remove"),
        "pusher": ("find", "remove"),
        "deliverer": ("find", "insert", "remove"),
    },
    indexes=(),
)

AUDIT_LEAVES = Collection(
    name="audit_leaves",
    model=LeafBatch,
    append_only=True,
    access={
        "sealer": ("find", "insert"),
        "pusher": ("find", "insert"),
        "deliverer": ("find", "insert"),
        "reader": ("find",),
        "writer": ("find",),
        "archiver": ("find",),
    },
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
        "pusher": ("find", "insert", "update"),
        "deliverer": ("find", "insert", "update"),
        "reader": ("find",),
        "writer": ("find",),
        "archiver": ("find",),
    },
    indexes=(Index((("tenantId", 1),), unique=True), Index((("log", 1),))),
)

AUDIT_FSCK_STATES = Collection(
    name="audit_fsck_states",
    model=FsckState,
    access={"sealer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(Index((("tenantId", 1),), unique=True),),
)

COLLECTIONS = (AUDIT_OUTBOX, AUDIT_OUTBOX_MARKS, AUDIT_LEAVES, AUDIT_TREE_HEADS, AUDIT_FSCK_STATES)

"""Functions and the queue of sealing."""

from chancery.core.aws.declarations import Bucket, BucketAccess, Function, Queue, Schedule, SpecialKey

QUEUES = (
    Queue(
        "seal",
        "Logs could not be sealed; the schedule tries again",
        fifo=True,  # a group is a log
        delay_seconds=1,  # outlasts the second whose messages are one, see seal_trigger
        retention_days=1,
        batch_size=10,
        concurrency=20,
    ),
)
_TIMEOUT = {"MONGODB_TIMEOUT_MS": "30000"}
FUNCTIONS = (
    Function(
        "seal_audit_logs",
        "appends new records to their tenant's log, signs its checkpoint, publishes events that their writer could not",
        database="sealer",
        bus="PutEvents",
        buckets=(BucketAccess(Bucket.LOG, {"*": ("PutObject", "GetObject")}, ("ListBucket",)),),
        keys={SpecialKey.SIGNING: ("Sign", "GetPublicKey")},
        consumes="seal",
        sends_to=("deliveries",),
        schedule=Schedule("rate(1 minute)", "Seals and publishes the waiting entries of the outbox"),
        memory=1024,
        timeout=120,
        environment=_TIMEOUT,
    ),
    Function(
        "prove_audit_logs",
        "inclusion and consistency proofs, checkpoints, and the log itself as tiles",
        database="reader",
        bus="PutEvents",
        buckets=(BucketAccess(Bucket.LOG, {"logs/*": ("GetObject",)}, ("ListBucket",)),),
        keys={SpecialKey.SIGNING: ("GetPublicKey",)},
        memory=1024,
    ),
    Function(
        "check_audit_integrity",
        "audits the next part of every log, and has records sealed that have no leaf",
        database="sealer",
        buckets=(
            BucketAccess(Bucket.LOG, {"*": ("GetObject", "GetObjectVersion")}, ("ListBucket", "ListBucketVersions")),
        ),
        keys={SpecialKey.SIGNING: ("Verify", "GetPublicKey")},
        sends_to=("seal",),
        schedule=Schedule("rate(15 minutes)", "Audits the next part of every log"),
        memory=1024,
        timeout=600,
        environment=_TIMEOUT,
    ),
)

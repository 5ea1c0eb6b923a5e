"""Functions and queues of the audit trail."""

from chancery.core.aws.declarations import Bucket, BucketAccess, BusEvents, Function, Queue

QUEUES = (
    Queue(
        "audit-events",
        "Events could not be stored; see docs/operations.md, Dead letters",
        sources=(BusEvents("Record Audit Event"),),
        batch_size=1000,
        batch_window_seconds=1,
        concurrency=50,
        alarm_after_seconds=300,
    ),
    Queue("exports", "An export failed for good", concurrency=5),
)
_PROOFS = BucketAccess(Bucket.LOG, {"logs/*": ("GetObject",)}, ("ListBucket",))
FUNCTIONS = (
    Function(
        "record_audit_logs",
        "records one audit event, or up to 500",
        database="writer",
        bus="PutEvents",
        sends_to=("seal",),
        memory=1024,
    ),
    Function(
        "consume_audit_events",
        "stores audit events in batches; one that fails does not hold up the others",
        database="writer",
        bus="PutEvents",
        consumes="audit-events",
        sends_to=("rejects", "seal"),
        memory=1769,
        timeout=60,
    ),
    Function(
        "read_audit_logs",
        "search, one record, statistics, catalogue and coverage",
        database="reader",
        bus="PutEvents",
        memory=1024,
    ),
    Function(
        "follow_audit_logs",
        "server-sent events of new records",
        database="reader",
        bus="PutEvents",
        memory=512,
    ),
    Function(
        "manage_audit_exports",
        "requests an export, reports its progress, links to its files",
        database="writer",
        bus="PutEvents",
        buckets=(BucketAccess(Bucket.EXPORT, {"exports/*": ("GetObject",)}),),
        sends_to=("exports",),
    ),
    Function(
        "run_audit_export",
        "writes an export to S3, a long one in several invocations",
        database="writer",
        buckets=(BucketAccess(Bucket.EXPORT, {"exports/*": ("PutObject", "GetObject")}), _PROOFS),
        consumes="exports",
        sends_to=("exports",),
        memory=1769,
        timeout=900,
        environment={"MONGODB_TIMEOUT_MS": "60000"},
    ),
)

"""Functions and queues of tool calls."""

from chancery.core.aws.declarations import Bucket, BucketAccess, BusEvents, Function, Queue, Schedule, SpecialKey

QUEUES = (
    Queue(
        "tool-calls",
        "Tool calls could not be stored; see docs/operations.md, Dead letters",
        sources=(BusEvents("Record Tool Call"),),
        batch_size=20,
        batch_window_seconds=1,
        concurrency=20,
        alarm_after_seconds=300,
    ),
    Queue("tool-uploads", "An upload could not be redacted; it is tried again until it expires", concurrency=10),
)
_ENCRYPTS = {SpecialKey.SENSITIVE: ("GenerateDataKey",)}
_DECRYPTS = {SpecialKey.SENSITIVE: ("Decrypt",)}
_RETENTION = ("RetentionDays",)
_CRYPTOGRAPHY = ("auth",)
FUNCTIONS = (
    Function(
        "record_tool_calls",
        "records a tool call with its input and output; links to upload bodies too large for a request",
        database="writer",
        bus="PutEvents",
        buckets=(
            BucketAccess(
                Bucket.CONTENT,
                {"tool-calls/*": ("PutObject",), "uploads/*": ("PutObject", "GetObject")},
                ("ListBucket",),
            ),
        ),
        keys=_ENCRYPTS,
        sends_to=("tool-uploads",),
        layers=_CRYPTOGRAPHY,
        memory=1024,
        parameters=_RETENTION,
    ),
    Function(
        "consume_tool_calls",
        "stores tool calls; one that fails does not hold up the others",
        database="writer",
        buckets=(
            BucketAccess(
                Bucket.CONTENT, {"tool-calls/*": ("PutObject",), "uploads/*": ("GetObject",)}, ("ListBucket",)
            ),
        ),
        keys=_ENCRYPTS,
        consumes="tool-calls",
        sends_to=("rejects", "tool-uploads"),
        layers=_CRYPTOGRAPHY,
        memory=1024,
        timeout=60,
        parameters=_RETENTION,
    ),
    Function(
        "redact_tool_uploads",
        "checks, redacts and stores uploaded bodies of up to 100 MB",
        database="writer",
        buckets=(
            BucketAccess(
                Bucket.CONTENT,
                {"tool-calls/*": ("PutObject",), "uploads/*": ("GetObject", "PutObject", "DeleteObjectVersion")},
                ("ListBucket", "ListBucketVersions"),
            ),
        ),
        keys=_ENCRYPTS,
        consumes="tool-uploads",
        sends_to=("tool-uploads",),
        schedule=Schedule("rate(15 minutes)", "Sends messages again for uploads that are still pending"),
        layers=_CRYPTOGRAPHY,
        memory=2048,  # 100 MB that are one string with an emoji take four times that
        timeout=900,
        parameters=_RETENTION,
    ),
    Function(
        "read_tool_calls",
        "tool calls, and their bodies byte for byte; every view of a body is audited",
        database="reader",
        bus="PutEvents",
        buckets=(BucketAccess(Bucket.CONTENT, {"tool-calls/*": ("GetObject",)}, ("ListBucket",)),),
        keys=_DECRYPTS,
        layers=_CRYPTOGRAPHY,
        memory=1024,
        parameters=_RETENTION,
    ),
)

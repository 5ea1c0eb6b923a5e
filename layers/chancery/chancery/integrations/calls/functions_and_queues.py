"""Functions and queues of managed calls."""

from chancery.core.aws.declarations import Bucket, BucketAccess, Function, Queue, Schedule, SpecialKey

QUEUES = (
    Queue(
        "integration-calls",
        "Calls could not be worked on; the sweep tries again until their deadline",
        concurrency=10,
        alarm_after_seconds=300,
    ),
)
_SEALS = {SpecialKey.SENSITIVE: ("GenerateDataKey", "Decrypt")}
FUNCTIONS = (
    Function(
        "manage_calls",
        "managed calls to external systems: begin, read, retry, cancel",
        database="writer",
        bus="PutEvents",
        keys=_SEALS,
        sends_to=("integration-calls",),
        layers=("auth",),  # cryptography
        memory=1024,
        timeout=29,
        parameters=("RetentionDays",),
    ),
    Function(
        "send_calls",
        "sends managed calls: credentials, limits, transforms, retries; wakes those that are due or overdue",
        database="writer",
        buckets=(BucketAccess(Bucket.CONTENT, {"exchanges/*": ("PutObject",)}, ("ListBucket",)),),
        keys=_SEALS,
        consumes="integration-calls",
        sends_to=("integration-calls", "exchange-completions"),
        schedule=Schedule("rate(1 minute)", "Wakes calls that are due later than SQS can wait, or overdue"),
        layers=("auth", "jsonata", "outbound"),
        memory=1024,
        timeout=360,
        parameters=("OutboundPrivateRanges", "RetentionDays"),
        secrets="chancery/integrations/",
    ),
)

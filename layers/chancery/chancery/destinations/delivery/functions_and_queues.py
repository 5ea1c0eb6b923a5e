"""The function that delivers, and its queue."""

from chancery.core.aws.declarations import Bucket, BucketAccess, Function, Queue, Schedule, SpecialKey

QUEUES = (
    Queue(
        "deliveries",
        "Destinations could not be served; the schedule has them served again",
        retention_days=1,
        concurrency=50,  # destinations that are served at once
        alarm_after_seconds=300,
    ),
)
FUNCTIONS = (
    Function(
        "deliver_events",
        "delivers events to the destinations of tenants: webhooks, streams; wakes those that are due or behind",
        database="deliverer",
        bus="PutEvents",
        buckets=(
            BucketAccess(Bucket.LOG, {}, ("ListBucket",)),  # published checkpoints, before it adds leaves
            BucketAccess(Bucket.CONTENT, {"exchanges/*": ("PutObject",)}, ("ListBucket",)),
        ),
        keys={SpecialKey.SENSITIVE: ("Decrypt",)},
        consumes="deliveries",
        sends_to=("deliveries", "exchange-completions", "seal"),
        schedule=Schedule("rate(1 minute)", "Serves destinations that are due, or behind, and that no run serves"),
        layers=("auth", "otlp", "outbound"),
        memory=1024,
        timeout=300,
        parameters=("OutboundPrivateRanges", "RetentionDays"),
        assumes_roles=True,
    ),
)

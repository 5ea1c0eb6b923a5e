"""Functions and the queue of the live tail."""

from chancery.core.aws.declarations import Bucket, BucketAccess, Function, Queue, Schedule

QUEUES = (
    Queue(
        "live",
        "Live views of a tenant could not be served; the schedule starts them again",
        retention_days=1,
        concurrency=50,  # tenants with live views at once
    ),
)
FUNCTIONS = (
    Function(
        "serve_live",
        "connections of the live tail: subscribe, pause, resume",
        database="writer",
        bus="PutEvents",
        sends_to=("live",),
        pushes=True,
        trigger="WebSocket API",
    ),
    Function(
        "push_live",
        "sends new audit records and log lines to the live connections of a tenant",
        database="pusher",
        buckets=(BucketAccess(Bucket.LOG, {}, ("ListBucket",)),),  # published checkpoints, before it adds leaves
        consumes="live",
        sends_to=("live",),
        pushes=True,
        schedule=Schedule("rate(1 minute)", "Serves tenants with live connections that no run serves"),
        memory=1024,
        timeout=60,
    ),
)

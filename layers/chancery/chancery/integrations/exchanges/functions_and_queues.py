"""Functions and queues of exchanges."""

from chancery.core.aws.declarations import Bucket, BucketAccess, BusEvents, Function, Queue, Schedule

QUEUES = (
    Queue(
        "exchanges",
        "Exchanges could not be stored; see docs/operations.md, Dead letters",
        sources=(BusEvents("Record Exchange"),),
        batch_size=100,
        batch_window_seconds=1,
        concurrency=10,
        alarm_after_seconds=300,
    ),
    Queue(
        "exchange-completions",
        "Finished exchanges could not be published and counted; the schedule tries again",
        fifo=True,  # one group: one run at a time
        delay_seconds=1,  # outlasts the second whose messages are one, see completion_trigger
        retention_days=1,
        batch_size=10,
    ),
)
_STORES_BODIES = (BucketAccess(Bucket.CONTENT, {"exchanges/*": ("PutObject",)}, ("ListBucket",)),)
_RETENTION = ("RetentionDays",)
FUNCTIONS = (
    Function(
        "record_exchanges",
        "opens and closes exchanges with other systems",
        database="writer",
        bus="PutEvents",
        buckets=_STORES_BODIES,
        sends_to=("exchange-completions",),
        memory=1024,
        parameters=_RETENTION,
    ),
    Function(
        "consume_exchanges",
        "stores the exchanges of events; one that fails does not hold up the others",
        database="writer",
        buckets=_STORES_BODIES,
        consumes="exchanges",
        sends_to=("rejects", "exchange-completions"),
        memory=1024,
        timeout=60,
        parameters=_RETENTION,
    ),
    Function(
        "read_exchanges",
        "exchanges, their bodies and retries; health of systems, figures of systems and endpoints",
        database="reader",
        bus="PutEvents",
        buckets=(BucketAccess(Bucket.CONTENT, {"exchanges/*": ("GetObject",)}, ("ListBucket",)),),
        memory=1024,
        parameters=_RETENTION,
    ),
    Function(
        "complete_exchanges",
        "publishes and counts finished exchanges; marks those that are open past their deadline as TIMEOUT",
        database="writer",
        bus="PutEvents",
        consumes="exchange-completions",
        schedule=Schedule("rate(1 minute)", "Marks overdue exchanges, publishes and counts what no message names"),
        memory=1024,
        timeout=60,
    ),
)

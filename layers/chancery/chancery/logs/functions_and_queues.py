"""Functions and queues of logs."""

from chancery.core.aws.declarations import BusEvents, Function, Queue, Schedule

QUEUES = (
    Queue(
        "logs",
        "Log lines could not be stored; see docs/operations.md, Dead letters",
        sources=(BusEvents("Record Log Entry"),),
        batch_size=1000,
        batch_window_seconds=1,
        concurrency=20,
        alarm_after_seconds=300,
    ),
)
FUNCTIONS = (
    Function(
        "record_logs",
        "records one log line, or up to 500",
        database="writer",
        bus="PutEvents",
        sends_to=("deliveries",),
        memory=1024,
        parameters=("RetentionDays",),
    ),
    Function(
        "read_logs",
        "search and aggregates, one log line, and the lines around it",
        database="reader",
        bus="PutEvents",
        memory=1024,
    ),
    Function(
        "record_otlp_logs",
        "records log records of OpenTelemetry",
        database="writer",
        bus="PutEvents",
        sends_to=("deliveries",),
        layers=("otlp",),
        memory=1024,
        parameters=("RetentionDays",),
    ),
    Function(
        "consume_logs",
        "stores log lines in batches; one that fails does not hold up the others",
        database="writer",
        consumes="logs",
        sends_to=("rejects", "deliveries"),
        memory=1769,
        timeout=60,
        parameters=("RetentionDays",),
    ),
    Function(
        "sweep_log_batches",
        "numbers log lines for live views where their writer was killed",
        database="writer",
        sends_to=("deliveries",),
        schedule=Schedule("rate(1 minute)", "numbers log lines whose writer was killed"),
        parameters=("RetentionDays",),
    ),
)

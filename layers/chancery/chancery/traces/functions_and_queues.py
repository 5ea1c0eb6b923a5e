"""The function of traces."""

from chancery.core.aws.declarations import Function

FUNCTIONS = (
    Function(
        "read_traces",
        "every record of a trace, of every type, in time order",
        database="reader",
        bus="PutEvents",
        memory=1024,
        parameters=("RetentionDays",),
    ),
)

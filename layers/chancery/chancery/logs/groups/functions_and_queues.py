"""The functions of error groups."""

from chancery.core.aws.declarations import Function

FUNCTIONS = (
    Function("read_error_groups", "groups of errors and their counts", database="reader", bus="PutEvents", memory=1024),
    Function(
        "manage_error_groups",
        "resolves, merges and splits groups of errors",
        database="writer",
        bus="PutEvents",
        memory=512,
    ),
)

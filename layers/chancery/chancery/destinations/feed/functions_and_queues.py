"""The functions of the feed."""

from chancery.core.aws.declarations import Function

FUNCTIONS = (
    Function(
        "read_feed",
        "the events of a tenant in order, by cursor or by a named consumer",
        database="reader",
        bus="PutEvents",
        memory=1024,
    ),
    Function(
        "manage_feed", "named consumers of the feed and what they have committed", database="writer", bus="PutEvents"
    ),
)

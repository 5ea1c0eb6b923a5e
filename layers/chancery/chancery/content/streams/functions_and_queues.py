"""The functions of activity streams."""

from chancery.core.aws.declarations import Function

FUNCTIONS = (
    Function(
        "append_activity_streams",
        "the text that agents write, in small pieces",
        database="writer",
        bus="PutEvents",
        memory=1024,
    ),
    Function(
        "follow_activity_streams",
        "server-sent events of that text, and the text so far",
        database="reader",
        bus="PutEvents",
        memory=512,
    ),
)

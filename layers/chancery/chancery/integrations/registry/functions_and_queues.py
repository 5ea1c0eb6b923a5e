"""Functions of the registry."""

from chancery.core.aws.declarations import Function

FUNCTIONS = (
    Function(
        "manage_integrations",
        "adds, changes and deletes external systems and endpoints, and shows what a call would send",
        database="writer",
        bus="PutEvents",
        layers=("jsonata",),
        parameters=("OutboundPlainHttp", "OutboundPrivateRanges"),
        memory=1024,
    ),
    Function(
        "read_integrations", "external systems and their endpoints", database="reader", bus="PutEvents", memory=1024
    ),
)

"""Functions of the registry of destinations."""

from chancery.core.aws.declarations import Function, SpecialKey

FUNCTIONS = (
    Function(
        "manage_destinations",
        "adds, changes and deletes destinations, rotates their secrets, and has deliveries sent again",
        database="writer",
        bus="PutEvents",
        keys={SpecialKey.SENSITIVE: ("GenerateDataKey", "Decrypt")},
        sends_to=("deliveries",),
        layers=("auth",),  # cryptography
        memory=1024,
        timeout=29,
        parameters=("OutboundPlainHttp", "OutboundPrivateRanges", "OwnAccountRoles", "RetentionDays"),
    ),
    Function(
        "read_destinations",
        "destinations, their deliveries and their health",
        database="reader",
        bus="PutEvents",
        memory=1024,
        parameters=("RetentionDays",),
    ),
)

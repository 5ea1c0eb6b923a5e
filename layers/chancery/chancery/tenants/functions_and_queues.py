"""The functions of tenants."""

from chancery.core.aws.declarations import Function

FUNCTIONS = (
    Function("manage_settings", "shows and changes the settings of a tenant", database="writer", bus="PutEvents"),
    Function(
        "try_redactions",
        "shows what would be redacted of a value, and why; stores nothing",
        database="reader",
        bus="PutEvents",
        memory=1024,
    ),
)

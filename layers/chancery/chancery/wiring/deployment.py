"""What a deployment does to MongoDB before anything is recorded."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from chancery.content.tool_calls.collections import TOOL_CALL_LOGS
from chancery.contracts import default_template
from chancery.core.errors import ChanceryError
from chancery.core.mongo.client import translated
from chancery.core.mongo.collections import retention_of
from chancery.core.mongo.database_roles import refuse_if_mutable
from chancery.core.mongo.schema import apply, plan
from chancery.integrations.exchanges.collections import INTEGRATION_LOGS
from chancery.wiring.registry import COLLECTIONS

_MOST_DAYS_LONGER = 7


class UnfitLifecycle(ChanceryError):
    """Parameters that would lose bodies before their documents, or store them for long after."""


class SchemaSettings(NamedTuple):
    """`mongodb_secrets`: role class → ARN of the secret with its URI; `retention_days`: collection → days.

    `tool_call_body_days` and `exchange_body_days`: how long S3 stores the bodies that `tool_call_logs` and
    `integration_logs` refer to.
    """

    mongodb_secrets: str
    tool_call_body_days: int
    exchange_body_days: int
    mongodb_database: str = "chancery"
    retention_days: str = "{}"


def deploy_schema(
    settings: SchemaSettings, connect: Callable[[str], Any], secret: Callable[[str], str]
) -> dict[str, Any]:
    """Brings the database to the registry, checks each role class's own credentials, puts in what all tenants share.

    Raises MutableRecords when one of them could change append-only records: then the deployment fails. So it does,
    before anything is changed, where the retention does not fit (UnfitRetention), or where S3 would not store bodies as
    long as the documents that refer to them (UnfitLifecycle).
    """
    retention = retention_of(settings.retention_days, COLLECTIONS)
    refuse_unfit_lifecycle(retention, settings.tool_call_body_days, settings.exchange_body_days)
    secrets = orjson.loads(settings.mongodb_secrets)
    uris = {role_class: secret(arn) for role_class, arn in secrets.items()}
    with translated():
        with connect(uris["schema"]) as client:
            database = client[settings.mongodb_database]
            steps = plan(database, COLLECTIONS, retention)
            apply(database, steps)
        for uri in uris.values():
            with connect(uri) as client:
                refuse_if_mutable(client[settings.mongodb_database], COLLECTIONS)
        with connect(uris["writer"]) as client:
            default_template.install(client[settings.mongodb_database])
    done = [f"{step.kind} {step.collection}: {step.detail}" for step in steps]
    return {"Steps": str(len(done)), "Last": done[-1] if done else "nothing to do"}


def refuse_unfit_lifecycle(retention: Mapping[str, int], tool_call_body_days: int, exchange_body_days: int) -> None:
    """Raises UnfitLifecycle unless bodies of tool calls and exchanges outlive their documents, by a week at most."""
    of_bodies = (
        ("ToolCallBodyDays", TOOL_CALL_LOGS, tool_call_body_days),
        ("ExchangeBodyDays", INTEGRATION_LOGS, exchange_body_days),
    )
    for parameter, collection, body_days in of_bodies:
        days = collection.days(retention) or 0
        if not days < body_days <= days + _MOST_DAYS_LONGER:
            raise UnfitLifecycle(
                f"MongoDB keeps {collection.name} for {days} days and S3 their bodies for {body_days}: "
                f"set {parameter} to {days + 1} to {days + _MOST_DAYS_LONGER}."
            )

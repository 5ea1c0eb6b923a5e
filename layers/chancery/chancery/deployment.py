"""What a deployment does to MongoDB before anything is recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from chancery.contracts import default_template
from chancery.core.mongo import translated
from chancery.core.roles import refuse_if_mutable
from chancery.core.schema import apply, plan
from chancery.registry import COLLECTIONS


@dataclass(frozen=True, slots=True)
class SchemaSettings:
    """`mongodb_secrets`: role class → ARN of the secret with its URI; `retention`: collection → days."""

    mongodb_secrets: str
    mongodb_database: str = "chancery"
    retention: str = "{}"


def deploy_schema(
    settings: SchemaSettings, connect: Callable[[str], Any], secret: Callable[[str], str]
) -> dict[str, Any]:
    """Brings the database to the registry, checks each role class's own credentials, puts in what all tenants share.

    Raises MutableRecords when one of them could change what is append-only: then the deployment fails.
    """
    secrets = orjson.loads(settings.mongodb_secrets)
    uris = {role_class: secret(arn) for role_class, arn in secrets.items()}
    with translated():
        with connect(uris["schema"]) as client:
            database = client[settings.mongodb_database]
            steps = plan(database, COLLECTIONS, orjson.loads(settings.retention))
            apply(database, steps)
        for uri in uris.values():
            with connect(uri) as client:
                refuse_if_mutable(client[settings.mongodb_database], COLLECTIONS)
        with connect(uris["writer"]) as client:
            default_template.install(client[settings.mongodb_database])
    done = [f"{step.kind} {step.collection}: {step.detail}" for step in steps]
    return {"Steps": str(len(done)), "Last": done[-1] if done else "nothing to do"}

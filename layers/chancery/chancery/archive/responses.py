"""How partitions and runs look from outside."""

from collections.abc import Mapping
from typing import Any, get_args

from chancery.archive.models import State
from chancery.core.mongo.client import Document
from chancery.core.web.listing import as_json

# A list leaves out the log's checkpoint, which comes with the single one.
LIST_FIELDS = (
    "tenantId",
    "month",
    "supplement",
    "state",
    "runId",
    "recordedFrom",
    "recordedTo",
    "storageClass",
    "key",
    "records",
    "rawBytes",
    "bytes",
    "seconds",
    "first",
    "last",
    "manifestSha256",
    "cost",
    "restore",
    "error",
    "createdOn",
    "updatedOn",
)
_RUN_FIELDS = (
    "state",
    "trigger",
    "createdBy",
    "dueUntil",
    "recordedTo",
    "storageClass",
    "everyTenant",
    "month",
    "toldAgain",
    "error",
    "createdOn",
    "updatedOn",
)
_SUMS = ("records", "rawBytes", "bytes", "seconds")
_COSTS = ("writingUsd", "monthlyUsd")


def partition_shown(partition: Mapping[str, Any], *, whole: bool = False) -> Document:
    """A partition as an answer has it, `whole` with its log."""
    fields = (*LIST_FIELDS, "log") if whole else LIST_FIELDS
    return {"id": partition["refId"], **{name: as_json(partition.get(name)) for name in fields}}


def run_shown(run: Mapping[str, Any], outcomes: Mapping[str, Document]) -> Document:
    """A run as an answer has it; `outcomes` are those of its partitions, by state."""
    counts = {state: outcomes[state]["count"] if state in outcomes else 0 for state in get_args(State)}
    return {
        "id": run["refId"],
        "tenantId": run["tenant"],
        **{name: as_json(run.get(name)) for name in _RUN_FIELDS},
        "partitions": {**counts, "total": sum(counts.values())},
        **{name: sum(outcome[name] for outcome in outcomes.values()) for name in _SUMS},
        "cost": {name: round(sum(outcome[name] for outcome in outcomes.values()), 9) for name in _COSTS},
    }

"""The leaf of a record: a compact commitment to its digest, recordedOn and refId."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from chancery.tlog.timestamps import to_rfc3339

Leaf = Mapping[str, str]  # digest, recordedOn, refId


def leaf_entry(record: Mapping[str, Any]) -> bytes:
    """The RFC 8785 form of a record's digest, recordedOn (text or datetime) and refId, all plain ASCII."""
    recorded_on = record["recordedOn"]
    stamp = to_rfc3339(recorded_on) if isinstance(recorded_on, datetime) else recorded_on
    return orjson.dumps({"digest": record["digest"], "recordedOn": stamp, "refId": record["refId"]})

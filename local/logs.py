"""Logs of a laptop begin anew with every emulator: its S3 and its signing key end with its process."""

from itertools import batched
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from chancery.sealing.outbox import Outbox
from local.deploy import ORIGIN

_RECORDS = 250  # an outbox entry


def begin_logs_anew(uri: str, database: str) -> int:
    """Has every record sealed again whose log was this laptop's and is gone; how many logs. Touches no other log."""
    with MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        heads = client[database].audit_tree_heads.find()
        found = [head for head in heads if (head.get("checkpoint") or "").startswith(f"{ORIGIN}/")]
        for head in found:
            _forget(client[database], head["tenantId"])
        return len(found)


def _forget(database: Database[dict[str, Any]], tenant_id: str | None) -> None:
    own = {"tenantId": tenant_id}
    for name in ("audit_leaves", "audit_outbox", "audit_fsck_states", "audit_tree_heads"):
        database[name].delete_many(own)
    fields = {"tenantId": 1, "refId": 1, "digest": 1, "recordedOn": 1}
    outbox, records = Outbox(database), database.audit_logs.find(own, fields).sort("refId", 1)
    with database.client.start_session() as session:
        for batch in batched(records, _RECORDS, strict=False):
            outbox.add(batch, session)

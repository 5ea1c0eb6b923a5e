"""Forgets files that ended with the emulator: its S3 and its keys live as long as its process."""

from datetime import UTC, datetime
from itertools import batched
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from chancery.sealing.outbox import Outbox
from local.deploy import ORIGIN

_RECORDS = 250  # an outbox entry
_OWN_LOG = {"$regex": f"^{ORIGIN}/"}  # a checkpoint begins with its origin
_LOST = {
    "state": "failed",
    "error": "The file was lost when the emulator stopped; archive the month again.",
    **dict.fromkeys(("first", "last", "uploadId", "log", "versions", "manifestSha256", "indexSha256", "cost")),
    **dict.fromkeys(("records", "bytes", "rawBytes"), 0),
}


def forget_files(uri: str, database: str) -> None:
    """Has the records of this laptop's logs sealed again, and its archived months archived again by the next run.

    Touches no other deployment's logs and archives.
    """
    with MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        for head in client[database].audit_tree_heads.find({"checkpoint": _OWN_LOG}):
            _begin_log_anew(client[database], head["tenantId"])
        _fail_archives(client[database])


def _begin_log_anew(database: Database[dict[str, Any]], tenant_id: str | None) -> None:
    own = {"tenantId": tenant_id}
    for name in ("audit_leaves", "audit_outbox", "audit_fsck_states", "audit_tree_heads"):
        database[name].delete_many(own)
    fields = {"tenantId": 1, "refId": 1, "digest": 1, "recordedOn": 1}
    outbox, records = Outbox(database), database.audit_logs.find(own, fields).sort("refId", 1)
    with database.client.start_session() as session:
        for batch in batched(records, _RECORDS, strict=False):
            outbox.add(batch, session)


def _fail_archives(database: Database[dict[str, Any]]) -> None:
    """Months become failed. Supplements are forgotten: the next runs find their records to be missing."""
    lost = {"state": "archived", "log.checkpoint": _OWN_LOG}
    supplements = database.archive_partitions.distinct("refId", {**lost, "supplement": {"$gt": 0}})
    database.archive_partitions.delete_many({"refId": {"$in": supplements}})
    database.archive_restores.delete_many({"partitionId": {"$in": supplements}})
    moved = {"$set": {**_LOST, "updatedOn": datetime.now(UTC)}, "$inc": {"version": 1}}
    database.archive_partitions.update_many(lost, moved)

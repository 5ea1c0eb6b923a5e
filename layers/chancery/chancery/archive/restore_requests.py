"""Requests to restore an archived month from Glacier."""

from dataclasses import dataclass

from chancery.archive.archives import to_response
from chancery.archive.bucket import ArchiveBucket
from chancery.archive.models import RestoreRequest
from chancery.archive.month_selection import is_archived
from chancery.archive.restores import RestoreStore
from chancery.archive.store import ArchiveStore
from chancery.core.aws.queue import ItemRef, Queue
from chancery.core.errors import Conflict
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import base_of
from chancery.core.web.answers import Answer
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.core.web.request import Call
from chancery.core.web.validation import wrong_query


@dataclass(frozen=True, slots=True)
class RestoreRequests:
    """Takes requests for restores; each is audited. `queue` has restores worked on."""

    store: ArchiveStore
    restores: RestoreStore
    bucket: ArchiveBucket
    queue: Queue
    keys: IdempotencyKeys
    trail: Trail

    def request(self, call: Call[None, RestoreRequest]) -> Answer:
        """202 with the partition and its restore; while one is under way, another request changes nothing.

        S3 is asked before the restore is stored, so that every stored restore is one that S3 knows of. Raises
        NotFound, Conflict.
        """
        return self.keys.once(call.request, lambda _: self._request(call.principal, call.path["id"], call.body))

    def _request(self, principal: Principal, ref_id: str, wanted: RestoreRequest) -> Answer:
        partition = self.store.get({**principal.read_scope().filter, "refId": ref_id})
        scope = principal.read_scope("null" if partition["tenantId"] is None else partition["tenantId"])
        details = {"tier": wanted.tier, "days": wanted.days}
        self.trail.record(principal, scope, "archive.restore_requested", ref_id, details, always=True)
        _check(partition, wanted)
        restore = self.restores.active(partition) or self._restore(partition, principal, scope, wanted)
        return Answer(202, to_response(partition, restore, whole=True))

    def _restore(
        self, partition: Document, principal: Principal, scope: TenantScope, wanted: RestoreRequest
    ) -> Document:
        is_there = self.bucket.restore(partition["key"], wanted.tier, wanted.days)
        new = {
            **base_of(principal, scope, self.restores.clock),
            "partitionId": partition["refId"],
            "tier": wanted.tier,
            "days": wanted.days,
            "state": "requested",
            "progress": None,
            "records": 0,
        }
        restore = self.restores.add(new)
        if restore is None:
            first = self.restores.active(partition)
            if first is None:
                raise Conflict("Another restore of the archive has just ended; try again.")
            return first
        if is_there:  # else S3's event follows
            self.queue.send(ItemRef.of(restore).to_message())
        return restore


def _check(partition: Document, wanted: RestoreRequest) -> None:
    """Raises Conflict, and ValidationFailed for a tier that the storage class does not have."""
    if not is_archived(partition):
        raise Conflict(f"The month is not archived yet: its state is {partition['state']}.")
    if wanted.tier == "Expedited" and partition["storageClass"] == "DEEP_ARCHIVE":
        raise wrong_query("/tier", "does not exist for DEEP_ARCHIVE; choose Standard or Bulk")

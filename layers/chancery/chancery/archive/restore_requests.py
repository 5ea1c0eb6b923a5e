"""Asking for an archived month back from Glacier."""

from collections.abc import Callable
from dataclasses import dataclass

from chancery.archive.bucket import ArchiveBucket
from chancery.archive.month_selection import is_archived
from chancery.archive.queries import RestoreRequest
from chancery.archive.responses import partition_shown
from chancery.archive.store import ArchiveStore
from chancery.core.errors import Conflict
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import ADMINS
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.idempotency import Answer, IdempotencyKeys
from chancery.core.web.request import Request
from chancery.core.web.validation import parse, wrong_query


@dataclass(frozen=True, slots=True)
class Restores:
    """Takes requests for restores; super_admin only, and each is audited. `tell` has a restore worked on."""

    store: ArchiveStore
    bucket: ArchiveBucket
    keys: IdempotencyKeys
    trail: Trail
    tell: Callable[[Document], None]

    def request(self, request: Request, ref_id: str) -> Answer:
        """202 with the partition, on its way back. While it is, another request changes nothing.

        S3 is asked before the partition is marked: so nothing is marked that S3 does not know of. Raises NotFound,
        Conflict.
        """
        principal = request.caller
        principal.require(ADMINS)
        wanted = parse(RestoreRequest, request.json())
        return self.keys.once(request, lambda _: self._request(principal, ref_id, wanted))

    def _request(self, principal: Principal, ref_id: str, wanted: RestoreRequest) -> Answer:
        partition = self.store.get({**principal.read_scope().filter, "refId": ref_id})
        scope = principal.read_scope("null" if partition["tenantId"] is None else partition["tenantId"])
        details = {"tier": wanted.tier, "days": wanted.days}
        self.trail.record(principal, scope, "archive.restore_requested", ref_id, details, always=True)
        _check(partition, wanted)
        if partition["state"] != "restoring":
            partition = self._restore(partition, principal, wanted)
        return Answer(202, partition_shown(partition, whole=True))

    def _restore(self, partition: Document, principal: Principal, wanted: RestoreRequest) -> Document:
        is_there = self.bucket.restore(partition["key"], wanted.tier, wanted.days)
        restore = {"requestedBy": principal.subject, "requestedOn": self.store.clock(), "records": 0}
        restore |= {"tier": wanted.tier, "days": wanted.days}
        moved = self.store.advance(partition, state="restoring", restore=restore, restoring=None, error=None)
        if moved is None:
            moved = self.store.get({"tenantId": partition["tenantId"], "refId": partition["refId"]})
            if moved["state"] != "restoring":
                raise Conflict("The archive is being worked on; try again.")
        elif is_there:
            self.tell(moved)
        return moved


def _check(partition: Document, wanted: RestoreRequest) -> None:
    """Raises Conflict, and ValidationFailed for a tier that the storage class has not."""
    if not is_archived(partition):
        raise Conflict(f"The month is not archived yet: its state is {partition['state']}.")
    if wanted.tier == "Expedited" and partition["storageClass"] == "DEEP_ARCHIVE":
        raise wrong_query("/tier", "is not there for DEEP_ARCHIVE; choose Standard or Bulk")

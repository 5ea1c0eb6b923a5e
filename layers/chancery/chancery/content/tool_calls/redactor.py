"""The queue of tool calls with uploads: each upload is checked, redacted, stored as the call's body, and emptied.

An upload is held whole in memory, once; docs/adr/0016 has the memory that it needs.
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import ClassVar

from chancery.content.tool_calls.body_store import CallBodies, owner_of, upload_key
from chancery.content.tool_calls.models import PARTS, Part
from chancery.content.tool_calls.uploads import Uploads
from chancery.core.aws.queue import ItemRef, Message, Queue
from chancery.core.aws.work_loop import Delivery
from chancery.core.body_redaction import redact_bytes
from chancery.core.detectors import Detectors
from chancery.core.errors import NotFound, ValidationFailed
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository
from chancery.core.observability import count, logger

_OVERDUE = timedelta(minutes=30)  # pending for so long: its message may be lost, or a dead letter
_MOST_SENT = 100  # messages of one sweep


class _Unusable(Exception):
    """An upload that cannot become a body; the text has the reason."""


@dataclass(frozen=True, slots=True)
class UploadRedactor:
    """Turns uploads into bodies; one call a message."""

    documents: Repository
    bodies: CallBodies
    uploads: Uploads
    queue: Queue
    detectors: Detectors

    name: ClassVar[str] = "tool-uploads"
    rescheduled: ClassVar[bool] = True  # `sweep` sends again for calls that stay pending

    def parse(self, message: Message) -> ItemRef:
        """The call that a message is about."""
        return ItemRef.parse(message)

    def work(self, call_ref: ItemRef, delivery: Delivery) -> None:
        """Stores the bodies of a call's uploads; nothing where that has been done. Raises NotFound, Unavailable."""
        call = self._get(call_ref)
        pending = _unfinished(call, delivery)
        if not pending:
            return
        changes: Document = {}
        for part in pending:
            changes |= self._stored(call, part)
        if self._finish(call, changes):
            count("UploadsStored", len(pending))
        for part in pending:
            self.bodies.objects.blank(upload_key(call["tenantId"], call[f"{part}Location"]["uploadId"]))

    def failed(self, call_ref: ItemRef, reason: str) -> None:
        """Marks the pending bodies of a call as failed; the bucket's lifecycle deletes the uploads."""
        call = self._get(call_ref)
        if call.get("pendingSince"):
            self._finish(call, {part: _failed(call, part, reason) for part in _in_state(call, "pending")})

    def sweep(self) -> dict[str, int]:
        """Sends a message again for calls that have been pending for long: `{pending}`."""
        overdue = {"pendingSince": {"$lt": self.documents.clock() - _OVERDUE}}
        found = self.documents.page(overdue, fields=("tenantId", "refId"), descending=False, limit=_MOST_SENT)
        for call in found:
            self.queue.send(ItemRef.of(call).to_message())
        return {"pending": len(found)}

    def _get(self, call_ref: ItemRef) -> Document:
        call = self.documents.get(call_ref.query)
        if call is None:
            raise NotFound("There is no such tool call.")
        return call

    def _finish(self, call: Document, changes: Document) -> bool:
        return self.documents.change(call, **changes, pendingSince=None, updatedOn=self.documents.clock())

    def _stored(self, call: Document, part: Part) -> Document:
        tenant_id, upload_id = call["tenantId"], call[f"{part}Location"]["uploadId"]
        try:
            clean = redact_bytes(self._uploaded(tenant_id, upload_id), self.detectors.of(tenant_id))
            fields = self.bodies.store(owner_of(call, part), clean)
        except (_Unusable, ValidationFailed) as exc:
            reason = exc.errors[0].detail if isinstance(exc, ValidationFailed) else str(exc)
            return {part: _failed(call, part, reason)}
        fields[f"{part}Location"]["uploadId"] = upload_id
        return fields

    def _uploaded(self, tenant_id: str, upload_id: str) -> bytes:
        """The upload, if its length and hash are the announced ones. Raises _Unusable."""
        key = upload_key(tenant_id, upload_id)
        announced, size = self.uploads.find(tenant_id, upload_id), self.bodies.objects.size(key)
        if announced is None or size is None:
            raise _Unusable("was not redacted before it expired")
        if size == announced["bytes"]:
            found = self.bodies.objects.read(key)
            if found is not None and sha256(found[0]).hexdigest() == announced["sha256"]:
                return found[0]
        raise _Unusable("is not the body that was announced")


def _unfinished(call: Document, delivery: Delivery) -> list[Part]:
    """The pending bodies of a call; those that have failed, where the call is redriven."""
    if call.get("pendingSince"):
        return _in_state(call, "pending")
    failed = _in_state(call, "failed")
    return failed if failed and delivery.is_redrive_of(call) else []


def _in_state(call: Document, state: str) -> list[Part]:
    return [part for part in PARTS if call.get(part, {}).get("state") == state]


def _failed(call: Document, part: Part, reason: str) -> Document:
    """A body that will never be there."""
    count("UploadsFailed")
    logger.warning("UPLOAD_FAILED", ref_id=call["refId"], reason=reason)
    return {"state": "failed", "bytes": call[part]["bytes"], "reason": reason}

"""The queue of calls with uploads: each upload is checked, redacted, stored as the call's body, and deleted.

An upload is held whole in memory, once; see docs/adr for what that takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson

from chancery.content.tool_calls.body_store import CallBodies, place_of, upload_key
from chancery.content.tool_calls.byte_stream import redact_bytes
from chancery.content.tool_calls.models import PARTS, Part
from chancery.content.tool_calls.recorder import message_of
from chancery.content.tool_calls.uploads import Uploads
from chancery.core.aws.queue import Queue
from chancery.core.errors import ChanceryError, ValidationFailed
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository
from chancery.core.observability import count, logger

_FORGOTTEN = timedelta(minutes=30)  # pending for so long: its message may be lost, or lie among the dead letters
_TOLD_AT_ONCE = 100


class _Unusable(Exception):
    """An upload that can never become a body; says why."""


@dataclass(frozen=True, slots=True)
class UploadRedactor:
    """Makes bodies of uploads."""

    documents: Repository
    bodies: CallBodies
    uploads: Uploads
    queue: Queue

    def consume(self, messages: Sequence[Mapping[str, Any]]) -> list[str]:
        """Redacts what SQS `messages` name; the ids of those to deliver again (`batchItemFailures`)."""
        left = []
        for message in messages:
            try:
                self.redact(orjson.loads(message["body"]))
            except ChanceryError as exc:
                logger.warning("REDACTION_DEFERRED", reason=exc.detail)
                left.append(message)
        if left:
            self.queue.pause(left)
        return [message["messageId"] for message in left]

    def sweep(self) -> dict[str, int]:
        """Tells again of calls that have been pending for long: `{pending}`."""
        forgotten = {"pendingSince": {"$lt": self.documents.clock() - _FORGOTTEN}}
        found = self.documents.page(forgotten, fields=("tenantId", "refId"), descending=False, limit=_TOLD_AT_ONCE)
        for call in found:
            self.queue.send(message_of(call))
        return {"pending": len(found)}

    def redact(self, named: Mapping[str, Any]) -> None:
        """Stores the bodies of a call's uploads; nothing where that has been done. Raises Unavailable."""
        call = self.documents.get({"tenantId": named["tenantId"], "refId": named["refId"]})
        if call is None or not call.get("pendingSince"):
            return
        pending = [part for part in PARTS if call.get(part, {}).get("state") == "pending"]
        changes: Document = {}
        for part in pending:
            changes |= self._stored(call, part)
        moment = self.documents.clock()
        if self.documents.change(call, **changes, pendingSince=None, updatedOn=moment):
            count("UploadsStored", len(pending))
        for part in pending:
            self.bodies.objects.delete(upload_key(call["tenantId"], call[f"{part}Kept"]["uploadId"]))

    def _stored(self, call: Document, part: Part) -> Document:
        upload_id = call[f"{part}Kept"]["uploadId"]
        try:
            fields = self.bodies.keep(place_of(call, part), redact_bytes(self._uploaded(call["tenantId"], upload_id)))
        except (_Unusable, ValidationFailed) as exc:
            reason = exc.errors[0].detail if isinstance(exc, ValidationFailed) else str(exc)
            count("UploadsFailed")
            logger.warning("UPLOAD_FAILED", ref_id=call["refId"], reason=reason)
            return {part: {"state": "failed", "bytes": call[part]["bytes"], "reason": reason}}
        fields[f"{part}Kept"]["uploadId"] = upload_id
        return fields

    def _uploaded(self, tenant_id: str, upload_id: str) -> bytes:
        """What was uploaded, if it is what was announced."""
        key = upload_key(tenant_id, upload_id)
        announced, size = self.uploads.find(tenant_id, upload_id), self.bodies.objects.size(key)
        if announced is None or size is None:
            raise _Unusable("was not redacted before it expired")
        if size == announced["bytes"]:
            found = self.bodies.objects.read(key)
            if found is not None and sha256(found[0]).hexdigest() == announced["sha256"]:
                return found[0]
        raise _Unusable("is not the body that was announced")

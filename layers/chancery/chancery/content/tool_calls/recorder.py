"""Stores tool calls from HTTP and the bus, each once, however often it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chancery.content.tool_calls.body_store import CallBodies, digest_of, owner_of
from chancery.content.tool_calls.ingest import ParsedToolCall
from chancery.content.tool_calls.models import PARTS, Part
from chancery.content.tool_calls.uploads import Uploads
from chancery.core.aws.queue import ItemRef, Queue
from chancery.core.body_redaction import RedactedBody
from chancery.core.errors import FieldError, Unavailable, ValidationFailed
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository
from chancery.core.observability import count
from chancery.core.web.listing import as_json

_SAME = ("toolCallId", "activityRunId", "toolName", "method", "sensitive")
_RECEIPT = ("refId", "createdOn", "input", "output")


@dataclass(frozen=True, slots=True)
class ToolCallRecorder:
    """Stores tool calls. `queue`: of uploads to redact."""

    documents: Repository
    bodies: CallBodies
    uploads: Uploads
    queue: Queue

    def record(self, base: Document, parsed: ParsedToolCall, event_id: str) -> Document:
        """Stores a call (`base`: fields of `documents.Base`), bodies first; the one that is stored, new or not.

        Raises ValidationFailed where the event id was used for another call, or an upload cannot be used; Unavailable.
        """
        known = self.documents.get({"tenantId": base["tenantId"], "eventId": event_id})
        call = known or self._new(base, parsed, event_id)
        if known is None and not self.documents.add(call):
            known = self.documents.get({"tenantId": base["tenantId"], "eventId": event_id})
            if known is None:
                raise Unavailable("The call is still being stored; try again.")
            call = known
        if known is not None and not _is_same(known, parsed):
            detail = "was used for another tool call; send a new one"
            raise ValidationFailed(
                "The tool call was recorded before with other content.", errors=[FieldError("/eventId", detail)]
            )
        if call.get("pendingSince"):
            self.queue.send(ItemRef.of(call).to_message())
        count("ToolCallsRepeated" if known else "ToolCallsStored")
        return call

    def _new(self, base: Document, parsed: ParsedToolCall, event_id: str) -> Document:
        request = parsed.request
        call: Document = {**base, "version": 1, "eventId": event_id, "sensitive": request.sensitive}
        call |= {"toolCallId": request.tool_call_id, "activityRunId": request.activity_run_id}
        call |= {"toolName": request.tool_name} | ({"method": request.method} if request.method else {})
        for part, upload_id in parsed.uploads.items():
            upload = self.uploads.claim(call["tenantId"], upload_id, event_id, f"/{part}UploadId")
            call[part] = {"state": "pending", "bytes": upload["bytes"]}
            call[f"{part}Location"] = {"uploadId": upload_id}
            call["pendingSince"] = call["createdOn"]
        for part, body in parsed.bodies.items():
            call |= self.bodies.store(owner_of(call, part), body)
        return call


def _is_same(known: Mapping[str, Any], parsed: ParsedToolCall) -> bool:
    """Whether a stored call is the one that was sent; of sensitive bodies only the length is compared."""
    request = parsed.request.model_dump(by_alias=True)
    return all(known.get(name) == request[name] for name in _SAME) and all(
        _is_same_body(known, part, parsed.bodies.get(part), parsed.uploads.get(part)) for part in PARTS
    )


def _is_same_body(known: Mapping[str, Any], part: Part, body: RedactedBody | None, upload: str | None) -> bool:
    description: Mapping[str, Any] | None = known.get(part)
    if known.get(f"{part}Location", {}).get("uploadId") != upload:
        return False
    if upload or description is None or body is None:
        return bool(upload) or (description is None and body is None)
    return bool(description["bytes"] == len(body) and description.get("sha256") in (None, digest_of(body)))


def receipt(call: Mapping[str, Any]) -> dict[str, Any]:
    """The receipt of a stored call: `{refId, createdOn, input, output}`."""
    return {name: as_json(call[name]) for name in _RECEIPT if name in call}

"""`POST /v1/tool-calls` and `POST /v1/tool-calls/uploads`."""

from dataclasses import dataclass
from typing import Any

from chancery.content.tool_calls.ingest import parse_tool_call
from chancery.content.tool_calls.models import UploadRequest
from chancery.content.tool_calls.recorder import ToolCallRecorder, receipt
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.repository import base_of
from chancery.core.redaction import may_hold_credentials
from chancery.core.web.answers import Answer
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.quotas import Quotas
from chancery.core.web.request import Call


@dataclass(frozen=True, slots=True)
class ToolCallSubmission:
    """Records tool calls and announces uploads for HTTP callers."""

    recorder: ToolCallRecorder
    keys: IdempotencyKeys
    quotas: Quotas
    trail: Trail

    def record(self, call: Call[None, Any]) -> Answer:
        """201 with the receipt of a call. Raises ValidationFailed naming every wrong field."""
        principal, request = call.principal, call.request
        using = request.detector_for(call.body.get("tenantId") if isinstance(call.body, dict) else None)
        suspicious = may_hold_credentials(request.body.decode())
        parsed = parse_tool_call(call.body, search_values=suspicious, using=using)
        sent = parsed.request
        scope = principal.tenant_scope(sent.tenant_id)
        self.trail.record(principal, scope, "tool_call.recorded")

        def work(claim: Claim) -> Answer:
            base = base_of(principal, scope, self.recorder.documents.clock)
            own = {"traceId": sent.trace_id, "correlationId": sent.correlation_id}
            base |= {name: value for name, value in own.items() if value is not None}
            event_id = sent.event_id or claim.event_id() or base["refId"]
            stored = self.recorder.record(base, parsed, event_id)
            return Answer(201, receipt(stored), {"Location": f"/v1/tool-calls/{stored['refId']}"})

        return self.keys.once(request, work)

    def begin_upload(self, call: Call[None, UploadRequest]) -> Answer:
        """201 with `{id, method, url, headers}`; a repetition has the same upload, and a fresh link.

        Raises QuotaExceeded.
        """
        principal, uploads = call.principal, self.recorder.uploads
        scope = principal.tenant_scope(call.body.tenant_id)
        self.trail.record(principal, scope, "tool_call.upload_begun")

        def work(_: Claim) -> Answer:
            self.quotas.take(scope.tenant_id, "uploads", call.body.bytes)
            begun = uploads.begin(base_of(principal, scope, uploads.documents.clock), call.body)
            return Answer(201, {"id": begun["refId"]})

        done = self.keys.once(call.request, work)
        return Answer(201, uploads.to_response(uploads.get(str(scope.tenant_id), done.body["id"])))

"""`POST /v1/tool-calls` and `/v1/tool-calls/uploads`, from an authorized caller."""

from dataclasses import dataclass

from chancery.content.tool_calls.ingest import take
from chancery.content.tool_calls.models import UploadRequest
from chancery.content.tool_calls.recorder import ToolCallRecorder, receipt
from chancery.core.identity.roles import WRITERS
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.repository import base_of
from chancery.core.redaction import may_hold_credentials
from chancery.core.web.idempotency import Answer, Claim, IdempotencyKeys
from chancery.core.web.request import Request
from chancery.core.web.validation import parse


@dataclass(frozen=True, slots=True)
class ToolCallSubmission:
    """Answers the POSTs of tool calls."""

    recorder: ToolCallRecorder
    keys: IdempotencyKeys
    trail: Trail

    def record(self, request: Request) -> Answer:
        """201 with the receipt of a call."""
        principal = request.caller
        principal.require(WRITERS)
        taken = take(request.json(), search_values=may_hold_credentials(request.body.decode()))
        wanted = taken.request
        scope = principal.tenant_scope(wanted.tenant_id)
        self.trail.record(principal, scope, "tool_call.recorded")

        def work(claim: Claim) -> Answer:
            base = base_of(principal, scope, self.recorder.documents.clock)
            own = {"traceId": wanted.trace_id, "correlationId": wanted.correlation_id}
            base |= {name: value for name, value in own.items() if value is not None}
            event_id = wanted.event_id or claim.event_id() or base["refId"]
            stored = self.recorder.record(base, taken, event_id)
            return Answer(201, receipt(stored), {"Location": f"/v1/tool-calls/{stored['refId']}"})

        return self.keys.once(request, work)

    def begin_upload(self, request: Request) -> Answer:
        """201 with `{id, method, url, headers}`; a repetition has the same upload, and a fresh link."""
        principal = request.caller
        principal.require(WRITERS)
        asked = parse(UploadRequest, request.json())
        scope = principal.tenant_scope(asked.tenant_id)
        self.trail.record(principal, scope, "tool_call.upload_begun")
        uploads = self.recorder.uploads

        def work(_: Claim) -> Answer:
            begun = uploads.begin(base_of(principal, scope, uploads.documents.clock), asked)
            return Answer(201, {"id": begun["refId"]})

        done = self.keys.once(request, work)
        return Answer(201, uploads.shown(uploads.get(str(scope.tenant_id), done.body["id"])))

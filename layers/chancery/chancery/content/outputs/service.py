"""Activity outputs: created as drafts, decided on, published; a step that cannot be audited does not happen."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from pymongo.client_session import ClientSession

from chancery.content.large_text import LargeTexts
from chancery.content.outputs.counting import characters, platform_counts, words
from chancery.content.outputs.models import (
    NEXT,
    Decision,
    DraftMetadata,
    OutputRequest,
    OutputSearch,
    Publication,
    Status,
)
from chancery.core.errors import Conflict, NotFound, ValidationFailed
from chancery.core.formats.json_limits import problems
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import DocumentReader, Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository, base_of
from chancery.core.web.answers import Answer
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.listing import to_response
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice

Verb = Literal["approve", "reject", "publish"]
_STEPS: dict[Verb, tuple[Status, str]] = {
    "approve": ("approved", "activity.approved"),
    "reject": ("rejected", "activity.rejected"),
    "publish": ("published", "deliverable.published"),
}
_INTERNAL = frozenset(("requestKey", "decisionKey"))
InTransaction = Callable[[Callable[[ClientSession], Document]], Document]


@dataclass(frozen=True, slots=True)
class ActivityOutputs:
    """Writes and reads activity outputs. `in_transaction` is `mongo.in_transaction` of their database."""

    documents: Repository
    texts: LargeTexts
    keys: IdempotencyKeys
    trail: Trail
    reader: DocumentReader
    in_transaction: InTransaction

    def create(self, call: Call[None, OutputRequest]) -> Answer:
        """201 with the new draft, without its content. Raises ValidationFailed, TooLarge, Forbidden."""
        principal, output = call.principal, call.body
        metadata = _metadata(output.content, output.metadata)
        scope = principal.tenant_scope(output.tenant_id)
        return self.keys.once(call.request, partial(self._create, principal, scope, output, metadata))

    def approve(self, call: Call[None, Decision]) -> Answer:
        """200 with the approved output. Raises Conflict unless it is a draft, NotFound."""
        return self._decide(call, "approve")

    def reject(self, call: Call[None, Decision]) -> Answer:
        """200 with the rejected output. Raises Conflict unless it is a draft, NotFound."""
        return self._decide(call, "reject")

    def publish(self, call: Call[None, Publication]) -> Answer:
        """200 with the published output. Raises Conflict unless it is approved, NotFound."""
        return self._decide(call, "publish")

    def search(self, call: Call[OutputSearch]) -> Document:
        """`{items, nextCursor}`, newest first, without content and metadata."""
        return self.reader.page(call.principal, call.query, call.query.filters())

    def get(self, call: Call[TenantChoice]) -> Document:
        """One whole output. Raises NotFound."""
        found = self.texts.load(self.reader.get(call.principal, call.path["refId"], call.query.tenant_id))
        return to_response({name: value for name, value in found.items() if name not in _INTERNAL})

    def _create(
        self, principal: Principal, scope: TenantScope, request: OutputRequest, metadata: Document, claim: Claim
    ) -> Answer:
        key = claim.request_id
        if key and (first := self.documents.get({**scope.filter, "requestKey": key})):
            return self._answer(first, 201)
        output = {
            **base_of(principal, scope, self.documents.clock),
            **({"requestKey": key} if key else {}),
            "activityId": request.activity_id,
            "activityRunId": request.activity_run_id,
            "type": request.type,
            "status": "draft",
            "content": request.content,
            "metadata": metadata,
            "wordCount": metadata["wordCount"],
            "charCount": characters(request.content),
            "version": 1,
        }
        stored = self.texts.store(scope.tenant_id, output, "content")
        return self._answer(self.in_transaction(partial(self._add, principal, scope, stored)), 201)

    def _add(self, principal: Principal, scope: TenantScope, output: Document, session: ClientSession) -> Document:
        if not self.documents.add(output, session):
            raise Conflict("This request is being carried out; repeat it in a moment for its answer.")
        details = {"activityId": output["activityId"], "type": output["type"], "words": output["wordCount"]}
        self.trail.record(principal, scope, "activity_output.created", output["refId"], details, always=True)
        return output

    def _decide(self, call: Call[None, Decision] | Call[None, Publication], verb: Verb) -> Answer:
        def work(claim: Claim) -> Answer:
            move = partial(self._move, call, verb, claim.request_id)
            return self._answer(self.in_transaction(move), 200)

        return self.keys.once(call.request, work)

    def _move(
        self,
        call: Call[None, Decision] | Call[None, Publication],
        verb: Verb,
        key: str | None,
        session: ClientSession,
    ) -> Document:
        """Reads and changes the output in one transaction, so that of two callers the second finds the new state."""
        target, action = _STEPS[verb]
        principal, ref_id = call.principal, call.path["refId"]
        scope = principal.read_scope()
        fields = (*self.documents.declared.list_fields, "decisionKey")
        found = self.documents.get({**scope.filter, "refId": ref_id}, fields, session)
        if found is None:
            raise NotFound("There is no such activity output.")
        if key and found.get("decisionKey") == key:
            return found
        if target not in NEXT[found["status"]]:
            raise _not_from(found["status"], verb)
        given = call.body_for(found["tenantId"]).model_dump(by_alias=True, exclude_none=True)
        moment = self.documents.clock()
        changes = {
            **given,
            "status": target,
            f"{target}By": principal.subject,
            f"{target}On": moment,
            "updatedBy": principal.subject,
            "updatedOn": moment,
            "decisionKey": key,
        }
        if not self.documents.change(found, session, **changes):
            raise Conflict("The activity output has just been changed; look at it again.")
        scope = TenantScope(found["tenantId"], crossing=scope.crossing)
        of_activity = action.startswith("activity.")
        details = {"outputId": ref_id, "activityId": found["activityId"], "type": found["type"], **given}
        self.trail.record(
            principal, scope, action, found["activityId"] if of_activity else ref_id, details, always=True
        )
        return {**found, **changes, "version": found["version"] + 1}

    def _answer(self, output: Document, status: int) -> Answer:
        headers = {"Location": f"/v1/activity-outputs/{output['refId']}"} if status == 201 else {}
        return Answer(status, to_response(output, self.documents.declared.list_fields), headers)


def _metadata(content: str, given: DraftMetadata) -> Document:
    """The metadata as it is stored: what came, with our counts. Raises ValidationFailed."""
    metadata = given.model_dump(by_alias=True, exclude_none=True)
    if wrong := list(problems(metadata, "/metadata")):
        raise ValidationFailed("The body is not valid.", errors=wrong)
    platforms = dict.fromkeys((*(given.char_counts or ()), *filter(None, (given.platform,))))
    counted = {"charCounts": platform_counts(content, platforms)} if platforms else {}
    return {**metadata, **counted, "wordCount": words(content)}


def _not_from(status: Status, verb: Verb) -> Conflict:
    verbs = {target: name for name, (target, _) in _STEPS.items()}
    allowed = " or ".join(verbs[target] for target in NEXT[status])
    return Conflict(
        f"The activity output is {status}; to {verb} it is not possible. "
        + (f"Possible: {allowed}." if allowed else "Nothing follows after that; create a new one.")
    )

"""Requests of callers: begin a call, read it, have it tried again, cancel it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chancery.core.aws.queue import ItemRef
from chancery.core.aws.sealed_values import Seals
from chancery.core.errors import Conflict, Unavailable
from chancery.core.formats.identifiers import new_ref_id, ref_id_of_name
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import SENSITIVE_READERS
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import base_of
from chancery.core.web.answers import Answer
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.listing import to_response
from chancery.core.web.preferences import ended_within, preferred_wait
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice
from chancery.integrations.calls.attempts import call_id_of
from chancery.integrations.calls.machine import (
    ACTIVE,
    CallState,
    CancelRequested,
    NotPossible,
    RetryRequested,
    step,
)
from chancery.integrations.calls.models import CALL_FIELDS, CallChoice, CallRequest, CallSearch
from chancery.integrations.calls.ports import Messages, Targets
from chancery.integrations.calls.store import CallStore, StaleCall, fields_of, state_of
from chancery.integrations.registry.models import Target
from chancery.integrations.registry.requests import prepare

_TRIES = 5


@dataclass(frozen=True, slots=True)
class ManagedCalls:
    """Begins calls and answers for them. `sleep`: waits for a call's worker."""

    store: CallStore
    targets: Targets
    seals: Seals
    queue: Messages
    keys: IdempotencyKeys
    reader: DocumentReader
    sleep: Callable[[float], None] = time.sleep

    def request(self, call: Call[None, CallRequest]) -> Answer:
        """202 with the call; 200 with its result where it ends while the caller waits (`Prefer: wait=10`, RFC 7240).

        Raises NotFound, Conflict for a disabled endpoint, ValidationFailed, Unavailable.
        """
        principal, given = call.principal, call.body
        scope = principal.tenant_scope(given.tenant_id)
        self.reader.trail.record(principal, scope, "integration_call.requested")
        target = self.targets.target(str(scope.tenant_id), call.path["system"], call.path["endpoint"])
        _require_sendable(target, given)

        def work(claim: Claim) -> Answer:
            stored = self._begin(principal, scope, target, given, claim)
            where = {"Location": f"/v1/integrations/calls/{stored['refId']}"}
            return Answer(202, _answered(stored), where)

        begun = self.keys.once(call.request, work)
        return self._waited(call, begun, scope)

    def search(self, call: Call[CallSearch]) -> dict[str, Any]:
        """`{items, nextCursor}`: calls without requests and results, newest first."""
        return self.reader.page(call.principal, call.query, call.query.filters())

    def get(self, call: Call[TenantChoice]) -> dict[str, Any]:
        """One call; with its result for those who may read what is encrypted. Raises NotFound."""
        principal, ref_id = call.principal, call.path["requestId"]
        has_result = principal.role in SENSITIVE_READERS
        found = self.reader.get(principal, call_id_of(ref_id), call.query.tenant_id, always=has_result)
        return _answered(found) | (self._result(found) if has_result else {})

    def retry(self, call: Call[None, CallChoice]) -> Answer:
        """202 with the call, which has as many attempts again, at once. Raises NotFound, Conflict."""
        found, scope = self._find(call)
        target = self.targets.target(found["tenantId"], found["systemCode"], found["endpointCode"])
        if not target.is_enabled:
            raise Conflict("The endpoint is disabled.")
        if found["status"] not in ACTIVE and "request" not in found:
            raise Conflict("The call has succeeded; its request is not stored any more.")

        def event() -> RetryRequested:
            now = self.store.clock()
            deadline = now + timedelta(seconds=target.deadline_seconds)
            return RetryRequested(now, target.retry_policy.max_attempts, deadline)

        self._audit(call, scope, found, "retried")
        changed = self._change(found, event)
        self.queue.send(ItemRef.of(changed).to_message())
        return Answer(202, _answered(changed))

    def cancel(self, call: Call[None, CallChoice]) -> Answer:
        """202 with the call, which makes no further attempt. Raises NotFound, Conflict where it has ended."""
        found, scope = self._find(call)
        self._audit(call, scope, found, "cancelled")
        return Answer(202, _answered(self._change(found, CancelRequested)))

    # ---- a new call

    def _begin(
        self, principal: Principal, scope: TenantScope, target: Target, given: CallRequest, claim: Claim
    ) -> Document:
        """Stores a call and has it worked on; a repetition of the request finds the same call."""
        clock = self.store.clock
        ref_id = ref_id_of_name(f"call {claim.request_id}") if claim.request_id else new_ref_id()
        base = base_of(principal, scope, clock, ref_id)
        now, user = clock(), given.user_id or principal.subject
        deadline = now + timedelta(seconds=target.deadline_seconds)
        state = CallState("waiting", 0, target.retry_policy.max_attempts, now, deadline)
        sent = {"body": given.body, "pathParameters": given.path_parameters, "query": given.query}
        document = {
            **base,
            "version": 1,
            "systemCode": target.system.code,
            "endpointCode": target.endpoint.code,
            "actor": {"userId": user, "triggeredBy": principal.subject},
            "request": self.seals.seal(base, sent),
            **fields_of(state),
        }
        if context := given.context.model_dump(by_alias=True, exclude_none=True):
            document["context"] = context
        if not self.store.add(document):
            return self.store.get(ItemRef.of(document))
        self.queue.send(ItemRef.of(document).to_message())
        return document

    def _waited(self, call: Call[None, CallRequest], begun: Answer, scope: TenantScope) -> Answer:
        """The answer after the time for which the caller wants to wait, or sooner where the call has ended."""
        seconds = preferred_wait(call.request.headers, call.remaining_ms())
        if seconds is None:
            return begun
        item = ItemRef(scope.tenant_id, begun.body["refId"])
        headers = {**begun.headers, "Preference-Applied": f"wait={seconds}"}
        try:
            found = ended_within(seconds, lambda: self.store.get(item), _is_active, self.sleep)
            if found["status"] in ACTIVE:
                return Answer(202, _answered(found), headers)
            return Answer(200, _answered(found) | self._result(found), headers)
        except Unavailable:  # the call has begun all the same
            return begun

    # ---- a call that is there

    def _result(self, found: Document) -> dict[str, Any]:
        return {"result": self.seals.open(found, found["result"])} if "result" in found else {}

    def _find(self, call: Call[None, CallChoice]) -> tuple[Document, TenantScope]:
        scope = call.principal.write_scope(call.body.tenant_id)
        return self.store.get(ItemRef(scope.tenant_id, call_id_of(call.path["requestId"]))), scope

    def _audit(self, call: Call[None, CallChoice], scope: TenantScope, found: Document, what: str) -> None:
        details = {"systemCode": found["systemCode"], "endpointCode": found["endpointCode"]}
        self.reader.trail.record(
            call.principal, scope, f"integration_call.{what}", found["refId"], details, always=True
        )

    def _change(self, found: Document, event: Callable[[], Any]) -> Document:
        """The call after an event. Raises Conflict where that is not possible in its state."""
        for _ in range(_TRIES):
            try:
                state, _effect = step(state_of(found), event())
                return self.store.advance(found, state)
            except NotPossible as exc:
                raise Conflict(str(exc)) from None
            except StaleCall:
                found = self.store.get(ItemRef.of(found))
        raise Conflict("The call is being changed; try again.", retry_after=1)


def _require_sendable(target: Target, given: CallRequest) -> None:
    """Raises Conflict, ValidationFailed."""
    if not target.is_enabled:
        raise Conflict("The endpoint is disabled.")
    prepare(target, given, None)


def _is_active(call: Document) -> bool:
    return call["status"] in ACTIVE


def _answered(call: Document) -> dict[str, Any]:
    return {"requestId": call["refId"], **to_response(call, CALL_FIELDS)}

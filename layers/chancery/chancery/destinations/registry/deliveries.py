"""Deliveries of a destination: listing, one with its attempts, tests and replays."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chancery.core.documents import refusal_of
from chancery.core.errors import Conflict, FieldError, Unavailable, ValidationFailed
from chancery.core.formats.identifiers import new_ref_id, ref_id_of_name
from chancery.core.formats.times import to_rfc3339
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import DocumentReader, Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import base_of
from chancery.core.web.answers import Answer
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.listing import page_of, to_response
from chancery.core.web.preferences import ended_within, preferred_wait
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice
from chancery.destinations.collections import DELIVERY_FIELDS
from chancery.destinations.ports import Attempts
from chancery.destinations.registry.delivery_store import ENDED, DeliveryStore
from chancery.destinations.registry.destinations import RESOURCE, Start, start_quietly
from chancery.destinations.registry.models import DeliverySearch, ReplayRequest, TestRequest

MOST_REPLAYED = 1000  # deliveries of one request
_SEARCHED = timedelta(days=7)
_ATTEMPT_FIELDS = ("requestId", "status", "responseStatus", "error", "startedAt", "completedAt", "durationMs")


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Lists and shows the deliveries of destinations."""

    destinations: DocumentReader
    store: DeliveryStore
    attempts: Attempts

    def search(self, call: Call[DeliverySearch]) -> Document:
        """`{items, nextCursor}`, newest first. Raises NotFound for an unknown destination."""
        destination, scope = self._destination(call)
        self.destinations.trail.record(call.principal, scope, "destination_delivery.listed", destination["refId"])
        asked = call.query
        query: Document = {"tenantId": destination["tenantId"], "destinationId": destination["refId"]}
        equal = {"status": asked.status, "types": asked.type, "responseStatus": asked.response_status}
        query |= {name: value for name, value in equal.items() if value is not None}
        if asked.from_ or asked.to:
            bounds = {"$gte": asked.from_, "$lt": asked.to}
            query["createdOn"] = {name: value for name, value in bounds.items() if value is not None}

        def page(query: Mapping[str, Any], **of: Any) -> list[Document]:
            return self.store.page({"$and": [query, self._searched(asked)]}, **of)

        return page_of(page, query, asked, asked.chosen())

    def _searched(self, asked: DeliverySearch) -> Document:
        """The last days, where what no index has is searched for without a time."""
        if asked.from_ or (asked.type is None and asked.response_status is None):
            return {}
        return {"createdOn": {"$gte": (asked.to or self.store.deliveries.clock()) - _SEARCHED}}

    def get(self, call: Call[TenantChoice]) -> Document:
        """One delivery with its attempts, each an exchange. Raises NotFound."""
        destination, scope = self._destination(call)
        delivery = self.store.get(destination, call.path["deliveryId"])
        self.destinations.trail.record(call.principal, scope, "destination_delivery.viewed", delivery["refId"])
        exchanges = self.attempts.of(delivery["tenantId"], delivery["refId"])
        return answered(delivery) | {"attempts": [_attempt(exchange) for exchange in exchanges]}

    def _destination(self, call: Call[Any]) -> tuple[Document, TenantScope]:
        return self.destinations.find(call.principal, call.path["refId"], call.query.tenant_id, ("refId",))


@dataclass(frozen=True, slots=True)
class DeliveryRequests:
    """Has tests and ended deliveries sent. `sleep`: waits for the delivery of a test."""

    destinations: DocumentReader
    store: DeliveryStore
    keys: IdempotencyKeys
    start: Start
    sleep: Callable[[float], None] = time.sleep

    def test(self, call: Call[TenantChoice, TestRequest]) -> Answer:
        """202 with the delivery of a test; 200 where it ends while the caller waits (`Prefer: wait=10`, RFC 7240).

        Raises NotFound, Conflict for a disabled destination, Unavailable.
        """
        destination, scope = self._destination(call, ("refId", "name", "enabled"))
        if not destination["enabled"]:
            raise Conflict("The destination is disabled; enable it first.")
        using = call.request.detectors.of(destination["tenantId"])
        if using.kinds(call.body.type):
            wrong = FieldError("/type", refusal_of(call.body.type, using))
            raise ValidationFailed("The test cannot be stored.", errors=[wrong])

        def work(claim: Claim) -> Answer:
            ref_id = ref_id_of_name(f"test {claim.request_id}") if claim.request_id else new_ref_id()
            delivery = self._test_of(destination, call.principal, call.body.type, ref_id)
            audit = self._audit(call, scope, destination, "tested", {"deliveryId": ref_id, "type": call.body.type})
            if not self.store.add(destination, delivery, audit):
                delivery = self.store.get(destination, ref_id)
            start_quietly(self.start, destination)
            return Answer(202, answered(delivery), _location(destination, ref_id))

        begun = self.keys.once(call.request, work)
        seconds = preferred_wait(call.request.headers, call.remaining_ms())
        return begun if seconds is None else self._waited(destination, begun, seconds)

    def replay(self, call: Call[TenantChoice]) -> Answer:
        """202 with a delivery that is sent again, under its id. Raises NotFound, Conflict while it is blocked."""
        destination, scope = self._destination(call)
        ref_id = call.path["deliveryId"]
        audit = self._audit(call, scope, destination, "replayed", {"deliveryId": ref_id})
        delivery = self.store.replay(destination, ref_id, audit)
        start_quietly(self.start, destination)
        return Answer(202, answered(delivery), _location(destination, ref_id))

    def replay_all(self, call: Call[TenantChoice, ReplayRequest]) -> Answer:
        """202 with the number of deliveries that are sent again, at most a thousand, and the cursor to the rest.

        Raises NotFound, ValidationFailed.
        """
        query = _replayed(call.body)
        destination, scope = self._destination(call)
        given = call.body.model_dump(by_alias=True, exclude_none=True, exclude={"cursor"}, mode="json")

        def audit(count: int) -> None:
            self._audit(call, scope, destination, "replayed", {**given, "deliveries": count})()

        count, cursor = self.store.replay_all(destination, query, MOST_REPLAYED, call.body.cursor, audit)
        if count:
            start_quietly(self.start, destination)
        return Answer(202, {"replayed": count, "nextCursor": cursor})

    def _destination(
        self, call: Call[TenantChoice, Any], fields: tuple[str, ...] = ("refId",)
    ) -> tuple[Document, TenantScope]:
        """The destination in the path, and whose it is. Raises NotFound, NoSuchTenant."""
        return self.destinations.find(call.principal, call.path["refId"], call.query.tenant_id, fields)

    def _test_of(self, destination: Document, principal: Principal, event_type: str, ref_id: str) -> Document:
        clock = self.store.deliveries.clock
        base = base_of(principal, TenantScope(destination["tenantId"]), clock, ref_id)
        message = f"A test of the destination {destination['name']}; nothing has happened."
        content = {"message": message, "eventType": event_type, "requestedBy": principal.subject}
        return {
            **base,
            "destinationId": destination["refId"],
            "kind": "test",
            "items": [],
            "types": [event_type],
            "content": {**content, "requestedOn": to_rfc3339(base["createdOn"])},
            "status": "pending",
            "reason": "new",
            "round": 0,
            "attempt": 0,
            "retries": 0,
            "dueOn": base["createdOn"],
        }

    def _audit(
        self, call: Call[Any, Any], scope: TenantScope, destination: Document, verb: str, details: Document
    ) -> Callable[[], None]:
        trail: Trail = self.destinations.trail
        action, ref_id = f"{RESOURCE}.{verb}", destination["refId"]
        return lambda: trail.record(call.principal, scope, action, ref_id, details, always=True)

    def _waited(self, destination: Document, begun: Answer, seconds: int) -> Answer:
        """The answer after the time for which the caller wants to wait, or sooner where the delivery has ended."""
        headers = {**begun.headers, "Preference-Applied": f"wait={seconds}"}
        ref_id = begun.body["refId"]
        try:
            found = ended_within(
                seconds,
                lambda: self.store.get(destination, ref_id),
                lambda delivery: delivery["status"] not in ENDED,
                self.sleep,
            )
        except Unavailable:  # the test is stored all the same
            return begun
        return Answer(200 if found["status"] in ENDED else 202, answered(found), headers)


def answered(delivery: Mapping[str, Any]) -> Document:
    """A delivery as the API answers with it, without what is not set."""
    present = {name: value for name, value in delivery.items() if value is not None}
    return to_response(present, (*DELIVERY_FIELDS, "items", "content"))


def _attempt(exchange: Mapping[str, Any]) -> Document:
    link = f"/v1/exchanges/{exchange['requestId']}"
    return to_response(exchange, _ATTEMPT_FIELDS) | {"exchange": link}


def _location(destination: Mapping[str, Any], ref_id: str) -> dict[str, str]:
    return {"Location": f"/v1/destinations/{destination['refId']}/deliveries/{ref_id}"}


def _replayed(body: ReplayRequest) -> Document:
    """What ended deliveries are meant. Raises ValidationFailed."""
    given = {name for name in body.model_fields_set - {"cursor"} if getattr(body, name) is not None}
    if given == {"failed_since"}:
        return {"status": "failed", "endedOn": {"$gte": body.failed_since}}
    if given == {"from_", "to"} and not isinstance(body.to, int):
        return {"createdOn": {"$gte": body.from_, "$lt": body.to}}
    if given == {"source", "after", "to"} and isinstance(body.to, int):
        return {"source": body.source, "first": {"$lte": body.to}, "last": {"$gt": body.after}}
    detail = "must have failedSince alone; from and to, which are times; or source, after and to, which are numbers"
    raise ValidationFailed("The replay is not valid.", errors=[FieldError("", detail)])

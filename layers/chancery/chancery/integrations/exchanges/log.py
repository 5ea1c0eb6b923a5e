"""The exchange log for whatever makes a call: open it before the request, close it after the response."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chancery.core.detectors import Detectors
from chancery.core.errors import Conflict, FieldError, NotFound, Unavailable, ValidationFailed
from chancery.core.formats.correlation import Correlation, correlation
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.mongo.client import Document
from chancery.core.observability import count
from chancery.integrations.exchanges.bodies import ExchangeBodies, Part
from chancery.integrations.exchanges.ingest import Closing, Opening, Record, SentBody, parse_closing, parse_opening
from chancery.integrations.exchanges.store import SENDER, ExchangeStore, unsettled

_OF_DELIVERY = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}-[0-9]+-[0-9]+")  # request ids of attempts at deliveries
_TRIES = 3  # a start and an end that arrive together may each find that the other was first


@dataclass(frozen=True, slots=True)
class Origin:
    """Who hands an exchange in, and the ids that hold where it names none."""

    created_by: str
    ids: Correlation = Correlation()


@dataclass(frozen=True, slots=True)
class ExchangeLog:
    """Opens and closes exchanges, each once, however often it is sent.

        log.open("acme", {"requestId": "r-1", "systemCode": "sap", "endpointCode": "orders", "httpMethod": "POST",
                 "requestUrl": "https://sap.example/orders", "requestBody": b"...", "timeoutMs": 30_000}, "calls")
        log.close("acme", "r-1", {"responseStatus": 201, "responseBody": b"..."}, "calls")

    Fields are those of the API (`models.OpenedExchange`, `models.ClosedExchange`), bodies may also be Python's bytes;
    all is redacted with the tenant's detector before it is stored. `trigger` has finished exchanges published soon; it
    never raises.
    """

    store: ExchangeStore
    bodies: ExchangeBodies
    detectors: Detectors
    trigger: Callable[[], None]

    def open(self, tenant_id: str, exchange: Mapping[str, Any], created_by: str) -> Document:
        """Opens an exchange as PENDING; `{refId, requestId, status, startedAt, deadline, ...}` of the stored one.

        A repetition changes nothing. Raises ValidationFailed, Conflict where the request id was used for another
        request, Unavailable.
        """
        using = self.detectors.of(tenant_id)
        opening = parse_opening(dict(exchange), self.store.clock(), using)
        return self.begin(tenant_id, opening, Origin(created_by, correlation.get()))

    def close(self, tenant_id: str, request_id: str, end: Mapping[str, Any], updated_by: str) -> Document:
        """Closes an exchange; `{refId, requestId, status, isSuccess, completedAt, durationMs, ...}` of the stored one.

        A repetition changes nothing. An exchange that the sweep has marked as TIMEOUT takes the end that came late.
        Raises ValidationFailed, NotFound, Conflict where it was closed with another content, Unavailable.
        """
        closing = parse_closing(dict(end), self.store.clock(), self.detectors.of(tenant_id))
        return self.end(tenant_id, request_id, closing, updated_by)

    # ---- of what is parsed

    def begin(self, tenant_id: str, opening: Opening, origin: Origin) -> Document:
        """As `open`, of a parsed request. Raises ValidationFailed where the request id is one of Chancery's own."""
        exchange = self._new(tenant_id, opening, origin)
        if self.store.add(exchange):
            count("ExchangesOpened")
            return exchange
        return self._begun_before(exchange)

    def end(self, tenant_id: str, request_id: str, closing: Closing, updated_by: str) -> Document:
        """As `close`, of a parsed end."""
        fields = self._end_fields(tenant_id, closing)
        for _ in range(_TRIES):
            done = self.store.end(tenant_id, request_id, fields, updated_by)
            if done is not None:
                self._completed(done)
                return done
            known = self.store.find(tenant_id, request_id)
            if known is None:
                raise NotFound("There is no such exchange.")
            if (known["createdBy"] == SENDER) != (updated_by == SENDER):
                raise Conflict("The exchange is of a managed call, which alone closes it.")
            if known["status"] != "PENDING" and not known.get("expired"):
                return _same_end(known, closing)
            # Its start has arrived after the first look.
        raise _being_stored()

    def record(self, tenant_id: str, record: Record, origin: Origin) -> Document:
        """Stores what an event has of an exchange; its end may arrive first. Raises as `open` and `close` do."""
        opening, closing = record.opening, record.closing
        if opening is None:
            assert closing is not None
            return self._end_or_store(tenant_id, record.request_id, closing, origin)
        if closing is None:
            return self.begin(tenant_id, opening, origin)
        exchange = self._new(tenant_id, opening, origin) | self._end_fields(tenant_id, closing)
        exchange |= {"durationMs": _duration_ms(exchange), **unsettled(self.store.clock())}
        if self.store.add(exchange):
            self._completed(exchange)
            return exchange
        self._begun_before(self._new(tenant_id, opening, origin))
        return self.end(tenant_id, record.request_id, closing, origin.created_by)

    def _end_or_store(self, tenant_id: str, request_id: str, closing: Closing, origin: Origin) -> Document:
        """Closes an exchange; stores its end alone where its start has not arrived, which is added to it then."""
        for _ in range(_TRIES):
            try:
                return self.end(tenant_id, request_id, closing, origin.created_by)
            except NotFound:
                base = _base(tenant_id, request_id, origin)
                ending = self._end_fields(tenant_id, closing)
                exchange = {**base, "createdOn": ending["completedAt"], "unopened": True, **ending}
                if self.store.add(exchange):
                    count("ExchangesEndedFirst")
                    return exchange
        raise _being_stored()

    def _begun_before(self, exchange: Document) -> Document:
        """The exchange with the same request id. Raises Conflict where it is another one."""
        done = self.store.begin_unopened(exchange)
        if done is not None:
            self._completed(done)
            return done
        known = self.store.find(exchange["tenantId"], exchange["requestId"])
        if known is None:
            raise _being_stored()
        if known.get("openDigest") != exchange["openDigest"]:
            raise Conflict("The requestId was used for another exchange; send a new one.")
        count("ExchangesRepeated")
        return known

    def _new(self, tenant_id: str, opening: Opening, origin: Origin) -> Document:
        started = opening.fields["startedAt"]
        return {
            **_base(tenant_id, opening.request_id, origin),
            **opening.fields,
            **self._stored_body(tenant_id, "request", opening.body),
            "createdOn": started,
            "status": "PENDING",
            "deadline": started + opening.timeout,
            "openDigest": opening.digest,
        }

    def _end_fields(self, tenant_id: str, closing: Closing) -> Document:
        body = self._stored_body(tenant_id, "response", closing.body)
        return {**closing.fields, **body, "closeDigest": closing.digest}

    def _stored_body(self, tenant_id: str, part: Part, body: SentBody | None) -> Document:
        return self.bodies.store(tenant_id, part, body.content, body.cut_from) if body else {}

    def _completed(self, exchange: Mapping[str, Any]) -> None:
        count("ExchangesCompleted")
        if not exchange["isSuccess"]:
            count("ExchangesUnsuccessful")
        self.trigger()


def _base(tenant_id: str, request_id: str, origin: Origin) -> Document:
    """What every exchange has. Raises ValidationFailed where a caller uses the request id of a delivery's attempt."""
    if origin.created_by != SENDER and _OF_DELIVERY.fullmatch(request_id):
        wrong = FieldError("/requestId", "has the form of an attempt at a delivery (ULID-0-1); use another one")
        raise ValidationFailed("The exchange is not valid.", errors=[wrong])
    ids = {"traceId": origin.ids.trace_id, "correlationId": origin.ids.correlation_id}
    return {
        "refId": new_ref_id(),
        "tenantId": tenant_id,
        "createdBy": origin.created_by,
        "version": 1,
        "requestId": request_id,
        **{name: value for name, value in ids.items() if value is not None},
    }


def _being_stored() -> Unavailable:
    return Unavailable("The exchange is being stored; try again.", retry_after=1)


def _same_end(known: Document, closing: Closing) -> Document:
    """The exchange that was closed before. Raises Conflict where that was with another content."""
    if known.get("closeDigest") != closing.digest:
        raise Conflict(f"The exchange was closed before as {known['status']}, with another content.")
    count("ExchangesRepeated")
    return known


def _duration_ms(exchange: Mapping[str, Any]) -> int:
    took: timedelta = exchange["completedAt"] - exchange["startedAt"]
    return max(0, took // timedelta(milliseconds=1))

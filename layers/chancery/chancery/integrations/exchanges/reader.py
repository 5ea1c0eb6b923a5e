"""Reading exchanges: lists, one with its bodies, whole bodies, and the chain of its attempts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from chancery.core.errors import FieldError, NotFound, ValidationFailed
from chancery.core.identity.principal import Principal
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository
from chancery.core.web.answers import Answer, redirect
from chancery.core.web.listing import MOST_BYTES, to_response
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice
from chancery.integrations.exchanges.bodies import HEAD_BYTES, PARTS, ExchangeBodies, Part, as_answered
from chancery.integrations.exchanges.collections import INTERNAL
from chancery.integrations.exchanges.models import LIST_FIELDS
from chancery.integrations.exchanges.search import ExchangeSearch

MOST_ATTEMPTS = 500  # of a chain
_MOST_BODY = 4 * 1024 * 1024  # of an answer: in base64 a Lambda function answers with at most 6 MB
_AS_TEXT = 64 * 1024  # bytes; up to here a body is answered as text, which fits however it is escaped
_NOSNIFF = {"X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class ExchangeReader:
    """Reads exchanges of the caller's tenants."""

    exchanges: Repository
    reader: DocumentReader
    bodies: ExchangeBodies

    def search(self, call: Call[ExchangeSearch]) -> dict[str, Any]:
        """`{items, nextCursor}`: exchanges without headers and bodies, newest first. Raises ValidationFailed."""
        call.query.require_indexed()
        scope = call.principal.read_scope(call.query.tenant_id)
        filters = call.query.filters(self.exchanges.clock(), every_tenant=scope.every_tenant)
        return self.reader.page(call.principal, call.query, filters)

    def get(self, call: Call[TenantChoice]) -> dict[str, Any]:
        """One exchange with its bodies, of which one that is too large is the beginning. Raises NotFound."""
        found = self._found(call, "exchange.viewed")
        whole = _with_bodies(found)
        if len(orjson.dumps(orjson.dumps(whole).decode())) > MOST_BYTES:  # as a text in the answer of the function
            whole = _with_bodies(_cut(found))
        return whole

    def request(self, call: Call[TenantChoice]) -> Answer:
        """The body of the request, as `_body` has it."""
        return self._body(call, "request")

    def response(self, call: Call[TenantChoice]) -> Answer:
        """The body of the response, as `_body` has it."""
        return self._body(call, "response")

    def chain(self, call: Call[TenantChoice]) -> dict[str, Any]:
        """`{items, nextCursor: null}`: the attempts of the same request, in order, up to 500. Raises NotFound."""
        found = self._found(call, "exchange.viewed")
        attempts = self._attempts(found)
        items = sorted(attempts, key=lambda item: (item.get("attemptNumber", 0), item["createdOn"], item["refId"]))
        return {"items": [to_response(item, LIST_FIELDS) for item in items], "nextCursor": None}

    def _attempts(self, exchange: Document) -> list[Document]:
        """The exchanges that are linked to one by `parentRequestId`, in either direction; each is looked at once."""
        own = {"tenantId": exchange["tenantId"]}
        found = {exchange["requestId"]: exchange}
        new = [exchange]
        while new and len(found) < MOST_ATTEMPTS:
            parents = [item["parentRequestId"] for item in new if item.get("parentRequestId")]
            either = [
                {"requestId": {"$in": [name for name in parents if name not in found]}},
                {"parentRequestId": {"$in": [item["requestId"] for item in new]}},
            ]
            linked = self.exchanges.page(
                {**own, "$or": either}, fields=LIST_FIELDS, descending=False, limit=MOST_ATTEMPTS
            )
            new = [item for item in linked if item["requestId"] not in found]
            found |= {item["requestId"]: item for item in new}
        return list(found.values())[:MOST_ATTEMPTS]

    def _body(self, call: Call[TenantChoice], part: Part) -> Answer:
        """200 with a whole body, byte for byte; 307 to S3 where an answer does not hold it.

        Raises NotFound, ValidationFailed for bytes without an Accept header, Unavailable, BodyDamaged.
        """
        found = self._found(call, f"exchange.{part}_viewed")
        info: Mapping[str, Any] | None = found.get(f"{part}BodyInfo")
        if info is None:
            raise NotFound(f"This exchange has no body of a {part}.")
        accepts = "accept" in call.request.headers
        if f"{part}Key" in found and (info["bytes"] > _MOST_BODY or not accepts):
            return redirect(self.bodies.link(found, part))
        body = self.bodies.read(found, part)
        is_text = "encoding" not in info and len(body) <= _AS_TEXT
        if not is_text and not accepts:
            error = FieldError("/Accept", "send Accept: */*, or the API answers in base64")
            raise ValidationFailed("The body does not fit into this answer.", errors=[error])
        return Answer(200, body.decode() if is_text else body, _NOSNIFF, info["contentType"])

    def _found(self, call: Call[TenantChoice], action: str) -> Document:
        principal: Principal = call.principal
        scope, request_id = principal.read_scope(call.query.tenant_id), call.path["requestId"]
        found = self.exchanges.get({**scope.filter, "requestId": request_id})
        if found is None:
            raise NotFound("There is no such exchange.")
        if scope.every_tenant:
            scope = scope._replace(tenant_id=found["tenantId"], every_tenant=False)
        self.reader.trail.record(principal, scope, action, request_id)
        return found


def _with_bodies(exchange: Document) -> dict[str, Any]:
    answer = to_response({name: value for name, value in exchange.items() if name not in INTERNAL})
    for part in PARTS:
        if f"{part}BodyInfo" in exchange:
            answer[f"{part}Body"] = as_answered(exchange, part)
    if "errorStack" in exchange:
        answer["error"] = {**answer.get("error", {}), "stackTrace": exchange["errorStack"]}
    return answer


def _cut(exchange: Document) -> Document:
    """The exchange with the beginning of each large body."""
    cut = dict(exchange)
    for part in PARTS:
        body = exchange.get(f"{part}Body")
        if body is not None and len(body) > HEAD_BYTES:
            cut[f"{part}Body"] = body[:HEAD_BYTES]
            cut[f"{part}BodyInfo"] = {**exchange[f"{part}BodyInfo"], "truncated": True}
    return cut

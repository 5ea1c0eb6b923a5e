"""A trace across all record types: records of the collections with a `traceId`, merged in time order."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import Field

from chancery.core.formats.correlation import plain_trace_id
from chancery.core.formats.identifiers import identifier_of
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.repository import Repository
from chancery.core.web.listing import Page, Stored, page_of, to_response
from chancery.core.web.pagination import MAX_LIMIT
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice, wrong_query

_KIND = "kind"


class TraceQuery(TenantChoice, Page):
    """The query parameters of `GET /v1/traces/{traceId}`."""

    limit: int = Field(MAX_LIMIT, ge=1, le=MAX_LIMIT)


@dataclass(frozen=True, slots=True)
class Traces:
    """Reads the records of a trace from the collections that have them, each with a `trace_kind`."""

    collections: Sequence[Repository]
    trail: Trail

    def get(self, call: Call[TraceQuery]) -> dict[str, Any]:
        """`{traceId, items, nextCursor}`: every record of the trace in time order, each with its `kind`.

        Raises ValidationFailed for an id that no record can have.
        """
        principal, page = call.principal, call.query
        scope = principal.read_scope(page.tenant_id)
        trace_id = _trace_id(call.path["traceId"])
        self.trail.record(principal, scope, "trace.viewed", trace_id)
        query = {**scope.filter, "traceId": trace_id}
        about = {"of": "trace", "every": scope.every_tenant}
        found = page_of(self._read, query, page, (), descending=False, about=about, convert=_whole)
        return {"traceId": trace_id, **found}

    def _read(self, query: Mapping[str, Any], *, limit: int, **_: Any) -> Sequence[Stored]:
        kinds = [self._of_kind(documents, query, limit) for documents in self.collections]
        return list(islice(heapq.merge(*kinds, key=lambda item: (item["createdOn"], item["refId"])), limit))

    def _of_kind(self, documents: Repository, query: Mapping[str, Any], limit: int) -> list[Stored]:
        declared = documents.declared
        found = documents.page(query, fields=declared.list_fields, descending=False, limit=limit)
        return [{_KIND: declared.trace_kind, **item} for item in found]


def _trace_id(text: str) -> str:
    try:
        return plain_trace_id(identifier_of(text))
    except ValueError as exc:
        raise wrong_query("/traceId", str(exc)) from None


def _whole(item: Stored, _: tuple[str, ...]) -> dict[str, Any]:
    return to_response(item)

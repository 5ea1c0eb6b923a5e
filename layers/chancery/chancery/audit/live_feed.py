"""Audit records for live views and destinations, in the order of their tenant's log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from chancery.audit.collections import LIST_FIELDS
from chancery.audit.feed import RecordSequence
from chancery.audit.filters import EXACT, AuditFilter
from chancery.audit.responses import to_response
from chancery.audit.store import AuditStore
from chancery.core.feeds import FeedPage, FeedRecord, Item, Matches, has_words
from chancery.core.web.validation import parse, wrong_query

_TEXTS = ("description", "actorName", "onBehalfOfName", "resourceName")


@dataclass(frozen=True, slots=True)
class AuditLiveFeed:
    """Implements `core.feeds.Feed`."""

    store: AuditStore
    sequence: RecordSequence
    followed: ClassVar[str] = "audit_log.followed"

    def last(self, tenant_id: str | None) -> int:
        """The size of the tenant's log."""
        return self.sequence.size(tenant_id)

    def after(self, tenant_id: str | None, sequence: int, limit: int) -> FeedPage:
        """The records of the leaves after the first `sequence`; the fields that lists have."""
        ref_ids = self.sequence.ref_ids_after(tenant_id, sequence, limit)
        items = [Item(number, ref_id) for number, ref_id in enumerate(ref_ids, sequence + 1)]
        return FeedPage(self.get(tenant_id, items), sequence + len(ref_ids))

    def get(self, tenant_id: str | None, items: Sequence[Item]) -> list[FeedRecord]:
        """The records of items; the fields that lists have."""
        ref_ids = [item.ref_id for item in items]
        found = self.store.of_ref_ids({"tenantId": tenant_id}, ref_ids, LIST_FIELDS) if ref_ids else {}
        return [FeedRecord(item.sequence, "audit", found[item.ref_id]) for item in items if item.ref_id in found]

    def matches(self, filters: Mapping[str, Any]) -> Matches:
        """As a search has them; `q` finds one of its words."""
        asked = parse(AuditFilter, dict(filters))
        if asked.tenant_id is not None:
            raise wrong_query("/tenantId", "stands beside the filters")
        exact = {name: value for name, value in asked.set_filters().items() if name in EXACT}
        found = has_words(asked.q) if asked.q else None

        def matching(record: FeedRecord) -> bool:
            item = record.document
            return (
                all(item.get(name) == value for name, value in exact.items())
                and (asked.action is None or _is_action(asked.action, item["action"]))
                and (asked.from_ is None or item["createdOn"] >= asked.from_)
                and (asked.to is None or item["createdOn"] < asked.to)
                and (found is None or found([item.get(name) for name in _TEXTS]))
            )

        return matching

    def to_response(self, record: FeedRecord) -> dict[str, Any]:
        """The record as a list has it."""
        return to_response(record.document)


def _is_action(wanted: str, action: str) -> bool:
    return action.startswith(wanted[:-1]) if wanted.endswith(".*") else action == wanted

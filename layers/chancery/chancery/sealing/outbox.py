"""The outbox: leaves written in the transaction of their records, waiting for their place in the log."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database

from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import Document
from chancery.sealing.collections import AUDIT_OUTBOX
from chancery.sealing.models import outbox_entry


class Outbox:
    """Writes `audit_outbox`."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._collection = database[AUDIT_OUTBOX.name]
        self._clock = clock

    def add(self, records: Sequence[Mapping[str, Any]], session: ClientSession) -> None:
        """Adds the leaves of records in the session's transaction: one document a tenant, however many records."""
        by_tenant: dict[str | None, list[Mapping[str, Any]]] = {}
        for record in records:
            by_tenant.setdefault(record["tenantId"], []).append(record)
        moment = self._clock()
        entries = [outbox_entry(tenant_id, own, moment) for tenant_id, own in by_tenant.items()]
        self._collection.insert_many(entries, session=session)

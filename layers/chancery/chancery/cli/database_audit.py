"""One tenant's records in MongoDB, as `chancery verify log --database` compares them with the log."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import batched
from typing import Any

from bson.codec_options import TypeDecoder, TypeRegistry
from bson.int64 import Int64
from pymongo.database import Database

from chancery.cli.api import Unreachable
from chancery.cli.connection import UsageError
from chancery.cli.mongo import open_client
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.mongo.client import DatabaseFailure, Document, translated
from chancery.sealing.models import PLATFORM_LOG, log_name
from chancery.verification.database_audit import Comparison
from chancery.verification.logs import PublishedLog

_TIMEOUT_MS = 10_000
_PAGE = 10_000  # refIds
_ASKED = 1000  # at once


class _PlainInteger(TypeDecoder):
    """A number of 64 bits as the JSON number it came as, which a digest is made of."""

    bson_type = Int64

    def transform_bson(self, value: Any) -> Any:
        return int(value)


class StoredRecords:
    """Reads `audit_logs` of one tenant; `audit_leaves` and `audit_outbox` too, only for records without a leaf."""

    def __init__(self, database: Database[Document], tenant_id: str | None) -> None:
        plain = database.codec_options.with_options(type_registry=TypeRegistry([_PlainInteger()]))
        self._database, self._tenant = database.with_options(codec_options=plain), {"tenantId": tenant_id}

    def get_many(self, ref_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Whole records, by refId."""
        with _asked():
            found = self._database["audit_logs"].find({**self._tenant, "refId": {"$in": list(ref_ids)}}, {"_id": 0})
            return {record["refId"]: record for record in found}

    def ref_ids(self, until: datetime) -> Iterator[str]:
        """The refId of every record that was recorded by a moment, in order."""
        last = ""
        while True:
            query = {**self._tenant, "refId": {"$gt": last}, "recordedOn": {"$lte": until}}
            with _asked():
                cursor = self._database["audit_logs"].find(query, {"_id": 0, "refId": 1})
                page = [record["refId"] for record in cursor.sort("refId", 1).limit(_PAGE)]
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1]

    def not_yet_sealed(self, ref_ids: Sequence[str], size: int) -> set[str]:
        """Those in the outbox, and those whose leaf came after the first `size`."""
        found: set[str] = set()
        for some in batched(ref_ids, _ASKED, strict=False):
            query = {**self._tenant, "refIds": {"$in": list(some)}}
            try:
                with translated():
                    for entry in self._database["audit_outbox"].find({**query, "sequencedOn": None}, {"refIds": 1}):
                        found.update(entry["refIds"])
                    for batch in self._database["audit_leaves"].find(query, {"refIds": 1, "start": 1}):
                        found.update(batch["refIds"][max(size - batch["start"], 0) :])
            except DatabaseFailure:  # this user may not read them: then nothing explains a missing leaf
                break
        return found


@contextmanager
def stored_comparison(
    published: PublishedLog, log: str, uri: str | None, database: str, tenant: str | None
) -> Iterator[Comparison | None]:
    """What compares a log with the records of its tenant in MongoDB; None without a URI. Raises UsageError."""
    if uri is None:
        yield None
        return
    tenant_id = tenant_of(log, tenant)
    with open_client(uri, "--database", _TIMEOUT_MS) as client:
        yield Comparison(published, StoredRecords(client[database], tenant_id))


def tenant_of(log: str, named: str | None) -> str | None:
    """The tenant of a log by its name, or the one named where the name is only a hash. Raises UsageError."""
    if named is not None:
        tenant_id = None if named == "null" else named
        if log_name(tenant_id) != log:
            raise UsageError(f"The log {log} is not that of the tenant {named}.")
        return tenant_id
    if log == PLATFORM_LOG:
        return None
    if not log.startswith("tenant-"):
        raise UsageError(f"The name of the log {log} does not tell the tenant; name it with --tenant.")
    return log.removeprefix("tenant-")


@contextmanager
def _asked() -> Iterator[None]:
    """Turns errors of the database into what the command line says about them."""
    try:
        with translated():
            yield
    except Unavailable as exc:
        raise Unreachable(exc.detail) from exc
    except ChanceryError as exc:
        raise UsageError(f"{exc.detail} --database needs a user who may read audit_logs.") from exc

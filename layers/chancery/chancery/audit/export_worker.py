"""Writes an export to S3: constant memory, parts of 8 MB, saved after each, carried on by the next message.

Then the file is read once: for its hash, and where records are sealed for a proof beside it.
"""

import csv
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, Protocol

import orjson

from chancery.audit.collections import LIST_FIELDS
from chancery.audit.exports import CONTENT_TYPES, ExportRequest, ExportStore, message_of
from chancery.audit.search import show
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import PART_BYTES, Objects, UploadGone
from chancery.core.aws.queue import Queue, receives
from chancery.core.errors import ChanceryError, NotFound, reason_of
from chancery.core.identity.principal import TenantScope
from chancery.core.mongo.client import Document
from chancery.core.observability import logger
from chancery.core.web.pagination import Position
from chancery.core.web.validation import parse

_TIME_TO_FINISH_MS = 60_000
_PROOF_TRIES = 4  # deliveries, some half a minute: sealing takes seconds, or is stopped
_TIME_TO_READ_MS = 600_000  # what was written in parts, from the beginning
_CSV_FIELDS = (*LIST_FIELDS, "before", "after", "metadata", "salts")
# OWASP: CSV injection. Spreadsheets drop what is blank before a formula, and some take full-width signs for one.
_FORMULA = re.compile(r"[\t\r\n]|[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")


class Proof(Protocol):
    """A proof's key, and the SHA-256 of the export that it is about."""

    @property
    def key(self) -> str: ...
    @property
    def sha256(self) -> str: ...


class Proofs(Protocol):
    """What proves exports: `sealing.export_proofs.ExportProofs`."""

    def prove(self, tenant_id: str | None, key: str) -> Proof | None: ...


@dataclass(slots=True)
class _Progress:
    """What is written but not yet in a saved part."""

    buffer: bytearray = field(default_factory=bytearray)
    records: int = 0
    last: Position | None = None


@dataclass(frozen=True, slots=True)
class ExportWorker:
    """Works on one export a message. `proofs` is None where nothing is sealed."""

    exports: ExportStore
    records: AuditStore
    objects: Objects
    queue: Queue
    max_receives: int
    proofs: Proofs | None = None
    part_bytes: int = PART_BYTES

    def consume(self, messages: Sequence[Mapping[str, Any]], remaining_ms: Callable[[], int]) -> list[str]:
        """Works on the exports of SQS `messages`; the ids of those to deliver again. A last delivery's error stays."""
        failed: list[Mapping[str, Any]] = []
        for message in messages:
            wanted, last = orjson.loads(message["body"]), receives(message) >= self.max_receives
            unproven = last or receives(message) >= _PROOF_TRIES
            try:
                self.work(wanted, remaining_ms, unproven=unproven)
            except NotFound:
                logger.warning("EXPORT_UNKNOWN", ref_id=wanted["refId"])
            except Exception as exc:
                failed.append(message)
                reason = reason_of(exc)
                if last:
                    logger.error("EXPORT_FAILED", ref_id=wanted["refId"], reason=reason)
                    self.fail(wanted, reason)
                else:
                    logger.warning("EXPORT_DEFERRED", ref_id=wanted["refId"], reason=reason)
        if failed:
            self.queue.pause(failed)
        return [message["messageId"] for message in failed]

    def work(self, message: Mapping[str, Any], remaining_ms: Callable[[], int], *, unproven: bool = False) -> None:
        """Works until the export is done or time runs short, then has another message carry on.

        Safe to repeat and to kill anywhere: it goes on after the last saved part, or with what is written. A proof
        that cannot be made is tried again by the next delivery, unless it may end `unproven`. Raises Unavailable.
        """
        export = self.exports.get(message["refId"], {"tenantId": message["tenantId"]})
        if export["state"] in ("queued", "running"):
            written = self._write_file(export, remaining_ms)
            if written is None:
                return
            if written["parts"] and remaining_ms() < _TIME_TO_READ_MS:
                self.queue.send(message_of(written))
                return
            export = written
        if export["state"] == "written":
            proof = self._prove(export, unproven=unproven)
            sha256 = proof.sha256 if proof else export.get("sha256") or self.objects.sha256(export["key"])
            self.exports.advance(export, state="done", sha256=sha256, proof=proof.key if proof else None)

    def _prove(self, export: Document, *, unproven: bool) -> Proof | None:
        """The proof of an export whose lines are records of one tenant as they are."""
        if self.proofs is None or export["format"] != "ndjson" or export["everyTenant"]:
            return None
        try:
            return self.proofs.prove(export["tenantId"], export["key"])
        except ChanceryError as exc:
            if not unproven:
                raise
            logger.error("EXPORT_UNPROVEN", ref_id=export["refId"], reason=exc.detail)
            return None

    def _write_file(self, export: Document, remaining_ms: Callable[[], int]) -> Document | None:
        """The export once its file is written; None when another message or worker carries on."""
        running = self.exports.advance(export, state="running")
        if running is None:
            return None
        try:
            return self._write(running, remaining_ms)
        except UploadGone:
            # Finished by a worker that died before it could say so, or expired by the bucket's lifecycle.
            self.exports.advance(running, state="queued", parts=[], uploadId=None, after=None, records=0, bytes=0)
            self.queue.send(message_of(export))
            return None

    def fail(self, message: Mapping[str, Any], reason: str) -> None:
        """Marks an export as failed for good."""
        export = self.exports.get(message["refId"], {"tenantId": message["tenantId"]})
        if export["state"] != "done":
            self.exports.advance(export, state="failed", error=reason)

    def _write(self, export: Document, remaining_ms: Callable[[], int]) -> Document | None:
        encode = _csv_line if export["format"] == "csv" else _ndjson_line
        progress = _Progress()
        if export["format"] == "csv" and export.get("after") is None:
            progress.buffer += _csv_row(_CSV_FIELDS)
        for record in self.records.stream(_query(export)):
            progress.buffer += encode(record)
            progress.records += 1
            progress.last = Position(record["createdOn"], record["refId"])
            if len(progress.buffer) >= self.part_bytes:
                saved = self._save_part(export, progress)
                if saved is None:
                    return None
                export, progress = saved, _Progress()
                if remaining_ms() < _TIME_TO_FINISH_MS:
                    self.queue.send(message_of(export))
                    return None
        return self._finish(export, progress)

    def _save_part(self, export: Document, progress: _Progress) -> Document | None:
        upload_id = export.get("uploadId") or self.objects.begin(export["key"], CONTENT_TYPES[export["format"]])
        number = len(export["parts"]) + 1
        etag = self.objects.part(export["key"], upload_id, number, bytes(progress.buffer))
        last = progress.last
        return self.exports.advance(
            export,
            uploadId=upload_id,
            parts=[*export["parts"], {"number": number, "etag": etag}],
            records=export["records"] + progress.records,
            bytes=export["bytes"] + len(progress.buffer),
            after=None if last is None else {"createdOn": last.created_on, "refId": last.ref_id},
        )

    def _finish(self, export: Document, progress: _Progress) -> Document | None:
        """Ends the file. The hash of one in parts is not known yet."""
        key, body, sha256 = export["key"], bytes(progress.buffer), None
        if not export["parts"]:
            self.objects.put(key, body, CONTENT_TYPES[export["format"]])
            sha256 = hashlib.sha256(body).hexdigest()
        else:
            parts = list(export["parts"])
            if body:
                number = len(parts) + 1
                etag = self.objects.part(key, export["uploadId"], number, body)
                parts.append({"number": number, "etag": etag})
            self.objects.complete(key, export["uploadId"], parts)
        return self.exports.advance(
            export,
            state="written",
            records=export["records"] + progress.records,
            bytes=export["bytes"] + len(body),
            sha256=sha256,
        )


def _query(export: Document) -> dict[str, Any]:
    scope = TenantScope(export["tenantId"], every_tenant=export["everyTenant"])
    query = parse(ExportRequest, export["filters"]).mongo_filter(scope)
    after = export.get("after")
    if after is None:
        return query
    return {"$and": [query, Position(after["createdOn"], after["refId"]).filter(descending=False)]}


def _ndjson_line(record: Document) -> bytes:
    return orjson.dumps(show(record), option=orjson.OPT_APPEND_NEWLINE)


def _csv_line(record: Document) -> bytes:
    shown = show(record)
    return _csv_row([_cell(shown.get(name)) for name in _CSV_FIELDS])


def _cell(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"'{text}" if _FORMULA.match(text) else text


def _csv_row(cells: Any) -> bytes:
    line = StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)  # RFC 4180
    return line.getvalue().encode()

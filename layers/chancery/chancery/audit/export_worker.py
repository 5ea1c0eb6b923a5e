"""Writes an export to S3 in constant memory: parts of 8 MB, each saved, so that the next message can continue.

Then it reads the file once, for its hash and, where records are sealed, for a proof in an object of its own.
"""

import codecs
import csv
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, ClassVar, Protocol

import orjson

from chancery.audit.collections import LIST_FIELDS
from chancery.audit.exports import CONTENT_TYPES, ExportRequest, ExportStore
from chancery.audit.responses import to_response
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import PART_BYTES, Objects, UploadedPart, UploadGone
from chancery.core.aws.queue import ItemRef, Message, Queue
from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import ChanceryError
from chancery.core.identity.principal import TenantScope
from chancery.core.mongo.client import Document
from chancery.core.observability import logger
from chancery.core.web.pagination import Position
from chancery.core.web.validation import parse

_TIME_TO_FINISH_MS = 60_000
_PROOF_TRIES = 4  # deliveries, some half a minute: sealing takes seconds, or is stopped
_TIME_TO_READ_MS = 600_000  # what was written in parts, from the beginning
_CSV_FIELDS = (*LIST_FIELDS, "before", "after", "metadata", "digestVersion", "salts")
# OWASP: CSV injection. Spreadsheets drop blanks before a formula, and some take full-width signs for one.
_FORMULA = re.compile(r"[\t\r\n]|[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")


class Proof(Protocol):
    """The key of a proof, and the SHA-256 of the export that it proves."""

    @property
    def key(self) -> str: ...
    @property
    def sha256(self) -> str: ...


class Proofs(Protocol):
    """Proves exports; see `sealing.export_proofs.ExportProofs`."""

    def prove(self, tenant_id: str | None, key: str) -> Proof | None: ...


@dataclass(slots=True)
class _Progress:
    """Lines that are not in a saved part yet."""

    buffer: bytearray = field(default_factory=bytearray)
    records: int = 0
    last: Position | None = None


@dataclass(frozen=True, slots=True)
class ExportWorker:
    """Works on one export a message. `proofs` is None where records are not sealed."""

    exports: ExportStore
    records: AuditStore
    objects: Objects
    queue: Queue
    proofs: Proofs | None = None
    part_bytes: int = PART_BYTES

    name: ClassVar[str] = "exports"
    rescheduled: ClassVar[bool] = False

    def parse(self, message: Message) -> ItemRef:
        """The export that a message is about."""
        return ItemRef.parse(message)

    def work(self, export_ref: ItemRef, delivery: Delivery) -> None:
        """Works until the export is done or time runs short; then another message continues.

        Safe to repeat and to kill anywhere: the next delivery continues after the last saved part, or with the written
        file. A proof that fails is tried again by the next deliveries, `_PROOF_TRIES` in all; then the export is done
        without one. A redriven export begins anew. Raises NotFound, Unavailable.
        """
        export = self._get(export_ref)
        if export["state"] == "failed" and delivery.is_redrive_of(export):
            export = self._restart(export) or export
        if export["state"] in ("queued", "running"):
            written = self._write_file(export, delivery.remaining_ms)
            if written is None:
                return
            if written["parts"] and delivery.remaining_ms() < _TIME_TO_READ_MS:
                self._send(written)
                return
            export = written
        if export["state"] == "written":
            unproven = delivery.last or delivery.number >= _PROOF_TRIES
            proof = self._prove(export, unproven=unproven)
            sha256 = proof.sha256 if proof else export.get("sha256") or self.objects.sha256(export["key"])
            self.exports.advance(export, state="done", sha256=sha256, proof=proof.key if proof else None)

    def failed(self, export_ref: ItemRef, reason: str) -> None:
        """Marks an export as failed, unless it has ended."""
        export = self._get(export_ref)
        if export["state"] not in ("done", "failed"):
            self.exports.advance(export, state="failed", error=reason)

    def _get(self, export_ref: ItemRef) -> Document:
        return self.exports.get(export_ref.ref_id, {"tenantId": export_ref.tenant_id})

    def _send(self, export: Document) -> None:
        self.queue.send(ItemRef.of(export).to_message())

    def _prove(self, export: Document, *, unproven: bool) -> Proof | None:
        """The proof of an export, or None: only ndjson of one tenant has its records unchanged."""
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
        """The export with its file written, or None when another message or worker continues."""
        running = self.exports.advance(export, state="running")
        if running is None:
            return None
        try:
            return self._write(running, remaining_ms)
        except UploadGone:
            # Completed by a worker that was killed before it stored that, or aborted by the bucket's lifecycle.
            self._restart(running)
            self._send(export)
            return None

    def _restart(self, export: Document) -> Document | None:
        """The export as it was when it was requested; None where another worker has changed it."""
        nothing: Document = {"parts": [], "uploadId": None, "after": None, "records": 0, "bytes": 0, "sha256": None}
        return self.exports.advance(export, state="queued", error=None, **nothing)

    def _write(self, export: Document, remaining_ms: Callable[[], int]) -> Document | None:
        encode = _csv_line if export["format"] == "csv" else _ndjson_line
        progress = _Progress()
        if export["format"] == "csv" and export.get("after") is None:
            progress.buffer += codecs.BOM_UTF8 + _csv_row(_CSV_FIELDS)  # without it Excel reads another encoding
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
                    self._send(export)
                    return None
        return self._finish(export, progress)

    def _save_part(self, export: Document, progress: _Progress) -> Document | None:
        upload_id = export.get("uploadId") or self.objects.begin(export["key"], CONTENT_TYPES[export["format"]])
        number = len(export["parts"]) + 1
        part = self.objects.part(export["key"], upload_id, number, bytes(progress.buffer))
        last = progress.last
        return self.exports.advance(
            export,
            uploadId=upload_id,
            parts=[*export["parts"], part._asdict()],
            records=export["records"] + progress.records,
            bytes=export["bytes"] + len(progress.buffer),
            after=None if last is None else {"createdOn": last.created_on, "refId": last.ref_id},
        )

    def _finish(self, export: Document, progress: _Progress) -> Document | None:
        """Completes the file. The hash of a file in parts is not known yet."""
        key, body, sha256 = export["key"], bytes(progress.buffer), None
        if not export["parts"]:
            self.objects.put(key, body, CONTENT_TYPES[export["format"]])
            sha256 = hashlib.sha256(body).hexdigest()
        else:
            parts = [UploadedPart(**part) for part in export["parts"]]
            if body:
                parts.append(self.objects.part(key, export["uploadId"], len(parts) + 1, body))
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
    return orjson.dumps(to_response(record), option=orjson.OPT_APPEND_NEWLINE)


def _csv_line(record: Document) -> bytes:
    response = to_response(record)
    return _csv_row([_cell(response.get(name)) for name in _CSV_FIELDS])


def _cell(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"'{text}" if _FORMULA.match(text) else text


def _csv_row(cells: Any) -> bytes:
    line = StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)  # RFC 4180
    return line.getvalue().encode()

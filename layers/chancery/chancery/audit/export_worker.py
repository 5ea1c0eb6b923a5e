"""Writes an export to S3: constant memory, parts of 8 MB, saved after each, carried on by the next message."""

import csv
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import orjson

from chancery.audit.collections import LIST_FIELDS
from chancery.audit.exports import CONTENT_TYPES, ExportRequest, ExportStore, message_of
from chancery.audit.filters import parse
from chancery.audit.search import show
from chancery.audit.store import AuditStore
from chancery.core.errors import ChanceryError, NotFound
from chancery.core.mongo import Document
from chancery.core.objects import Objects, UploadGone
from chancery.core.observability import logger
from chancery.core.pagination import Position
from chancery.core.principal import TenantScope
from chancery.core.queue import Queue, receives

PART_BYTES = 8 * 1024 * 1024
_TIME_TO_FINISH_MS = 60_000
_CSV_FIELDS = (*LIST_FIELDS, "before", "after", "metadata", "salts")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP: CSV injection


@dataclass(slots=True)
class _Progress:
    """What is written but not yet in a saved part."""

    buffer: bytearray = field(default_factory=bytearray)
    records: int = 0
    last: Position | None = None


@dataclass(frozen=True, slots=True)
class ExportWorker:
    """Works on one export a message."""

    exports: ExportStore
    records: AuditStore
    objects: Objects
    queue: Queue
    max_receives: int
    part_bytes: int = PART_BYTES

    def consume(self, messages: Sequence[Mapping[str, Any]], remaining_ms: Callable[[], int]) -> list[str]:
        """Works on the exports of SQS `messages`; the ids of those to deliver again. A last delivery's error stays."""
        failed: list[Mapping[str, Any]] = []
        for message in messages:
            wanted = orjson.loads(message["body"])
            try:
                self.work(wanted, remaining_ms)
            except NotFound:
                logger.warning("EXPORT_UNKNOWN", ref_id=wanted["refId"])
            except ChanceryError as exc:
                logger.error("EXPORT_FAILED", ref_id=wanted["refId"], reason=exc.detail)
                if receives(message) >= self.max_receives:
                    self.fail(wanted, exc.detail)
                failed.append(message)
        if failed:
            self.queue.pause(failed)
        return [message["messageId"] for message in failed]

    def work(self, message: Mapping[str, Any], remaining_ms: Callable[[], int]) -> None:
        """Writes until the export is done or time runs short, then has another message carry on.

        Safe to repeat and to kill anywhere: it goes on after the last saved part. Raises Unavailable.
        """
        export = self.exports.get(message["refId"], {"tenantId": message["tenantId"]})
        if export["state"] in ("done", "failed"):
            return
        running = self.exports.advance(export, state="running")
        if running is None:
            return
        try:
            self._write(running, remaining_ms)
        except UploadGone:
            # Finished by a worker that died before it could say so, or expired by the bucket's lifecycle.
            self.exports.advance(running, state="queued", parts=[], uploadId=None, after=None, records=0, bytes=0)
            self.queue.send(message_of(export))

    def fail(self, message: Mapping[str, Any], reason: str) -> None:
        """Marks an export as failed for good."""
        export = self.exports.get(message["refId"], {"tenantId": message["tenantId"]})
        if export["state"] != "done":
            self.exports.advance(export, state="failed", error=reason)

    def _write(self, export: Document, remaining_ms: Callable[[], int]) -> None:
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
                    return
                export, progress = saved, _Progress()
                if remaining_ms() < _TIME_TO_FINISH_MS:
                    self.queue.send(message_of(export))
                    return
        self._finish(export, progress)

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

    def _finish(self, export: Document, progress: _Progress) -> None:
        key, body = export["key"], bytes(progress.buffer)
        if not export["parts"]:
            self.objects.put(key, body, CONTENT_TYPES[export["format"]])
            digest = hashlib.sha256(body).hexdigest()
        else:
            parts = list(export["parts"])
            if body:
                number = len(parts) + 1
                etag = self.objects.part(key, export["uploadId"], number, body)
                parts.append({"number": number, "etag": etag})
            self.objects.complete(key, export["uploadId"], parts)
            digest = self.objects.sha256(key)
        self.exports.advance(
            export,
            state="done",
            records=export["records"] + progress.records,
            bytes=export["bytes"] + len(body),
            sha256=digest,
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
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv_row(cells: Any) -> bytes:
    line = StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)  # RFC 4180
    return line.getvalue().encode()

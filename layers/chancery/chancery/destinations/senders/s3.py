"""S3: compressed files of JSON lines, by the hour in which the events happened.

    s3://bucket/prefix/acme/2026/03/01/12/audit-41-90.ndjson.gz

The name follows from tenant, hour, source and the chunk's range, and the bytes from the events: a chunk that is sent
again writes the same files. Events of two hours make two files. Options of a destination: `region`.
"""

import gzip
import hashlib
from base64 import b64encode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

from chancery.core.mongo.client import Document
from chancery.destinations.events import Event
from chancery.destinations.ports import BatchLimits, OpenDestination, Outgoing, Result, Unsendable
from chancery.destinations.senders.aws_access import TIMEOUT, CustomerAccount, role_of
from chancery.destinations.senders.payloads import (
    Payload,
    fitted,
    manifest_of,
    payload_of,
    payloads_of,
    shaped,
    to_json,
    with_age,
)

_LIMITS = BatchLimits(entries=5_000, payload_bytes=20_000_000, entry_bytes=5_000_000, age=timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class S3Sender:
    """Implements `ports.Sender`.

    The body of a message is its files, one after the other; its headers are each file's key and length.
    """

    account: CustomerAccount

    def limits(self, destination: Mapping[str, Any]) -> BatchLimits:
        """A file is written when the chunk is full, or its oldest event a minute old."""
        return with_age(_LIMITS, destination)

    def size(self, destination: Mapping[str, Any], event: Event) -> int:
        """The bytes of an event's line, uncompressed."""
        return len(_line(destination, payload_of(destination["tenantId"], event)))

    def prepare(self, to: OpenDestination, delivery: Document, events: Sequence[Event], _now: datetime) -> Outgoing:
        """The files of all events. Raises Unsendable."""
        role_of(to)
        bucket, prefix = _place(to.url)
        lines: dict[str, list[bytes]] = defaultdict(list)
        payloads = payloads_of(delivery, events)
        for payload in payloads:
            lines[_key(prefix, delivery, payload)].append(_line(to.document, payload))
        files = {key: gzip.compress(b"".join(of_key), 6, mtime=0) for key, of_key in lines.items()}
        manifest = manifest_of(delivery, len(payloads), b"".join(line for of_key in lines.values() for line in of_key))
        return Outgoing(
            "PUT",
            f"s3://{bucket}",
            [(key, str(len(content))) for key, content in files.items()],
            b"".join(files.values()),
            to.document["url"],
            {},
            {**manifest, "keys": list(files)},
        )

    def send(self, to: OpenDestination, message: Outgoing, seconds: float) -> Result:
        """Writes the files, with their checksums; each replaces the same file of an earlier attempt.

        None is begun when the time is over.
        """
        until, region = monotonic() + seconds, (to.document.get("options") or {}).get("region")

        def use(s3: Any) -> Result:
            at = 0
            for key, length in message.headers:
                if monotonic() >= until:
                    return TIMEOUT
                _put(s3, urlsplit(message.url).netloc, key, message.body[at : at + int(length)])
                at += int(length)
            return Result("accepted", "http_200", status=200)

        return self.account.call(to, "s3", region, use)


def _put(s3: Any, bucket: str, key: str, content: bytes) -> None:
    """Writes a file. It has no Content-Encoding, which would have some readers decompress it twice."""
    checksum = b64encode(hashlib.sha256(content).digest()).decode()
    s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType="application/gzip", ChecksumSHA256=checksum)


def _place(url: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`. Raises Unsendable."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise Unsendable("url_refused", "The URL is not of the form s3://bucket/prefix.")
    return parts.netloc, parts.path.strip("/")


def _key(prefix: str, delivery: Document, payload: Payload) -> str:
    hour = payload["timestamp"][:13].replace("-", "/").replace("T", "/")
    if delivery["kind"] == "events":
        name = f"{delivery['source']}-{delivery['first']}-{delivery['last']}"
    else:
        name = f"{delivery['kind']}-{delivery['refId']}"
    tenant = quote(delivery["tenantId"], safe="")
    return "/".join(part for part in (prefix, tenant, hour, f"{name}.ndjson.gz") if part)


def _line(destination: Mapping[str, Any], payload: Payload) -> bytes:
    return fitted(payload, _LIMITS.entry_bytes, lambda fit: to_json(shaped(destination, fit)) + b"\n")

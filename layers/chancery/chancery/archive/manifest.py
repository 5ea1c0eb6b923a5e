"""The manifest of an archived month: small, in STANDARD, and enough to tell whether the file is what was archived."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import orjson

from chancery.core.formats.times import to_rfc3339
from chancery.tlog.merkle import NO_LEAF

FORMAT = "chancery-archive@v1"
Document = Mapping[str, Any]  # no driver: who reads a manifest needs none


def manifest(
    partition: Document, parts: Sequence[Document], root: bytes, log: Document, encryption_key: str | None
) -> bytes:
    """The manifest's JSON, the same bytes whenever it is made again.

    `parts` are the file's, each with its SHA-256: a damaged byte is in one of them. `contentRoot` is the RFC 6962 root
    over the leaves of the records in the file's order. `log` says where they are in the tenant's log (`log_range`).
    """
    shown = [{name: part[name] for name in ("number", "records", "bytes", "rawBytes", "sha256")} for part in parts]
    return orjson.dumps(
        {
            "format": FORMAT,
            "tenantId": partition["tenantId"],
            "month": partition["month"],
            "supplement": partition["supplement"],
            "recordedFrom": to_rfc3339(partition["recordedFrom"]) if partition["recordedFrom"] else None,
            "recordedTo": to_rfc3339(partition["recordedTo"]),
            "key": partition["key"],
            "storageClass": partition["storageClass"],
            "encryptionKey": encryption_key,
            "records": sum(part["records"] for part in parts),
            "rawBytes": sum(part["rawBytes"] for part in parts),
            "bytes": sum(part["bytes"] for part in parts),
            "first": _shown(parts[0]["first"]),
            "last": _shown(parts[-1]["last"]),
            "contentRoot": root.hex(),
            "checksumSha256": composite([part["sha256"] for part in parts]),
            "parts": shown,
            "log": log,
            "versions": partition["versions"],
        },
        option=orjson.OPT_SORT_KEYS,
    )


def log_range(head: Mapping[str, Any], positions: Iterable[int]) -> Document:
    """Where records are in the log with a tree head (empty without a log): name, checkpoint (a signed note), first and
    last index, how many have a leaf and how many have none, because they are older than the log.
    """
    first, last, sealed, unsealed = NO_LEAF, -1, 0, 0
    for position in positions:
        if position == NO_LEAF:
            unsealed += 1
        else:
            sealed += 1
            first, last = min(first, position), max(last, position)
    return {
        "name": head.get("log"),
        "checkpoint": head.get("checkpoint"),
        "firstIndex": first if sealed else None,
        "lastIndex": last if sealed else None,
        "sealed": sealed,
        "unsealed": unsealed,
    }


def composite(parts: Sequence[str]) -> str:
    """S3's checksum of an object in parts: SHA-256 over theirs, in base64, and how many there are."""
    return f"{b64encode(sha256(b''.join(map(bytes.fromhex, parts))).digest()).decode()}-{len(parts)}"


# US dollars in us-east-1 (https://aws.amazon.com/s3/pricing/): a GB for a month, and a thousand requests. Parts are
# sent at the rate of STANDARD; the request that makes the file of them is one of its storage class.
_STANDARD = (0.023, 0.005)
_PRICES = {"GLACIER": (0.0036, 0.03), "DEEP_ARCHIVE": (0.00099, 0.05)}
# "For each object, S3 adds 32 KB at the rate of the storage class and 8 KB at that of STANDARD."
_OVERHEAD, _STANDARD_OVERHEAD = 32 * 1024, 8 * 1024
_GB = 1024**3


def cost(size: int, parts: int, storage_class: str) -> dict[str, Any]:
    """An estimate of what an archived file costs: once to write, and for each month it is kept.

    Without what stands beside it in STANDARD.
    """
    month, thousand = _PRICES[storage_class]
    writing = ((parts + 1) * _STANDARD[1] + thousand) / 1000
    keeping = ((size + _OVERHEAD) * month + _STANDARD_OVERHEAD * _STANDARD[0]) / _GB
    return {"writingUsd": round(writing, 6), "monthlyUsd": round(keeping, 9), "prices": "us-east-1"}


def _shown(place: Document) -> dict[str, Any]:
    return {"createdOn": to_rfc3339(place["createdOn"]), "refId": place["refId"]}

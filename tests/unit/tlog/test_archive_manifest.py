"""The content of a manifest."""

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256

import orjson

from chancery.tlog.archive_manifest import composite_checksum, log_range, serialize_manifest
from chancery.tlog.merkle import NO_LEAF

HEAD = {"log": "tenant-acme", "publishedSize": 90, "checkpoint": "note"}
PARTITION = {
    "tenantId": "acme",
    "month": "2024-02",
    "supplement": 1,
    "recordedFrom": datetime(2026, 3, 1, tzinfo=UTC),
    "recordedTo": datetime(2026, 4, 1, tzinfo=UTC),
    "key": "archives/tenant-acme/2024-02/001.ndjson.zst",
    "storageClass": "GLACIER",
    "versions": {"chancery": "1"},
    "seconds": 12.5,
}


def part(number: int, records: int) -> dict:
    place = {"createdOn": datetime(2024, 2, number, tzinfo=UTC), "refId": f"ref-{number}"}
    digest = sha256(bytes([number])).hexdigest()
    return {
        "number": number,
        "records": records,
        "bytes": 100 * records,
        "rawBytes": 500 * records,
        "sha256": digest,
        "first": place,
        "last": place,
        "subtrees": [bytes(32)],
    }


def test_a_manifest_sums_up_its_parts():
    parts = [part(1, 10), part(2, 5)]

    manifest = orjson.loads(serialize_manifest(PARTITION, parts, bytes(32), log_range(HEAD, [3, NO_LEAF, 1]), "key"))

    assert (manifest["records"], manifest["bytes"], manifest["rawBytes"]) == (15, 1500, 7500)
    assert (manifest["first"]["refId"], manifest["last"]["refId"]) == ("ref-1", "ref-2")
    assert (manifest["recordedFrom"], manifest["recordedTo"]) == (
        "2026-03-01T00:00:00.000Z",
        "2026-04-01T00:00:00.000Z",
    )
    assert (manifest["contentRoot"], manifest["encryptionKey"], manifest["supplement"]) == ("00" * 32, "key", 1)
    assert [set(item) for item in manifest["parts"]] == [{"number", "records", "bytes", "rawBytes", "sha256"}] * 2
    assert manifest["log"] == {
        "name": "tenant-acme",
        "checkpoint": "note",
        "firstIndex": 1,
        "lastIndex": 3,
        "sealed": 2,
        "unsealed": 1,
    }


def test_how_long_it_took_is_not_in_a_manifest():
    described = serialize_manifest(PARTITION, [part(1, 1)], bytes(32), log_range(HEAD, [0]), None)

    slower = {**PARTITION, "seconds": 99.0}
    assert described == serialize_manifest(slower, [part(1, 1)], bytes(32), log_range(HEAD, [0]), None)


def test_records_that_are_older_than_the_log_have_no_range():
    assert log_range({}, [NO_LEAF, NO_LEAF]) == {
        "name": None,
        "checkpoint": None,
        "firstIndex": None,
        "lastIndex": None,
        "sealed": 0,
        "unsealed": 2,
    }


def test_a_composite_checksum_is_computed_from_the_checksums_of_the_parts():
    digests = [sha256(b"a"), sha256(b"b")]

    expected = b64encode(sha256(digests[0].digest() + digests[1].digest()).digest()).decode()

    assert composite_checksum([digest.hexdigest() for digest in digests]) == f"{expected}-2"

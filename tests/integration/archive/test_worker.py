"""A month from the database to the archive: the records of its file, and those left out."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from botocore.exceptions import ClientError

from chancery.tlog.leaf import leaf_entry
from chancery.tlog.merkle import leaf_hash, root
from chancery.tlog.signed_notes import open_checkpoint
from tests.integration.archive.conftest import PLANNED, START, long_time
from tests.integration.archive.reading import STEM, file_of, lines_of, manifest_of, proof_of

pytestmark = pytest.mark.usefixtures("small", "archive")


def test_an_archived_month_is_its_records_line_for_line(insert, seal, plan, make_worker, archived):
    records = insert(25)
    seal()

    make_worker().work(plan(), long_time)

    found = archived()
    assert set(found) == {f"{STEM}{suffix}" for suffix in (".ndjson.zst", ".manifest.json", ".proof", ".index.json")}
    assert file_of(found) == lines_of(records)


def test_a_file_holds_the_month_to_the_millisecond_and_no_other_tenant(insert_unsealed, plan, make_worker, archived):
    end = datetime(2024, 3, 1, tzinfo=UTC)
    records = insert_unsealed(1) + insert_unsealed(1, start=end - timedelta(milliseconds=1))
    insert_unsealed(1, start=START - timedelta(milliseconds=1))
    insert_unsealed(1, start=end)
    insert_unsealed(3, "globex"), insert_unsealed(2, None)

    make_worker().work(plan(), long_time)

    assert file_of(archived()) == lines_of(records)


def test_the_platforms_own_records_have_an_archive(insert, seal, plan, make_worker, archived):
    records = insert(12, None)
    seal(None)

    make_worker().work(plan(None), long_time)

    found = archived()
    assert file_of(found, "archives/platform/2024-02/000") == lines_of(records)
    assert manifest_of(found, "archives/platform/2024-02/000")["tenantId"] is None


def test_late_records_are_in_a_supplement_and_nowhere_else(insert_unsealed, plan, make_worker, archived):
    records = insert_unsealed(15)
    late = insert_unsealed(7, start=START + timedelta(seconds=5), recorded_on=PLANNED + timedelta(days=2))
    later = insert_unsealed(3, recorded_on=PLANNED + timedelta(days=40))

    make_worker().work(plan(), long_time)
    window = {"recordedFrom": PLANNED, "recordedTo": PLANNED + timedelta(days=30)}
    make_worker().work(plan(supplement=1, **window), long_time)

    found = archived()
    assert file_of(found) == lines_of(records)
    assert file_of(found, f"{STEM[:-1]}1") == lines_of(late)
    assert manifest_of(found, f"{STEM[:-1]}1")["recordedFrom"] == "2026-03-05T02:00:00.000Z"
    assert later


def test_a_manifest_describes_the_stored_file(insert, seal, plan, make_worker, archived, stored, s3):
    records = insert(25)
    seal()
    message = plan(storageClass="DEEP_ARCHIVE")
    make_worker().work(message, long_time)

    found, head = archived(), s3.head_object(Bucket="archive", Key=f"{STEM}.ndjson.zst", ChecksumMode="ENABLED")
    manifest, partition = manifest_of(found), stored(message)

    assert (head["StorageClass"], head["ServerSideEncryption"]) == ("DEEP_ARCHIVE", "aws:kms")
    assert (manifest["storageClass"], manifest["encryptionKey"]) == ("DEEP_ARCHIVE", head["SSEKMSKeyId"])
    assert (manifest["bytes"], manifest["checksumSha256"]) == (head["ContentLength"], head["ChecksumSHA256"])
    assert manifest["records"] == 25
    assert manifest["contentRoot"] == root([leaf_hash(leaf_entry(record)) for record in records]).hex()
    at = 0
    for part in manifest["parts"]:
        assert sha256(found[f"{STEM}.ndjson.zst"][at : at + part["bytes"]]).hexdigest() == part["sha256"]
        at += part["bytes"]
    assert (partition["state"], partition["records"], partition["bytes"]) == ("archived", 25, manifest["bytes"])
    assert partition["manifestSha256"] == sha256(found[f"{STEM}.manifest.json"]).hexdigest()
    assert (partition["first"]["refId"], partition["uploadId"]) == (records[0]["refId"], None)
    assert partition["cost"]["monthlyUsd"] > 0


def test_archived_files_are_locked(insert_unsealed, plan, make_worker, s3):
    insert_unsealed(1)
    make_worker().work(plan(), long_time)

    head = s3.head_object(Bucket="archive", Key=f"{STEM}.manifest.json")

    assert head["ObjectLockMode"] == "COMPLIANCE"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket="archive", Key=f"{STEM}.manifest.json", VersionId=head["VersionId"])


def test_a_proof_leads_each_line_to_the_signed_log(insert, insert_unsealed, seal, plan, make_worker, archived, log_key):
    old, records = insert_unsealed(6), insert(300, start=START + timedelta(hours=1))
    insert(20, start=START + timedelta(days=60))
    seal()
    make_worker().work(plan(), long_time)

    found = archived()
    head, tiles, positions = proof_of(found)
    newest = open_checkpoint(head["checkpoint"], log_key.verifier("tenant-acme"), log_key.verify)

    assert (head["records"], head["sha256"], newest.size) == (306, None, 320)
    assert positions == [None] * 6 + list(range(300))
    for record, position in zip(records, positions[6:], strict=True):
        place = position % 256 * 32
        assert tiles[position // 256][place : place + 32] == leaf_hash(leaf_entry(record))
    expected = {"firstIndex": 0, "lastIndex": 299, "sealed": 300, "unsealed": 6, "name": "tenant-acme"}
    assert manifest_of(found)["log"] == {**expected, "checkpoint": head["checkpoint"]}
    assert old


def test_records_from_before_sealing_are_archived_without_a_proof(insert_unsealed, plan, make_worker, archived):
    records = insert_unsealed(12)

    make_worker().work(plan(), long_time)

    found = archived()
    assert file_of(found) == lines_of(records)
    assert f"{STEM}.proof" not in found
    none = {"name": None, "checkpoint": None, "firstIndex": None, "lastIndex": None}
    assert manifest_of(found)["log"] == {**none, "sealed": 0, "unsealed": 12}

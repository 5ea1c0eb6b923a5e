"""Damage in any part of an archive is found and named, and no damaged record is ever returned."""

import json
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
import pytest
import zstandard

from chancery.audit.digest import digest
from chancery.tlog.archive_manifest import composite_checksum
from chancery.tlog.leaf import leaf_entry
from chancery.tlog.merkle import CompactRange, leaf_hash
from tests.integration.archive.conftest import LOGS, long_time
from tests.integration.archive.restoring import BUCKET, canonical


@pytest.fixture
def damaged(restoring, month, restored, capsys) -> Callable[..., str]:
    """Restores a damaged month; the reason of its failure. None of its records can be found."""

    def restore() -> str:
        done = restoring.restore(month["refId"])
        assert (done["state"], restored()) == ("failed", [])
        assert "ArchivesDamaged" in capsys.readouterr().out
        assert restoring.connect("archiver").archive_parts.count_documents({}) == 0
        return done["error"]

    return restore


def test_a_flipped_byte_of_the_file_names_its_part_and_bytes(restoring, month, damaged):
    parts = json.loads(restoring.read(restoring.objects(month)["manifest.json"]))["parts"]
    first = parts[0]["bytes"]
    restoring.flip(month["key"], first + 7)

    error = damaged()

    assert error.startswith(f"Part 2 of the file, bytes {first} to {first + parts[1]['bytes'] - 1}, is not what was")


def test_every_bit_of_the_file_counts(restoring, month, connect):
    body = restoring.read(month["key"])
    for at in range(0, len(body), len(body) // 7):
        restoring.flip(month["key"], at)
        assert restoring.restore(month["refId"])["error"].startswith("Part ")
        restoring.replace(month["key"], body)
    assert restoring.restore(month["refId"])["state"] == "restored"


def test_a_file_that_is_cut_off_is_named_by_its_length(restoring, month, damaged):
    body = restoring.read(month["key"])
    restoring.replace(month["key"], body[:-1])

    assert damaged() == f"The file has {len(body) - 1} bytes, and {len(body)} were archived."


@pytest.mark.parametrize("name", ["manifest.json", "proof"])
def test_every_flipped_byte_of_manifest_and_proof_is_found(restoring, month, name):
    key = restoring.objects(month)[name]
    body = restoring.read(key)
    for at in range(0, len(body), 97):
        restoring.flip(key, at)
        failed = restoring.restore(month["refId"])
        assert failed["state"] == "failed", at
        assert name.partition(".")[0] in failed["error"].lower() or "log" in failed["error"], failed["error"]
        restoring.replace(key, body)
    assert restoring.restore(month["refId"])["state"] == "restored"


@pytest.mark.parametrize("name", ["manifest.json", "proof"])
def test_a_missing_or_truncated_manifest_or_proof_is_named(restoring, month, damaged, name):
    key = restoring.objects(month)[name]
    body = restoring.read(key)

    restoring.replace(key, body[: len(body) // 2])
    assert name.partition(".")[0] in damaged().lower()

    restoring.s3.delete_object(Bucket=BUCKET, Key=key)
    assert damaged() == f"The {name.partition('.')[0]}: it is gone."


def test_an_oversized_manifest_or_proof_is_not_read_into_memory(restoring, month, damaged):
    manifest, proof = (restoring.objects(month)[name] for name in ("manifest.json", "proof"))
    body = restoring.read(manifest)
    restoring.replace(manifest, b" " * (16 << 20))
    tracemalloc.start()

    assert damaged() == f"The manifest: it has {16 << 20} bytes, more than any."

    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 << 20
    restoring.replace(manifest, body)
    restoring.replace(proof, b" " * (9 << 20))
    assert damaged() == "The proof, line 1: is cut off, or longer than any line of a proof."


def test_a_file_that_is_gone_is_named(restoring, month):
    restoring.ask(month["refId"])
    restoring.s3.delete_object(Bucket=BUCKET, Key=month["key"])

    assert restoring.come_back(month)["error"] == "The file is gone."


def test_a_restore_of_a_file_that_is_gone_has_failed_at_once_and_may_be_asked_for_again(restoring, month, capsys):
    body = restoring.read(month["key"])
    restoring.s3.delete_object(Bucket=BUCKET, Key=month["key"])

    status, answer = restoring.ask(month["refId"])

    assert (status, answer["restore"]["state"], answer["restore"]["error"]) == (202, "failed", "The file is gone.")
    assert "ArchivesDamaged" in capsys.readouterr().out
    assert restoring.sweep() == {"waiting": 0, "expired": 0}
    restoring.replace(month["key"], body)
    assert restoring.restore(month["refId"])["state"] == "restored"


def test_another_months_manifest_is_refused(restoring, month, insert, seal, archive_month, damaged):
    insert(4, start=datetime(2024, 1, 1, tzinfo=UTC))
    seal()
    other = archive_month(month="2024-01")
    restoring.replace(
        restoring.objects(month)["manifest.json"], restoring.read(restoring.objects(other)["manifest.json"])
    )

    assert damaged() == "The manifest: it is not the one that was written."


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"contentRoot": "0" * 64}, "content root"),
        ({"last": {"refId": "0" * 26}}, "last record is not the one"),
        ({"first": {"refId": "0" * 26}}, "not the first record"),
        ({"records": 26}, "do not add up to its records"),
        ({"checksumSha256": "x-3"}, "checksum is not that of its parts"),
        ({"log": {"firstIndex": 4}}, "not where the manifest says they are in the log"),
        ({"log": {"sealed": 24, "unsealed": 1}}, "not where the manifest says they are in the log"),
        ({"log": {"checkpoint": None}}, "names a log without a checkpoint"),
        ({"tenantId": "globex"}, "another archive's"),
        ({"recordedTo": "2026-03-02T00:00:00.000Z"}, "another archive's"),
        ({"month": "2024-03"}, "key is that of another month"),
        ({"format": "chancery-archive@v2"}, "is not a manifest of an archive: format"),
    ],
)
def test_a_manifest_that_the_database_agrees_with_still_has_to_be_true(restoring, month, damaged, changes, error):
    restoring.rewrite_manifest(month, **changes)

    assert error in damaged()


def test_a_checkpoint_of_another_key_is_refused(restoring, month, damaged):
    described = json.loads(restoring.read(restoring.objects(month)["manifest.json"]))
    note = described["log"]["checkpoint"]
    forged = {"checkpoint": note.replace("\n33\n", "\n32\n")}
    restoring.rewrite_manifest(month, log=forged)
    restoring.rewrite_proof(month, forged)

    assert damaged() == "The proof: The checkpoint's signature does not hold."


@pytest.fixture
def rewrite(restoring, month) -> Callable[..., None]:
    """Writes the month again with changed records, and with manifest and proof that match, as an intruder would."""

    def write(
        change: Callable[[list[dict[str, Any]]], Any], *, sign: bool = True, more: Sequence[int | None] = ()
    ) -> None:
        records = [json.loads(line) for line in decompressed(restoring.read(month["key"]))]
        index_of = {id(record): index for index, record in enumerate(records, 5)}
        change(records)
        indexes = [index_of[id(record)] for record in records]
        records = [again_digested(record) for record in records] if sign else records
        lines = [orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records]
        body, tree = zstandard.compress(b"".join(lines)), CompactRange()
        for record in records:
            tree.append(leaf_hash(leaf_entry(record)))
        sizes = {"records": len(lines), "bytes": len(body), "rawBytes": sum(map(len, lines))}
        part = {"number": 1, "sha256": sha256(body).hexdigest(), **sizes}
        restoring.replace(month["key"], body)
        change_size = {"$set": {"bytes": len(body)}}
        restoring.connect("admin").archive_partitions.update_one({"refId": month["refId"]}, change_size)
        restoring.rewrite_proof(month, {"records": len(lines)}, [*indexes, *more])
        restoring.rewrite_manifest(
            month,
            **sizes,
            parts=[part],
            last={name: records[-1][name] for name in ("createdOn", "refId")},
            contentRoot=tree.root().hex(),
            checksumSha256=composite_checksum([part["sha256"]]),
            log={"sealed": len(lines), "unsealed": 0, "firstIndex": min(indexes), "lastIndex": max(indexes)},
        )

    return write


def decompressed(body: bytes) -> list[bytes]:
    return zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True).read().splitlines()


def again_digested(record: dict[str, Any]) -> dict[str, Any]:
    salts = {field: bytes.fromhex(salt) for field, salt in record["salts"].items()}
    return {**record, "digest": digest(record, salts)}


def test_a_month_that_is_written_anew_with_the_same_records_still_holds(restoring, month, rewrite):
    rewrite(lambda records: None)

    assert restoring.restore(month["refId"])["state"] == "restored"


def test_a_record_that_was_changed_does_not_have_its_digest(rewrite, damaged):
    rewrite(lambda records: records[11].update(actorId="somebody-else"), sign=False)

    error = damaged()

    assert error.startswith("Record 12 of the file, refId ")
    assert error.endswith(": the record was changed: its content does not have its digest.")


def test_a_record_that_was_changed_with_its_digest_is_not_the_one_that_was_sealed(rewrite, damaged):
    rewrite(lambda records: records[11].update(actorId="somebody-else"))

    error = damaged()

    assert error.startswith("Record 12 of the file, refId ")
    assert error.endswith(", index 16: the log has another record at this index.")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda records: records.insert(3, records[2]), "Record 4 of the file, refId {3}: the record is out of order"),
        (lambda records: records.reverse(), "is not the first record that the manifest names"),
        (lambda records: records.__setitem__(slice(5, 7), [records[6], records[5]]), "out of order"),
        (lambda records: records[4].update(tenantId="globex"), "another tenant's"),
        (lambda records: records[24].update(createdOn="2024-03-01T00:00:00.000Z"), "of another month"),
        (lambda records: records[4].update(recordedOn="2026-04-01T00:00:00.000Z"), "recorded after the manifest's"),
        (lambda records: records[4].pop("salts"), "the salts are not those"),
        (lambda records: records[4].update(_id="x"), "has an _id"),
    ],
)
def test_records_that_cannot_be_the_months_are_refused(rewrite, damaged, change, error):
    sign = error != "the salts are not those"
    rewrite(change, sign=sign)

    assert error.partition("{")[0] in damaged()


@pytest.mark.parametrize(
    ("position", "error"),
    [
        (5, "The proof: is about 25 records, and the file has 24."),
        (29, "The proof: is about 25 records, and the file has 24."),
        (None, "The proof: is about 25 records, and the file has 24."),
        (256, "The proof, line 3: a position is not an index in a log of 33 records."),
    ],
)
def test_a_proof_of_more_records_than_there_are_is_refused(rewrite, damaged, position, error):
    rewrite(lambda records: records.pop(), more=[position])

    assert damaged() == error


def test_a_tile_of_the_log_that_was_changed_is_named(restoring, month, damaged):
    key = "logs/tenant-acme/tile/0/000.p/33"
    body = restoring.s3.get_object(Bucket=LOGS, Key=key)["Body"].read()
    restoring.s3.put_object(Bucket=LOGS, Key=key, Body=body[:-1] + b"x")

    assert "do not lead to the root of the checkpoint" in damaged()


def test_a_failed_month_can_be_requested_again_once_it_is_repaired(restoring, month, live, restored):
    body = restoring.read(month["key"])
    restoring.flip(month["key"], 30)
    assert restoring.restore(month["refId"])["state"] == "failed"
    restoring.replace(month["key"], body)

    assert restoring.restore(month["refId"])["state"] == "restored"
    assert canonical(restored()) == canonical(live())


def test_a_month_whose_restore_failed_is_not_archived_again(restoring, month, make_worker):
    restoring.flip(month["key"], 30)
    failed = restoring.restore(month["refId"])

    make_worker().work({"refId": month["refId"], "tenantId": "acme"}, long_time)

    assert restoring.partition(month["refId"]) == month
    assert restoring.newest(month["refId"]) == failed

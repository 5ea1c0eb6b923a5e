"""Archives verified by manifest and proof; every change is found and its place named."""

import random
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import orjson
import pytest
import zstandard

from chancery.cli import verification
from chancery.tlog import proof_file, record_lines
from chancery.tlog.archive_manifest import composite_checksum
from chancery.tlog.errors import VerificationError
from tests.archived import START, Archive, archive, month_records
from tests.profiles import LONG
from tests.sealed import ORIGIN, SealedLog, Signer, again_sealed

RECORDS = month_records(300)
UNSEALED = month_records(40, START + timedelta(hours=1))
LOG = SealedLog(Signer(), RECORDS, strangers=20)


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    """A frame, and so a part, for some fifty records."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chancery.archive.files._BATCH", 50)
        patch.setattr("chancery.archive.files.FRAME_BYTES", 1)
        yield


@pytest.fixture
def whole() -> Archive:
    return archive(RECORDS, LOG)


@pytest.fixture
def mixed() -> Archive:
    return archive([*RECORDS, *UNSEALED], LOG)


def refused(found: Archive, **options: Any) -> VerificationError:
    with pytest.raises(VerificationError) as failure:
        found.verify(**options)
    return failure.value


def parts(found: Archive) -> list[dict[str, Any]]:
    return orjson.loads(found.manifest)["parts"]


def test_an_archive_holds_with_its_proof(whole):
    found = whole.verify()

    assert found.size == 320
    assert (found.manifest.tenant_id, found.manifest.month, found.manifest.records) == ("acme", "2024-02", 300)
    assert (found.manifest.log.sealed, found.manifest.log.unsealed) == (300, 0)
    assert 4 < len(parts(whole)) < 9


def test_without_a_proof_it_is_compared_with_its_manifest_only(whole):
    assert whole.changed(proof=b"x").verify(proven=False).size is None


def test_records_without_a_leaf_are_checked_by_their_digests_and_counted(mixed):
    found = mixed.verify()

    assert (found.manifest.log.sealed, found.manifest.log.unsealed) == (300, 40)
    body = zstandard.ZstdDecompressor().stream_reader(mixed.file, read_across_frames=True).read()
    assert body.count(b"\n") == 340


def test_an_archive_from_before_there_was_a_log_has_no_proof():
    found = archive(UNSEALED, SealedLog(Signer(), []))

    assert found.verify(proven=False).manifest.log.unsealed == 40


@pytest.mark.parametrize("count", [1, 49, 50, 51, 256, 257, 300])
def test_archives_of_any_size_hold(count):
    assert archive(RECORDS[:count], SealedLog(LOG.signer, RECORDS[:count])).verify().size == count


@pytest.mark.parametrize("size", [65_530, 65_536, 66_000])
def test_a_log_of_three_levels(size):
    assert archive(RECORDS, SealedLog(LOG.signer, RECORDS, strangers=size - 300)).verify().size == size


def test_worker_processes_come_to_the_same_end(mixed, monkeypatch):
    monkeypatch.setattr(verification, "chunks", partial(record_lines.chunks, size=10_000))
    read: list[int] = []

    assert mixed.verify(workers=2, advance=read.append) == mixed.verify()
    assert sum(read) == len(mixed.file)


def test_memory_does_not_grow_with_the_archive(monkeypatch):
    monkeypatch.setattr(verification, "chunks", partial(record_lines.chunks, size=1 << 16))
    monkeypatch.setattr(verification, "_PIECE", 1 << 12)
    monkeypatch.setattr(proof_file, "_CACHED_TILES", 4)

    def peak(count: int) -> int:
        stored = month_records(count)
        found = archive(stored, SealedLog(LOG.signer, stored))
        tracemalloc.start()
        found.verify()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(900) < peak(300) + 200_000  # and its records by 650 kB


# ---- damage


def test_a_flipped_byte_of_the_file_names_part_and_bytes(whole):
    first, second = (part["bytes"] for part in parts(whole)[:2])
    body = bytearray(whole.file)
    body[first + 3] ^= 1

    failure = refused(whole.changed(file=bytes(body)))

    assert failure.file == "archive"
    named = f"part 2 of the file, bytes {first} to {first + second - 1}"
    assert failure.what == f"{named}, is not what was archived: its SHA-256 is another"


@pytest.mark.parametrize("cut", [1, 500, 100_000])
def test_a_truncated_file_is_reported_with_the_byte(whole, cut):
    left = whole.file[:-cut] if cut < len(whole.file) else b""

    assert refused(whole.changed(file=left)).what.startswith(f"is cut off at byte {len(left)}, within part ")


def test_a_file_that_goes_on_after_its_last_part_is_refused(whole):
    failure = refused(whole.changed(file=whole.file + b"x"))

    assert failure.what == f"has {len(whole.file) + 1} bytes, and {len(whole.file)} were archived"


def test_the_manifest_of_another_month_is_refused(whole):
    other = archive(month_records(300, datetime(2024, 1, 1, tzinfo=UTC)), LOG, month="2024-01")

    failure = refused(whole.changed(manifest=other.manifest), proven=False)
    assert failure.file == "archive"
    assert failure.what.startswith("part 1 of the file, bytes 0 to ")
    assert refused(whole.changed(manifest=other.manifest)).file == "proof"


def test_the_proof_of_another_archive_is_refused(whole, mixed):
    assert "is for an archive of 340 records" in refused(whole.changed(proof=mixed.proof)).what


def test_another_key_or_the_key_of_another_log_is_refused(whole):
    assert "not signed by the key" in refused(whole, key=Signer(ORIGIN).key).what
    stranger = Signer("log.example/chancery/tenant-globex")
    theirs = archive(RECORDS, SealedLog(stranger, RECORDS))

    assert refused(theirs).what == f"the log of its tenant is tenant-acme, and the key is that of {stranger.key.name}"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"contentRoot": "0" * 64}, "content root"),
        ({"last": {"refId": "0" * 26}}, "the last record is not the one that it names"),
        ({"first": {"refId": "0" * 26}}, "is not the first record that the manifest names"),
        ({"records": 301}, "its parts do not add up to its records"),
        ({"rawBytes": 1}, "its parts do not add up to its raw_bytes"),
        ({"checksumSha256": "x-6"}, "its checksum is not that of its parts"),
        ({"supplement": 1}, "its key is that of another month or supplement"),
        ({"tenantId": "globex"}, "its key is not archives/tenant-globex/"),
        ({"recordedTo": "2024-02-01T00:00:00.000Z"}, "the record was recorded after the manifest's time"),
        ({"recordedFrom": "2024-02-01T00:00:01.000Z"}, "the record was recorded before the manifest's time"),
        ({"log": {"lastIndex": 320}}, "its records are not where the manifest says they are in the log"),
        ({"log": {"sealed": 1, "unsealed": 299}}, "its records are not where the manifest says they are in the log"),
        ({"log": {"checkpoint": None}}, "it names a log without a checkpoint"),
        ({"log": {"name": "tenant-globex"}}, "the log of its tenant is tenant-acme"),
        ({"format": "chancery-archive@v2"}, "is not a manifest of an archive: format"),
        ({"parts": []}, "is not a manifest of an archive: parts"),
        ({"month": "2024-13"}, "is not a manifest of an archive: month"),
    ],
)
def test_a_changed_manifest_is_refused(whole, changes, what):
    assert what in refused(whole.described(**changes)).what


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff", b'{"format": 1, "format": 2}', b"null"])
def test_a_malformed_manifest_is_refused(whole, text):
    assert refused(whole.changed(manifest=text)).file == "manifest"


def rewritten(change: Any, *, sign: bool = True, log: SealedLog = LOG) -> Archive:
    """The archive of changed records, with a matching manifest and the old proof."""
    stored = [dict(record) for record in RECORDS]
    change(stored)
    honest = archive(RECORDS, log)
    forged = archive([again_sealed(record) for record in stored] if sign else stored, log)
    return forged.changed(proof=honest.proof)


@pytest.mark.parametrize(
    ("change", "line", "what"),
    [
        (lambda stored: stored[99].update(actorId="x"), 100, "the log has another record at this index"),
        (lambda stored: stored[0].update(tenantId="globex"), 1, "the record is another tenant's"),
        (lambda stored: stored[149].update(createdOn=datetime(2024, 3, 1, tzinfo=UTC)), 150, "is of another month"),
        (lambda stored: stored.__setitem__(51, stored[50]), 52, "out of order, or twice in the file"),
    ],
)
def test_a_record_that_was_changed_with_all_around_it_is_named(change, line, what):
    failure = refused(rewritten(change))

    assert what in failure.what
    assert (failure.file, failure.line) == ("archive", line)
    assert failure.ref_id is not None


@pytest.mark.parametrize("at", [9, 49])
def test_records_in_another_order_are_named_without_a_proof_too(at, monkeypatch):
    monkeypatch.setattr(verification, "chunks", partial(record_lines.chunks, size=10_000))
    forged = rewritten(lambda stored: stored.__setitem__(slice(at, at + 2), [stored[at + 1], stored[at]]))

    failure = refused(forged, proven=False)

    assert (failure.line, failure.ref_id) == (at + 2, RECORDS[at]["refId"])
    assert failure.what == "the record is out of order, or twice in the file"


def test_a_record_that_does_not_have_its_digest_is_named_without_a_proof_too():
    forged = rewritten(lambda stored: stored[70].update(actorId="x"), sign=False)

    failure = refused(forged, proven=False)

    assert failure.what == "the record was changed: its content does not have its digest"
    assert (failure.line, failure.ref_id) == (71, RECORDS[70]["refId"])


def test_a_record_hidden_from_the_log_is_found_by_the_manifests_numbers(whole):
    lines = whole.proof_lines()
    lines[-1]["positions"][7] = None

    assert refused(whole.proven(lines)).what == "its records are not where the manifest says they are in the log"


def test_a_proof_of_more_or_fewer_records_is_refused(whole):
    lines = whole.proof_lines()
    lines[-1]["positions"].append(25)
    assert refused(whole.proven(lines)).what == "is about 301 records, and the file has 300"
    del lines[-1]["positions"][-2:]
    assert refused(whole.proven(lines)).what == "is about 299 records, and the file has 300"


def test_a_frame_that_cannot_be_decompressed_is_named(whole):
    first = parts(whole)[0]
    body = b"x" * first["bytes"]
    digest = sha256(body).hexdigest()
    changed = [first | {"sha256": digest}, *parts(whole)[1:]]
    checksum = composite_checksum([part["sha256"] for part in changed])
    forged = whole.described(parts=changed, checksumSha256=checksum).changed(file=body + whole.file[first["bytes"] :])

    part = f"part 1 of the file, bytes 0 to {first['bytes'] - 1}"
    assert refused(forged).what.startswith(f"{part} cannot be decompressed")


IGNORED = (
    b'"encryptionKey":"key"',
    b'"versions":{"chancery":"test"}',
    b'"storageClass":"GLACIER"',
    b'"recordedTo":"2026-03-01T00:00:00.000Z"',
)


@pytest.mark.parametrize("seed", range(4))
def test_no_bit_can_be_flipped_unnoticed(mixed, seed):
    choice = random.Random(seed)
    assert mixed.verify()
    for name in ("file", "manifest", "proof"):
        body = getattr(mixed, name)
        for _ in range(60 if LONG else 20):
            at = choice.randrange(len(body))
            if name == "manifest" and any(start <= at < start + len(text) for start, text in places(body)):
                continue
            changed = bytearray(body)
            changed[at] ^= 1 << choice.randrange(8)
            assert refused(mixed.changed(**{name: bytes(changed)})).what, (name, at)


def places(manifest: bytes) -> list[tuple[int, bytes]]:
    """The places of manifest members that nothing else confirms: key, versions, storage class."""
    return [(manifest.index(text), text) for text in IGNORED]

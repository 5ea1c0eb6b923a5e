"""Exports against their proofs beyond single mutations: sizes, workers, memory, age, the form of the proof."""

import json
import random
import tracemalloc
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import Any

import orjson
import pytest

from chancery.cli import verification
from chancery.cli.checkpoints import opener
from chancery.cli.verification import SealedExport, verify_export
from chancery.tlog import proof_file, record_lines
from chancery.tlog.errors import VerificationError
from chancery.tlog.signed_notes import Checkpoint, encode
from tests.sealed import ORIGIN, SealedLog, Signer, records

RECORDS = records(600)
LOG = SealedLog(Signer(), RECORDS)
POSITIONS = list(range(0, 600, 3))
EXPORT, PROOF = LOG.export(POSITIONS), LOG.export_proof(POSITIONS, batch=60)


def verify(export: bytes, proof: bytes, log: SealedLog = LOG, **options: Any) -> SealedExport:
    return verify_export(BytesIO(export), BytesIO(proof), log.signer.key, **options)


def refused(export: bytes, proof: bytes, log: SealedLog = LOG, **options: Any) -> VerificationError:
    with pytest.raises(VerificationError) as failure:
        verify(export, proof, log, **options)
    return failure.value


def proof_lines(proof: bytes = PROOF) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in proof.splitlines()]


def written(lines: list[Any]) -> bytes:
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)


def changed(number: int, **changes: Any) -> bytes:
    """The proof with members of a line (from 1) changed."""
    lines = proof_lines()
    lines[number - 1] |= changes
    return written(lines)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 600])
def test_a_whole_log_of_any_size_holds_and_is_complete(size):
    log = LOG.at(size)
    everything = range(size)

    found = verify(log.export(everything), log.export_proof(everything), log)

    assert found == SealedExport(ORIGIN, size, size)
    assert found.complete


@pytest.mark.parametrize("seed", range(5))
def test_a_part_in_any_order_holds_and_is_not_complete(seed):
    choice = random.Random(seed)
    some = choice.sample(range(600), choice.randrange(1, 300))

    found = verify(LOG.export(some), LOG.export_proof(some, batch=7))

    assert (found.records, found.complete) == (len(some), False)


def test_an_export_without_records_holds():
    assert verify(b"", LOG.export_proof([])).records == 0
    assert refused(EXPORT, LOG.export_proof([])).what == "the proof has no position for this line"


def test_a_record_left_out_with_its_position_leaves_the_export_incomplete():
    everything = list(range(600))
    del everything[300]

    assert not verify(LOG.export(everything), LOG.export_proof(everything)).complete


@pytest.mark.parametrize("size", [65_500, 65_536, 65_537, 70_000])
def test_a_log_of_three_levels(size):
    log = SealedLog(Signer(), RECORDS[:400], strangers=size - 400)
    some = [size - 1, size - 400, *range(size - 300, size - 100)]
    export, proof = log.export(some), log.export_proof(some)

    assert verify(export, proof, log).records == 202
    lines = proof_lines(proof)
    for number, tile in enumerate(lines[1:], 2):
        if "level" in tile:
            row = bytearray(sha256().digest()) * (len(tile["hashes"]) // 4 * 3 // 32)
            wrong = [*lines[: number - 1], tile | {"hashes": encode(row)}, *lines[number:]]
            failure = refused(export, written(wrong), log)
            full = (tile["number"] + 1) << 8 * (tile["level"] + 1) <= size
            assert (failure.file, failure.line) == ("proof", number if full else 1), failure


def test_worker_processes_come_to_the_same_end(monkeypatch):
    monkeypatch.setattr(verification, "chunks", partial(record_lines.chunks, size=20_000))
    monkeypatch.setattr(verification, "_PIECE", 1000)
    lines = EXPORT.splitlines(keepends=True)
    lines[150] = lines[150].replace(b"Sarah", b"Sahra")
    lines[170] = b"x\n"
    read: list[int] = []

    verify(EXPORT, PROOF, advance=read.append)

    assert sum(read) == len(EXPORT)
    assert len(read) > 5
    failures = [refused(b"".join(lines), PROOF, workers=workers) for workers in (0, 2)]
    assert [(failure.line, failure.index) for failure in failures] == [(151, 450)] * 2
    assert failures[0].ref_id == RECORDS[450]["refId"] == failures[1].ref_id


def test_memory_does_not_grow_with_the_export(monkeypatch):
    monkeypatch.setattr(verification, "chunks", partial(record_lines.chunks, size=1 << 16))
    monkeypatch.setattr(verification, "_PIECE", 1 << 12)
    monkeypatch.setattr(proof_file, "_CACHED_TILES", 4)

    def peak(count: int) -> int:
        log = SealedLog(LOG.signer, (RECORDS * 2)[:count])
        export, proof = (BytesIO(log.export(range(count))), BytesIO(log.export_proof(range(count))))
        tracemalloc.start()
        verify_export(export, proof, log.signer.key)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(1200) < peak(600) + 200_000  # and the export grows by 650 kB


def test_a_number_written_otherwise_is_found_by_the_hash_of_the_file_and_its_line_named():
    lines = EXPORT.splitlines(keepends=True)
    for place, old, new in ((10, b"1e-7", b"1E-7"), (20, b'"n":60', b'"n": 60'), (30, b"Sarah", b"\\u0053arah")):
        assert old in lines[place]
        other = [*lines[:place], lines[place].replace(old, new), *lines[place + 1 :]]
        failure = refused(b"".join(other), PROOF)
        assert (failure.file, failure.line) == ("export", place + 1)
        assert "SHA-256" in failure.what


def test_fields_in_another_order_are_found_by_the_hash_of_the_file():
    lines = EXPORT.splitlines(keepends=True)
    lines[5] = orjson.dumps(dict(reversed(orjson.loads(lines[5]).items())), option=orjson.OPT_APPEND_NEWLINE)

    failure = refused(b"".join(lines), PROOF)

    assert ("SHA-256" in failure.what, failure.line) == (True, None)


def test_a_malformed_line_of_an_export_is_named_without_a_crash():
    lines = EXPORT.splitlines(keepends=True)
    for wrong in (b"\n", b"{}\n", b"[]\n", b"\xff\n", b'{"a":1,"a":1}\n', b"[" * 9999 + b"\n"):
        failure = refused(b"".join([*lines[:9], wrong, *lines[10:]]), PROOF)
        assert (failure.line, failure.index) == (
            (10, 27) if wrong[:1] != lines[9][:1] else (failure.line, failure.index)
        )
    assert refused(EXPORT[:-1], PROOF).line == 200
    assert refused(EXPORT + b"\n", PROOF).line == 201


def test_a_line_without_end_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(verification, "_PIECE", 1000)
    monkeypatch.setattr(record_lines, "_LONGEST_LINE", 5000)
    file = BytesIO(LOG.export([0]) + b" " * 100_000)

    with pytest.raises(VerificationError, match="longer than any record") as failure:
        verify_export(file, BytesIO(PROOF), LOG.signer.key)

    assert failure.value.line == 2
    assert file.tell() < 20_000


# ---- the proof


@pytest.mark.parametrize(
    ("number", "change"),
    [
        (1, {"format": "chancery-export-proof@v2"}),
        (1, {"records": 199}),
        (1, {"records": "200"}),
        (1, {"records": -1}),
        (1, {"records": True}),
        (1, {"sha256": "A" * 64}),
        (1, {"sha256": ""}),
        (1, {"checkpoint": ""}),
        (1, {"checkpoint": 1}),
        (1, {"more": 1}),
        (2, {"more": 1}),
        (2, {"level": 2}),
        (2, {"level": True}),
        (2, {"number": 1}),
        (2, {"number": 0.0}),
        (2, {"hashes": ""}),
        (3, {"hashes": proof_lines()[2]["hashes"] + "===="}),
        (3, {"hashes": proof_lines()[2]["hashes"] + "\n"}),
        (3, {"hashes": None}),
        (3, {"level": -1}),
        (3, {"level": 9}),
        (3, {"level": 10**30}),
        (3, {"number": 1}),
        (3, {"number": -1}),
        (3, {"number": 10**30}),
        (6, {"more": 1}),
        (6, {"positions": []}),
        (6, {"positions": {}}),
        (6, {"positions": [True]}),
        (6, {"positions": [0.0]}),
        (6, {"positions": ["0"]}),
        (6, {"positions": [600]}),
        (6, {"positions": [-1]}),
        (6, {"positions": [0] * 1001}),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_proof_of_another_form_is_refused_with_its_line(number, change):
    lines = proof_lines()
    lines[number - 1] |= change
    text = b"".join(json_line(line) for line in lines)

    failure = refused(EXPORT, text)

    assert failure.file == "proof", failure
    assert failure.line in (number, number + 1), failure  # a tile elsewhere is seen where the next does not follow


def json_line(line: dict[str, Any]) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def test_base64_has_one_form_only():
    lines = proof_lines()
    last = lines[4]["hashes"]  # 88 hashes: the last character carries two bits that must be zero
    end = last.removesuffix("=")
    assert end[-1] not in "=/"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = end[:-1] + alphabet[alphabet.index(end[-1]) + 1] + last[len(end) :]

    assert refused(EXPORT, changed(5, hashes=other)).what == "is not canonical base64"


@pytest.mark.parametrize("number", range(1, 10))
def test_a_key_twice_in_any_line_of_the_proof_is_refused(number):
    lines = PROOF.splitlines(keepends=True)
    first = lines[number - 1][1:].split(b":", 1)[0]
    lines[number - 1] = b"{" + first + b":0," + lines[number - 1][1:]

    failure = refused(EXPORT, b"".join(lines))

    assert (failure.file, failure.line) == ("proof", number)
    assert "twice" in failure.what


def test_a_proof_that_is_empty_or_something_else_is_refused():
    for proof in (b"", b"\n", b"x", b"x\n", PROOF[:100], EXPORT, b"\x00" * (2 << 20)):
        failure = refused(EXPORT, proof)
        assert (failure.file, failure.line) == ("proof", 1)


def test_a_position_may_stand_once_only():
    twice = [0, 1, 1]

    failure = refused(LOG.export(twice), LOG.export_proof(twice))

    assert (failure.line, failure.index, failure.ref_id) == (3, 1, RECORDS[1]["refId"])
    assert "earlier line" in failure.what


def test_a_tile_that_a_position_needs_must_be_there():
    lines = proof_lines()
    assert (lines[3]["level"], lines[3]["number"]) == (0, 1)
    del lines[3]

    failure = refused(EXPORT, written(lines))

    assert (failure.file, failure.line, failure.index) == ("export", 87, 258)
    assert failure.what == "the proof has no tile 1 of level 0"


def test_a_proof_that_changes_while_it_is_read_is_refused():
    lines = PROOF.splitlines(keepends=True)
    file = BytesIO(PROOF)
    proof = proof_file.ProofFile(verification._line_reader(file), opener(LOG.signer.key))
    proof.row.cache_clear()
    file.seek(0)
    file.write(b"".join([lines[0], lines[1], lines[3], lines[2], *lines[4:]]))

    with pytest.raises(VerificationError, match="changes while"):
        proof.row(0, 1)


# ---- how old it is


def test_the_proof_must_not_be_older_than_a_checkpoint_one_knows():
    older = LOG.at(400)
    export, proof = older.export(range(400)), older.export_proof(range(400))

    failure = refused(export, proof, newer=LOG.tree_head())

    assert "400" in failure.what
    assert "600" in failure.what
    assert verify(export, proof, newer=LOG.tree_head(400)).complete


def test_the_proof_continues_an_older_checkpoint():
    everything = LOG.export(range(600)), LOG.export_proof(range(600))

    for size in (0, 1, 255, 256, 257, 512, 599, 600):
        assert verify(*everything, newer=LOG.tree_head(size)).complete


def test_another_log_of_the_same_origin_is_found():
    fork = Checkpoint(ORIGIN, 600, bytes(32)), Checkpoint(ORIGIN, 599, bytes(32))

    for checkpoint in fork:
        assert "the log is another" in refused(EXPORT, PROOF, newer=checkpoint).what


def test_an_older_checkpoint_beyond_the_tiles_of_the_proof_is_refused():
    some = [550]

    failure = refused(LOG.export(some), LOG.export_proof(some), newer=LOG.tree_head(300))

    assert "lacks the tile" in failure.what
    assert verify(LOG.export(some), LOG.export_proof(some), newer=LOG.tree_head(512)).records == 1

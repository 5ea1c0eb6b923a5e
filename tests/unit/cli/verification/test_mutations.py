"""Ten thousand falsified exports (a thousand outside CI): each is found, and its first bad line or index is named."""

import random
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from io import BytesIO
from itertools import zip_longest

import orjson
import pytest

from chancery.audit.record_verification import read_record
from chancery.cli.verification import SealedExport, verify_export
from chancery.tlog.errors import VerificationError
from tests.profiles import examples
from tests.sealed import ORIGIN, SealedLog, Signer, again_sealed, line, records

SEED, MUTATIONS = 20260301, examples(10_000)
SIZE = 300
LOG = SealedLog(Signer(), records(SIZE))
POSITIONS = list(range(0, SIZE, 6))
EXPORT, PROOF = LOG.export(POSITIONS), LOG.export_proof(POSITIONS, batch=10)
INTRUDER = Signer(ORIGIN)

Choice = random.Random
Pair = tuple[bytes, bytes]  # export, proof


read_once = cache(read_record)  # most lines of a mutation are the original's: their digests are computed once


def verify(export: bytes, proof: bytes) -> SealedExport:
    return verify_export(BytesIO(export), BytesIO(proof), LOG.signer.key, read=read_once)


def flipped(data: bytes, choice: Choice) -> bytes:
    at = choice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << choice.randrange(8)]) + data[at + 1 :]


def truncated(data: bytes, choice: Choice) -> bytes:
    return data[: choice.randrange(len(data))]


def dropped(data: bytes, choice: Choice) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[choice.randrange(len(lines))]
    return b"".join(lines)


def swapped(data: bytes, choice: Choice) -> bytes:
    lines = data.splitlines(keepends=True)
    one, other = choice.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def duplicated(data: bytes, choice: Choice) -> bytes:
    lines = data.splitlines(keepends=True)
    lines.insert(choice.randrange(len(lines) + 1), choice.choice(lines))
    return b"".join(lines)


def edited_consistently(choice: Choice) -> bytes:
    """An export with a changed record that has a matching digest."""
    lines = EXPORT.splitlines(keepends=True)
    place = choice.randrange(len(lines))
    stored = LOG.records[POSITIONS[place]]
    changes = choice.choice(
        [{"description": "nothing"}, {"actorId": "somebody"}, {"after": {"n": 1}}, {"tenantId": None}]
    )
    lines[place] = line(again_sealed(stored | changes))
    return b"".join(lines)


def with_head(proof: bytes, **changes: object) -> bytes:
    head, _, rest = proof.partition(b"\n")
    return orjson.dumps(orjson.loads(head) | changes) + b"\n" + rest


def for_this_file(export: bytes, proof: bytes) -> bytes:
    """The proof with the SHA-256 and the number of records of this export, as an intruder would forge it."""
    return with_head(proof, sha256=sha256(export).hexdigest(), records=export.count(b"\n"))


def of_the_export(change: Callable[[bytes, Choice], bytes]) -> Callable[[Choice], Pair]:
    return lambda choice: (change(EXPORT, choice), PROOF)


def of_the_proof(change: Callable[[bytes, Choice], bytes]) -> Callable[[Choice], Pair]:
    return lambda choice: (EXPORT, change(PROOF, choice))


def with_its_hash(change: Callable[[bytes, Choice], bytes]) -> Callable[[Choice], Pair]:
    def both(choice: Choice) -> Pair:
        export = change(EXPORT, choice)
        return export, for_this_file(export, PROOF)

    return both


def consistently(choice: Choice) -> Pair:
    export = edited_consistently(choice)
    return export, for_this_file(export, PROOF) if choice.random() < 0.5 else PROOF


def forged_root(choice: Choice) -> Pair:
    """Another root, signed by another key under the same name; also with tiles and an edited record that fit it."""
    if choice.random() < 0.5:
        return EXPORT, with_head(PROOF, checkpoint=INTRUDER.checkpoint(SIZE, choice.randbytes(32)))
    return forged_log()


@cache
def forged_log() -> Pair:
    edited = [again_sealed(LOG.records[0] | {"actorId": "somebody"}), *LOG.records[1:]]
    forged = SealedLog(INTRUDER, edited)
    return forged.export(POSITIONS), forged.export_proof(POSITIONS)


@cache
def older_note(size: int) -> str:
    return LOG.checkpoint(size)


def replayed(choice: Choice) -> Pair:
    return EXPORT, with_head(PROOF, checkpoint=older_note(choice.randrange(SIZE)))


KINDS: dict[str, tuple[int, Callable[[Choice], Pair]]] = {
    "a bit of the export": (30, of_the_export(flipped)),
    "a bit of the proof": (30, of_the_proof(flipped)),
    "export cut off": (4, of_the_export(truncated)),
    "proof cut off": (4, of_the_proof(truncated)),
    "line dropped from export": (4, of_the_export(dropped)),
    "line dropped from proof": (2, of_the_proof(dropped)),
    "lines of export swapped": (4, of_the_export(swapped)),
    "lines of proof swapped": (2, of_the_proof(swapped)),
    "line of export duplicated": (4, of_the_export(duplicated)),
    "line of proof duplicated": (2, of_the_proof(duplicated)),
    "line dropped, hash right": (3, with_its_hash(dropped)),
    "lines swapped, hash right": (3, with_its_hash(swapped)),
    "line duplicated, hash right": (3, with_its_hash(duplicated)),
    "record edited consistently": (10, consistently),
    "forged root": (3, forged_root),
    "older checkpoint": (3, replayed),
}


def first_difference(mutated: bytes) -> int:
    """The number of the first line that is not the export's."""
    pairs = zip_longest(*(re.findall(rb"[^\n]*\n|[^\n]+$", data) for data in (mutated, EXPORT)))
    return next(number for number, (one, other) in enumerate(pairs, 1) if one != other)


def check(kind: str, export: bytes, proof: bytes, failure: VerificationError) -> None:
    """Asserts that the failure names the place of the mutation."""
    if export != EXPORT and kind != "forged root":
        assert (failure.file, failure.line) == ("export", first_difference(export))
        known = [*POSITIONS, None]  # a line too many has no index
        assert failure.index == (known[failure.line - 1] if "SHA-256" not in failure.what else None)
    elif failure.file == "export":
        about_sha256 = "SHA-256" in failure.what
        assert about_sha256 or failure.index is not None or "no position" in failure.what
    else:
        lines, original = proof.split(b"\n"), PROOF.split(b"\n")
        assert failure.file == "proof"
        assert 1 <= failure.line <= max(len(lines), len(original))
    assert "\n" not in str(failure)


def test_the_unchanged_export_holds():
    assert verify(EXPORT, PROOF) == SealedExport(ORIGIN, SIZE, len(POSITIONS))


def test_every_mutation_is_found_and_its_place_named():
    choice, done, distinct = random.Random(SEED), Counter[str](), set[int]()
    kinds, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
    while len(distinct) < MUTATIONS:
        kind = choice.choices(kinds, weights)[0]
        export, proof = KINDS[kind][1](choice)
        if (export, proof) == (EXPORT, PROOF) or hash((export, proof)) in distinct:
            continue  # a swap of the same, or a mutation that was there before
        distinct.add(hash((export, proof)))
        done[kind] += 1
        try:
            verify(export, proof)
        except VerificationError as failure:
            try:
                check(kind, export, proof, failure)
            except AssertionError as exc:
                pytest.fail(f"seed {SEED}, mutation {done.total()} ({kind}): {failure!r} {failure}: {exc}")
        else:
            pytest.fail(f"seed {SEED}, mutation {done.total()} ({kind}) was not found")
    assert done.total() == MUTATIONS
    assert all(done[kind] >= least for kind, (least, _) in KINDS.items()), done

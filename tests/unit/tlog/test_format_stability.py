"""The bytes of every format for fixed inputs.

The expected values come from the first release of the formats; a test that fails here means a new format name.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chancery.audit.digest import digest as audit_digest
from chancery.audit.record_verification import verify_digest
from chancery.audit.responses import to_response
from chancery.tlog import layout
from chancery.tlog.archive_manifest import log_range, serialize_manifest
from chancery.tlog.export_proof import ProofHead, proof_lines
from chancery.tlog.leaf import leaf_entry
from chancery.tlog.merkle import NO_LEAF, consistency_proof, inclusion_proof
from chancery.tlog.signed_notes import Checkpoint, Proof, VerifierKey
from chancery.tlog.tiles import Growth, reader
from tests.unit.tools.logs import verifier

SIZE = 700
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
KEY = VerifierKey("log.example/chancery/tenant-acme", PRIVATE.public_key().public_bytes_raw())


def entry(number: int) -> bytes:
    moment = datetime(2026, 3, 1, 12, number // 60 % 60, number % 60, number * 1000, tzinfo=UTC)
    return leaf_entry({"digest": digest(b"%d" % number), "recordedOn": moment, "refId": f"{number:026d}"})


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


GROWTH = Growth(0, {}, [])
GROWTH.append(map(entry, range(SIZE)))
FILES = GROWTH.files()
NOTE = Checkpoint(KEY.name, SIZE, GROWTH.root()).signed(KEY, PRIVATE.sign)
ROOT_OF = reader(FILES.__getitem__, SIZE)


STORED = {
    "refId": "01J00000000000000000000000",
    "eventId": "e-1",
    "tenantId": None,
    "actorType": "human",
    "actorId": "u-1",
    "actorName": "Sørén",
    "onBehalfOfId": "u-2",
    "action": "strategy.approved",
    "resourceType": "strategy",
    "resourceId": "s-1",
    "after": {"b": 1.5, "a": "€"},
    "createdOn": datetime(2026, 1, 2, 3, 4, 5, 6000, UTC),
    "recordedOn": datetime(2026, 1, 2, 3, 4, 5, 7000, UTC),
}
SUBMITTED = {
    "onBehalfOfName": "Bjørk",
    "recordedBy": {"source": "agency.portal", "account": "111122223333"},
    "digestVersion": 2,
}
SALTS = {"actorName": bytes(range(16)), "after": bytes(range(16, 32))}
MORE_SALTS = {"onBehalfOfName": bytes(range(32, 48)), "recordedBy": bytes(range(48, 64))}


@pytest.mark.parametrize(
    ("record", "salts", "expected"),
    [
        (STORED, SALTS, "9ac32d475a7c3babd8fc188ce8425e922cd437f3c9ccf4e8970efa27131dc780"),
        (STORED | SUBMITTED, SALTS | MORE_SALTS, "f073a6fe4108decec9e6aa846d7095199e3a737b75703f9bfbfa44438d6b9dac"),
    ],
    ids=["version 1", "version 2"],
)
def test_a_digest(record, salts, expected):
    answer = to_response(record | {"salts": salts, "digest": expected})

    assert audit_digest(record, salts) == expected
    verify_digest(answer)
    assert verifier.entry_of(answer) == leaf_entry(answer)


def test_a_leaf():
    assert entry(0) == (
        b'{"digest":"5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9",'
        b'"recordedOn":"2026-03-01T12:00:00.000Z","refId":"00000000000000000000000000"}'
    )


def test_a_checkpoint():
    assert NOTE == (
        "log.example/chancery/tenant-acme\n700\n3jAOOUnwlghBt5JWOtXbqsM48XklvZxq07glDuNNMQU=\n\n"
        "— log.example/chancery/tenant-acme 22nhwfg5cMLMOFIn7YXRaHQxC2gtFyzmZ4WBtDkV"
        "+Z3+tbNJHzJKQoJoYOqaMXeold8iTqrkxsiJ3vTmCb6TMxIAtwA=\n"
    )


def test_tiles_and_bundles():
    content = b"".join(path.encode() + b"\0" + body for path, body in sorted(FILES.items()))

    assert (len(FILES), digest(content)) == (7, "992885d0c1dc4b7086d14ccea6706cd77a6218d8a725539979b59986a7f6b931")


def test_proofs_of_inclusion_and_consistency():
    proof = Proof(300, tuple(inclusion_proof(300, SIZE, ROOT_OF)), NOTE)

    assert digest(str(proof).encode()) == "158c15595e96ede2a9a1bf6fda0e77785aa8885c84726a81aaeada84c1aa7bee"
    path = b"".join(consistency_proof(300, SIZE, ROOT_OF))
    assert digest(path) == "e0e474899871770b94ed315857a5627a15e2c647627d491e79c38febfe4b35eb"


def lines(head: ProofHead, positions: list[int]) -> bytes:
    return b"".join(proof_lines(head, SIZE, positions, lambda paths: [FILES[path] for path in paths]))


def test_the_proof_of_an_export():
    proof = lines(ProofHead(NOTE, 3, "ab" * 32), [3, 699, 258])

    assert (len(proof), digest(proof)) == (30_486, "14b128c3837b46c209b625ed0dd16145fee9bde952d8c7f2d88daddfea31dab4")


def test_the_proof_of_an_archived_month():
    positions = [3, 699, NO_LEAF, *range(256, SIZE)]

    proof = lines(ProofHead(NOTE, len(positions), None), positions)

    assert (len(proof), digest(proof)) == (32_203, "a18e40eb6e9caba0e3f58972f69ec6f8d6680d6590e7fabd8e43b64e67e2e42d")


def part(number: int) -> dict[str, Any]:
    first, last = (
        {"createdOn": datetime(2024, 2, day, tzinfo=UTC), "refId": f"{day:026d}"} for day in (number, number + 1)
    )
    sizes = {"records": number + 1, "bytes": 100 * number, "rawBytes": 900 * number}
    return {"number": number, **sizes, "sha256": digest(b"%d" % number), "first": first, "last": last}


def test_the_manifest_of_an_archived_month():
    partition = {
        "tenantId": "acme",
        "month": "2024-02",
        "supplement": 1,
        "recordedFrom": datetime(2026, 3, 1, tzinfo=UTC),
        "recordedTo": datetime(2026, 4, 1, 0, 0, 0, 5000, tzinfo=UTC),
        "key": "archives/tenant-acme/2024-02/001.ndjson.zst",
        "storageClass": "DEEP_ARCHIVE",
        "versions": {"chancery": "1", "zstd": "2"},
        "seconds": 3.5,
    }
    log = log_range({"log": "tenant-acme", "checkpoint": NOTE}, [3, NO_LEAF, 699, 5, 6])

    manifest = serialize_manifest(partition, [part(1), part(2)], GROWTH.root(), log, "arn:key")

    assert (len(manifest), digest(manifest)) == (
        1255,
        "eb1f487cadbb96b4dac0efd6a3bf8ed3922ec9eeb9bf219bee1d40adc5b19a02",
    )


def test_the_keys_in_the_buckets():
    keys = layout.ArchiveKeys.of("tenant-acme", "2024-02", 1)

    assert keys == layout.ArchiveKeys.of_file("archives/tenant-acme/2024-02/001.ndjson.zst")
    assert [keys.file, keys.manifest, keys.proof, keys.index] == [
        "archives/tenant-acme/2024-02/001.ndjson.zst",
        "archives/tenant-acme/2024-02/001.manifest.json",
        "archives/tenant-acme/2024-02/001.proof",
        "archives/tenant-acme/2024-02/001.index.json",
    ]
    assert layout.log_key("platform", "tile/0/000") == "logs/platform/tile/0/000"
    assert layout.log_key("platform", layout.CHECKPOINT) == "logs/platform/checkpoint"
    assert layout.witness_key("tenant-acme", 700) == "witness/tenant-acme/00000000000000000700"

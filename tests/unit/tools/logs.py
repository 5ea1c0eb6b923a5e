"""Logs, exports and proofs as RFC 6962 and tlog-tiles define them, and the tool that is to verify them."""

import base64
import importlib.util
import json
import random
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TOOL = Path(__file__).parents[3] / "tools" / "verify_audit.py"
SPEC = importlib.util.spec_from_file_location("verify_audit", TOOL)
verifier = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(verifier)

SIGNER, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
LOG = "chancery.example/tenant-acme"
SECOND_VERSION = 400  # the first record with a digest of version 2
SHOWN = random.Random(8785).sample(range(700), 300)  # the records of a part of a log of 700, in any order


def b64(data):
    return base64.b64encode(data).decode()


def k_of(n):
    """The largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


def mth(hashes):
    """MTH of RFC 6962 section 2.1, from the hashes of leaves."""
    if len(hashes) < 3:
        return sha256(b"\x01" + b"".join(hashes)).digest() if len(hashes) == 2 else (*hashes, sha256().digest())[0]
    k = k_of(len(hashes))
    return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path(m, hashes):
    """PATH of RFC 6962 section 2.1.1."""
    if len(hashes) == 1:
        return []
    k = k_of(len(hashes))
    return [*path(m, hashes[:k]), mth(hashes[k:])] if m < k else [*path(m - k, hashes[k:]), mth(hashes[:k])]


def key_id(signer, name=LOG):
    return sha256(name.encode() + b"\n\x01" + signer.public_key().public_bytes_raw()).digest()[:4]


def vkey(signer=SIGNER, name=LOG):
    return f"{name}+{key_id(signer, name).hex()}+{b64(b'\x01' + signer.public_key().public_bytes_raw())}"


def note(text, signer=SIGNER, shown_id=None, signed_as=None):
    name = signed_as or text.split("\n")[0]
    return f"{text}\n— {name} {b64((shown_id or key_id(signer, name)) + signer.sign(text.encode()))}\n"


def checkpoint(hashes, signer=SIGNER, name=LOG, **changes):
    return note(f"{name}\n{len(hashes)}\n{b64(mth(hashes))}\n", signer, **changes)


def entry(record):
    return rfc8785.dumps({name: record[name] for name in ("digest", "recordedOn", "refId")})


def leaf(record):
    return sha256(b"\x00" + entry(record)).digest()


def digested(record):
    hidden = {
        name: sha256(bytes.fromhex(salt) + rfc8785.dumps(record[name])).hexdigest()
        for name, salt in record["salts"].items()
    }
    covered = {name: value for name, value in record.items() if name not in ("digest", "salts")}
    return record | {"digest": sha256(rfc8785.dumps(covered | hidden)).hexdigest()}


@cache
def record(number):
    salts = {name: sha256(f"{name}{number}".encode()).hexdigest()[:32] for name in ("actorName", "after")}
    named = {"refId": f"{number:026d}", "tenantId": None, "actorName": "Sørén", "after": {"price": 1.5, "€": [number]}}
    if number >= SECOND_VERSION:
        salts["recordedBy"] = sha256(f"recordedBy{number}".encode()).hexdigest()[:32]
        named |= {"digestVersion": 2, "recordedBy": {"source": "agency.portal", "account": "111122223333"}}
    return digested(named | {"action": "a.b", "recordedOn": "2026-01-31T12:00:00.000Z", "salts": salts})


@cache
def leaves(size):
    return [leaf(record(number)) for number in range(size)]


def tile_lines(hashes, positions):
    """Every tile above level 0, then the needed tiles of level 0."""
    upper, lowest, row, level = [], [], hashes, 0
    while row:
        for number, start in enumerate(range(0, len(row), 256)):
            tile = {"level": level, "number": number, "hashes": b64(b"".join(row[start : start + 256]))}
            if level:
                upper.append(tile)
            elif start + 256 > len(row) or any(index // 256 == number for index in positions):
                lowest.append(tile)
        row = [mth(row[start : start + 256]) for start in range(0, len(row) - 255, 256)]  # over 256 equal subtrees
        level += 1
    return upper + lowest


@dataclass
class Export:
    """An export and its proof, before they are written."""

    hashes: list[bytes]
    positions: list[int]
    chunk: int = 100

    def __post_init__(self):
        self.lines = [json.dumps(record(index), ensure_ascii=False).encode() + b"\n" for index in self.positions]
        self.tiles = tile_lines(self.hashes, self.positions)
        self.header = {"format": "chancery-export-proof@v1", "checkpoint": checkpoint(self.hashes)}

    def archive(self, *leafless):
        """Makes it an archived month, with records at its end that the log does not have."""
        self.header["sha256"] = None
        self.lines += [json.dumps(record(number)).encode() + b"\n" for number in leafless]
        self.positions += [None] * len(leafless)

    def change(self, at=7, **changes):
        self.lines[at] = json.dumps(json.loads(self.lines[at]) | changes).encode() + b"\n"

    def replace(self, old, new):
        assert old in self.lines[7]
        self.lines[7] = self.lines[7].replace(old, new)

    def change_tile(self, at):
        hashes = bytearray(base64.b64decode(self.tiles[at]["hashes"]))
        hashes[-1] ^= 1
        self.tiles[at]["hashes"] = b64(hashes)

    def write(self, folder):
        """Writes it as an intruder without the key would: the first line matches the others."""
        body = b"".join(self.lines)
        header = {"records": len(self.lines), "sha256": sha256(body).hexdigest()} | self.header
        chunks = [self.positions[at : at + self.chunk] for at in range(0, len(self.positions), self.chunk)]
        proof = [header, *self.tiles, *({"positions": chunk} for chunk in chunks)]
        (folder / "e.ndjson").write_bytes(body)
        (folder / "e.ndjson.proof").write_text("".join(f"{json.dumps(line)}\n" for line in proof))
        return str(folder / "e.ndjson")


def proof_text(index, hashes, **changes):
    steps = "".join(f"{b64(step)}\n" for step in path(index, hashes))
    return f"c2sp.org/tlog-proof@v1\n{changes.get('extra', '')}index {index}\n{steps}\n{checkpoint(hashes)}"


def proof_json(index, hashes, /, **changes):
    steps = [b64(step) for step in path(index, hashes)]
    proof = {"index": index, "size": len(hashes), "leaf": b64(entry(record(index))), "path": steps}
    return json.dumps(proof | {"checkpoint": checkpoint(hashes)} | changes)

#!/usr/bin/env python3
"""Checks Chancery's audit records offline: one file to read; Python 3.11 and `pip install cryptography` to run.

    verify_audit.py record RECORD.json PROOF --key VKEY
    verify_audit.py export EXPORT.ndjson [--proof FILE] --key VKEY
    verify_audit.py archive ARCHIVE.ndjson [--proof FILE] --key VKEY

VKEY is the log's public key, `<name>+<key id>+<base64>` (https://c2sp.org/signed-note), or a file that holds it. Get it
from somewhere else than the records: everything else is only as good as this key. Exit code 0: all of it holds. 1: it
does not, and one line names the first bad record. 2: wrong usage, or a file that cannot be read.

How records are sealed
  digest      SHA-256 of the record in canonical form (RFC 8785) without `_id`, `digest`, `salts`, where each SALTED
              field is replaced by the hex SHA-256 of its 16 salt bytes followed by the canonical form of its value. Its
              `digestVersion` (1 if it has none) says which fields are salted; from 2 on it has `recordedBy`, who handed
              it in
  entry       canonical form of {digest, recordedOn, refId}; its leaf in the log is SHA-256(0x00 || entry)
  log         Merkle tree (RFC 6962) over the leaves in the order of sealing; a node is SHA-256(0x01 || left || right)
  checkpoint  name, size and root of a log, signed with Ed25519 (https://c2sp.org/tlog-checkpoint)

PROOF leads from one leaf to a checkpoint: a text as in https://c2sp.org/tlog-proof, or JSON with {index, size, leaf,
path, checkpoint}, where leaf is the entry and path has the hashes beside the way from leaf to root, all in base64.

The proof of an export is lines of JSON. First {format, checkpoint, records, sha256}, the last being that of the export.
Then the log's hashes in tiles of up to 256 (https://c2sp.org/tlog-tiles), {level, number, hashes}: every tile of level
1, 2, and so on, then those of level 0 that have exported records, and the last one if it is not full. Then {positions}:
the k-th position of all is the index in the log of the k-th record of the export.

An archived month is checked like an export once it is decompressed (zstd -d), by `archive`. In its proof sha256 is
null, because its manifest has the hashes of the file, and so is the position of a record from before its tenant had a
log: of such a record only the digest is checked, so --leafless must allow for them. An export has none of these.

Exit code 0 proves that the holder of the key has committed to each of these records (but those without a leaf), exactly
as it is here, at its index in the log; and where the output says so, that they are all the records of the log at the
checkpoint's size.
It does not prove that a record was true when it was recorded; that a part of the log has everything that was asked for;
that there is no later checkpoint; that others are shown the same log (compare checkpoints with them); or any `_id`.
"""

import argparse
import base64
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from itertools import chain, zip_longest
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SALTED = {1: {"actorName", "ipAddress", "userAgent", "resourceName", "description", "before", "after", "metadata"}}
SALTED[2] = SALTED[1] | {"onBehalfOfName", "recordedBy"}


@contextmanager
def at(place: str) -> Iterator[None]:
    """Everything that is wrong is a ValueError; this says where it is."""
    try:
        yield
    except (ValueError, RecursionError) as exc:
        raise ValueError(f"{place}: {exc}") from None


# JSON, its canonical form, base64


def parse(text: bytes) -> dict[str, Any]:
    """The JSON object in a text. No key may stand twice in an object: readers differ in which one they take."""
    try:
        value = json.loads(text.decode(), object_pairs_hook=without_repeated_keys)
    except ValueError:
        raise ValueError("is not JSON in UTF-8, or has a key twice in an object") from None
    if type(value) is not dict:
        raise ValueError("is not a JSON object")
    return value


def without_repeated_keys(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(members)) < len(members):
        raise ValueError
    return dict(members)


def exactly(value: dict[str, Any], **types: type) -> list[Any]:
    """The members of an object, which must be these and no others."""
    if {name: type(member) for name, member in value.items()} != types:
        raise ValueError("must have " + ", ".join(f"{name} ({kind.__name__})" for name, kind in types.items()))
    return [value[name] for name in types]


def canonical(value: Any) -> bytes:
    """The canonical form of a JSON value (RFC 8785)."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return b"{" + b",".join(canonical(name) + b":" + canonical(value[name]) for name in names) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    if isinstance(value, float):
        return canonical_number(value).encode()
    if type(value) is int and abs(value) >= 2**53:
        raise ValueError("has an integer beyond 2^53-1, which not every reader of JSON takes for the same")
    return json.dumps(value, ensure_ascii=False).encode()  # escapes in a string just what section 3.2.2.2 escapes


def canonical_number(value: float) -> str:
    """The form of section 3.2.2.3, that of JavaScript. As there, the value is 0.DIGITS times 10 to the n."""
    if not isfinite(value):
        raise ValueError("has a number that is too large")
    if value == 0:
        return "0"
    # repr gives the fewest digits that make this number again, as JavaScript does.
    sign, all_digits, exponent = Decimal(repr(value)).as_tuple()
    digits, n = "".join(map(str, all_digits)).rstrip("0"), len(all_digits) + int(exponent)
    if 0 < n <= 21:
        whole, fraction, power = digits[:n].ljust(n, "0"), digits[n:], ""
    elif -6 < n <= 0:
        whole, fraction, power = "0", "0" * -n + digits, ""
    else:
        whole, fraction, power = digits[0], digits[1:], f"e{n - 1:+d}"
    return "-" * sign + whole + (f".{fraction}" if fraction else "") + power


def decode(text: Any, size: int | None = None) -> bytes:
    """The bytes (`size` of them) of a base64 text, if it is the text that encoding them gives."""
    data = base64.b64decode(text, validate=True) if type(text) is str else b""
    if base64.b64encode(data).decode() != text:
        raise ValueError("has base64 that is not canonical")
    if size not in (None, len(data)):
        raise ValueError(f"has {len(data)} bytes in base64 where {size} should be")
    return data


# Records and the log


def entry_of(record: dict[str, Any]) -> bytes:
    """What the log has of a record, if the record has the digest that it bears."""
    salts, version = record.get("salts"), record.get("digestVersion", 1)
    if type(version) is not int or version not in SALTED or (version == 1 and "digestVersion" in record):
        raise ValueError("the version of the digest is not known to this program")
    if version > 1 and not record.get("recordedBy"):
        raise ValueError("the record lacks recordedBy")
    if type(salts) is not dict or set(salts) != SALTED[version] & set(record):
        raise ValueError("the salts are not those of the salted fields that the record has")
    sealed = {name: value for name, value in record.items() if name not in ("_id", "digest", "salts")}
    for field, salt in salts.items():
        if type(salt) is not str or not re.fullmatch("[0-9a-f]{32}", salt):
            raise ValueError(f"the salt of {field} is not 32 hex digits")
        sealed[field] = sha256(bytes.fromhex(salt) + canonical(record[field])).hexdigest()
    if sha256(canonical(sealed)).hexdigest() != record.get("digest"):
        raise ValueError("the record was changed, its content does not have its digest")
    return canonical({name: record.get(name) for name in ("digest", "recordedOn", "refId")})


def leaf(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """How many leaves of a tree are left of its root: the largest power of two below its size."""
    return 1 << ((size - 1).bit_length() - 1)


def root_of(hashes: list[bytes]) -> bytes:
    """The root of a tree over hashes: MTH of RFC 6962 section 2.1."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256().digest()
    middle = split(len(hashes))
    return node(root_of(hashes[:middle]), root_of(hashes[middle:]))


def root_of_log(upper: list[bytes], last: list[bytes]) -> bytes:
    """The same, where the tree's hashes are first the roots over 256 each, then fewer than 256 single ones."""
    if not upper or not last:
        return root_of(upper or last)
    middle = split(len(upper) + 1)
    return node(root_of(upper[:middle]), root_of_log(upper[middle:], last))


def root_from_path(start: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that a leaf's hash and those beside its way up give: PATH of RFC 6962 section 2.1.1, read backwards."""
    if (size == 1) != (not path):
        raise ValueError("the proof is too long or too short for this index and size")
    if size == 1:
        return start
    middle = split(size)
    if index < middle:
        return node(root_from_path(start, index, middle, path[:-1]), path[-1])
    return node(path[-1], root_from_path(start, index - middle, size - middle, path[:-1]))


class Key(NamedTuple):
    name: str
    key_id: bytes
    public: Ed25519PublicKey


def vkey(text: str) -> Key:
    """The key in a text, or in the file of that name."""
    form = r"([^+\s]+)\+([0-9a-f]{8})\+(\S+)"
    match = re.fullmatch(form, text) or re.fullmatch(form, Path(text).read_text(encoding="utf-8").strip())
    key = decode(match[3], 33) if match else b""
    if not match or key[0] != 1 or sha256(match[1].encode() + b"\n" + key).hexdigest()[:8] != match[2]:
        raise ValueError
    return Key(match[1], bytes.fromhex(match[2]), Ed25519PublicKey.from_public_bytes(key[1:]))


def open_checkpoint(note: str, key: Key) -> tuple[int, bytes]:
    """The size and root that the key has signed. Signatures of other keys do not matter."""
    form = r"((\S+)\n(0|[1-9][0-9]{0,18})\n(\S+)\n(?:.+\n)*)\n((?:— \S+ \S+\n)+)"
    match = re.fullmatch(form, note)
    if not match or re.search(r"[\x00-\x09\x0b-\x1f]", note):
        raise ValueError("the checkpoint is malformed")
    text, origin, size, root, signatures = match.groups()
    found = False
    for name, encoded in re.findall(r"— (\S+) (\S+)\n", signatures):
        signature = decode(encoded)
        if (name, signature[:4]) == (key.name, key.key_id):
            found = True
            try:
                key.public.verify(signature[4:], text.encode())
            except InvalidSignature:
                raise ValueError("the signature of the checkpoint is false") from None
    if not found or origin != key.name:
        raise ValueError(f"the checkpoint is not one of {key.name} signed with the key {key.key_id.hex()}")
    return int(size), decode(root, 32)


# One record


def read_proof(proof: bytes) -> tuple[int, list[str], str, list[Any]]:
    """Index, path and checkpoint of a proof; from JSON also the size and entry that it claims."""
    if proof.lstrip().startswith(b"{"):
        types = {"index": int, "path": list, "checkpoint": str, "size": int, "leaf": str}
        index, path, checkpoint, size, entry = exactly(parse(proof), **types)
        return index, path, checkpoint, [size, decode(entry)]
    form = r"c2sp\.org/tlog-proof@v1\n(?:extra (.*)\n)?index (0|[1-9][0-9]{0,18})\n((?:\S+\n)*)\n((?:.*\n)+)"
    match = re.fullmatch(form, proof.decode())
    if not match:
        raise ValueError("is neither a c2sp.org/tlog-proof@v1 nor its JSON form")
    decode(match[1] or "")
    return int(match[2]), match[3].split(), match[4], []


def verify_record(record_path: str, proof_path: str, key: Key) -> str:
    with at(proof_path):
        index, path, checkpoint, claims = read_proof(Path(proof_path).read_bytes())
        hashes = [decode(text, 32) for text in path]
        size, root = open_checkpoint(checkpoint, key)
    with at(record_path):
        record = parse(Path(record_path).read_bytes())
    place = f"index {index}, refId {record.get('refId')!r:.40}"
    with at(f"{record_path}, {place}"):
        entry = entry_of(record)
        if not 0 <= index < size or claims not in ([], [size, entry]):
            raise ValueError("the proof's index, size or leaf is not that of its checkpoint and this record")
        if root_from_path(leaf(entry), index, size, hashes) != root:
            raise ValueError("the log has no such record at this index")
    return f"{place}: the record is as it was sealed in the log {key.name} of size {size}"


# An export

MISSING: Any = object()  # where export or positions have come to their end
Lines = Iterator[tuple[str, int, bytes]]  # where a line is, for people; at which byte of the file it begins; the line


def read_lines(file: BinaryIO) -> Lines:
    start = 0
    for number, line in enumerate(file, 1):
        yield f"{file.name}, line {number}", start, line
        start += len(line)


def read_tile(line: bytes, size: int) -> tuple[int, int, list[bytes]]:
    """Level, number and hashes of a tile of a log."""
    level, number, hashes = exactly(parse(line), level=int, number=int, hashes=str)
    width = min(256, (size >> 8 * level) - 256 * number)
    if number < 0 or width < 1:
        raise ValueError(f"a log of size {size} has no tile {number} of level {level}")
    data = decode(hashes, 32 * width)
    return level, number, [data[at : at + 32] for at in range(0, 32 * width, 32)]


class Tiles:
    """The hashes of a log that an export's proof has, believed only as far as they lead to the checkpoint's root."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size = file, size
        self.rows: dict[int, list[bytes]] = {0: [], 1: []}  # level -> hashes; of level 0, those of the tile not full
        self.starts: dict[int, int] = {}  # number of a tile of level 0 -> where its line begins
        self.leaves = lru_cache(1024)(self.read)

    def take(self, lines: Lines) -> Lines:
        """Takes the lines that are tiles, and gives those that follow."""
        previous = (False, 0, -1)  # whether the level is 0, for it comes last; level; number
        for place, start, line in lines:
            if b'"positions"' in line:
                return chain([(place, start, line)], lines)
            with at(place):
                level, number, hashes = read_tile(line, self.size)
                if (level == 0, level, number) <= previous:
                    raise ValueError("is a tile out of order")
            previous = (level == 0, level, number)
            if level == 0:
                self.starts[number] = start
            if level > 0 or len(hashes) < 256:
                self.rows.setdefault(level, []).extend(hashes)
        return lines

    def check(self, root: bytes) -> None:
        """That every tile which has to be there is there, and is the log's."""
        if len(self.rows[1]) != self.size // 256 or len(self.rows[0]) != self.size % 256:
            raise ValueError("tiles are missing")
        if root_of_log(self.rows[1], self.rows[0]) != root:
            raise ValueError("the tiles do not lead to the root of the checkpoint")
        for level in range(1, max(self.rows) + 1):
            row = self.rows[level]
            above = [root_of(row[start : start + 256]) for start in range(0, len(row) - 255, 256)]
            if above != self.rows.get(level + 1, []):
                raise ValueError(f"the tiles of level {level + 1} do not go with those of level {level}")
        for number in self.starts:
            self.leaves(number)

    def read(self, number: int) -> list[bytes]:
        """The hashes of a tile of level 0."""
        if number == self.size // 256:
            return self.rows[0]
        if number not in self.starts:
            raise ValueError(f"the proof has no tile {number} of level 0")
        self.file.seek(self.starts[number])
        _, _, hashes = read_tile(self.file.readline(), self.size)
        if root_of(hashes) != self.rows[1][number]:
            raise ValueError(f"tile {number} of level 0 is not that of the log")
        return hashes


def read_positions(lines: Lines, size: int, may_be_null: bool) -> Iterator[int | None]:
    for place, _, line in lines:
        with at(place):
            (positions,) = exactly(parse(line), positions=list)
            known = [index for index in positions if not (may_be_null and index is None)]
            if len(positions) > 1000 or not all(type(index) is int and 0 <= index < size for index in known):
                raise ValueError(f"must have at most 1000 positions, each from 0 to {size - 1}")
        yield from positions


def verify_lines(export: BinaryIO, positions: Iterator[int | None], tiles: Tiles) -> tuple[int, int, str]:
    """How many records the export has, each of which holds; how many of them have no leaf; the SHA-256 of the file."""
    count, leafless, file_hash, seen = 0, 0, sha256(), bytearray(tiles.size // 8 + 1)  # seen: a bit for each index
    for count, (line, index) in enumerate(zip_longest(export, positions, fillvalue=MISSING), 1):
        place = f"{export.name}, line {count}, index {'unknown' if index is MISSING else index}"
        with at(place):
            if line is MISSING or index is MISSING:
                missing = "the record is missing" if line is MISSING else "the proof has no position for this line"
                raise ValueError(missing)
            record = parse(line)
            place += f", refId {record.get('refId')!r:.40}"
        file_hash.update(line)
        if index is None:
            with at(place):
                entry_of(record)
            leafless += 1
            continue
        with at(place):
            if seen[index // 8] & 1 << index % 8:
                raise ValueError("the proof gives this index to an earlier line, too")
            seen[index // 8] |= 1 << index % 8
            if leaf(entry_of(record)) != tiles.leaves(index // 256)[index % 256]:
                raise ValueError("the log has another record at this index")
    return count, leafless, file_hash.hexdigest()


def verify_export(export_path: str, proof_path: str, key: Key, allowed: int | None = None) -> str:
    with open(export_path, "rb") as export, open(proof_path, "rb") as proof, open(proof_path, "rb") as proof_again:
        lines = read_lines(proof)
        place, _, line = next(lines, (f"{proof_path}, line 1", 0, b""))
        with at(place):
            head = parse(line)
            hashed = str if allowed is None else type(None)
            form, note, records, sha = exactly(head, format=str, checkpoint=str, records=int, sha256=hashed)
            if form != "chancery-export-proof@v1":
                raise ValueError("is not the beginning of a chancery-export-proof@v1")
            size, root = open_checkpoint(note, key)
        tiles = Tiles(proof_again, size)
        lines = tiles.take(lines)
        with at(proof_path):
            tiles.check(root)
        count, leafless, found_sha = verify_lines(export, read_positions(lines, size, allowed is not None), tiles)
    if count != records or sha not in (None, found_sha):
        raise ValueError(f"{export_path}: its {count} records hold, but {place} is for another file (records, sha256)")
    if leafless > (allowed or 0):
        raise ValueError(f"{place}: {leafless} records have no leaf in the log; --leafless allows for so many")
    sealed = count - leafless
    scope = f"leaves out {size - sealed} records of the log" if sealed < size else "has every record of the log"
    if leafless:
        scope += f"; {leafless} more have no leaf there: only their digests were checked, the key says nothing of them"
    kind = "export" if allowed is None else "archive"
    return f"{sealed} records are as they were sealed in the log {key.name} of size {size}; the {kind} {scope}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Checks audit records against the log that they are sealed in.")
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="one record, by the proof of its place in the log")
    record.add_argument("file", metavar="RECORD.json")
    record.add_argument("proof", metavar="PROOF")
    export = commands.add_parser("export", help="an export, by its proof")
    export.add_argument("file", metavar="EXPORT.ndjson")
    export.add_argument("--proof", metavar="FILE", help="EXPORT.ndjson.proof, if not given")
    archive = commands.add_parser("archive", help="an archived month, decompressed, by its proof")
    archive.add_argument("file", metavar="ARCHIVE.ndjson")
    archive.add_argument("--proof", metavar="FILE", help="ARCHIVE.ndjson.proof, if not given")
    archive.add_argument("--leafless", metavar="N", type=int, default=0, help="records that may be older than the log")
    for command in (record, export, archive):
        command.add_argument("--key", metavar="VKEY", required=True, type=vkey, help="the log's key, or its file")
    try:
        given = parser.parse_args(arguments)
        files = given.file, given.proof or f"{given.file}.proof", given.key
        if given.command == "record":
            found = verify_record(*files)
        else:
            found = verify_export(*files, allowed=vars(given).get("leafless"))
        verdict, code = f"HOLDS: {found}", 0
    except ValueError as exc:
        verdict, code = f"WRONG: {exc}", 1
    except OSError as exc:
        parser.error(str(exc))
    sys.stdout.write(verdict.encode("ascii", "backslashreplace").decode() + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())

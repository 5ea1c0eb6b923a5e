"""The auditors' verifier, on logs that are built here from the definitions of RFC 6962 and tlog-tiles alone."""

import ast
import base64
import importlib.util
import json
import random
import struct
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from chancery.audit.search import show
from chancery.sealing.models import leaf_entry
from tests import builders
from tests.unit.core.test_canonical import NUMBERS

TOOL = Path(__file__).parents[3] / "tools" / "verify_audit.py"
SPEC = importlib.util.spec_from_file_location("verify_audit", TOOL)
verifier = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(verifier)

SIGNER, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
LOG = "chancery.example/tenant-acme"
SHOWN = random.Random(8785).sample(range(700), 300)  # the records of a part of a log of 700, in any order


def b64(data):
    return base64.b64encode(data).decode()


def k_of(n):
    return max(2**power for power in range(64) if 2**power < n)


def mth(hashes):
    """MTH of RFC 6962 section 2.1, from the hashes of leaves."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256().digest()
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
    return digested(named | {"action": "a.b", "recordedOn": "2026-01-31T12:00:00.000Z", "salts": salts})


@cache
def leaves(size):
    return [leaf(record(number)) for number in range(size)]


def tile_lines(hashes, shown):
    """Every tile above level 0, then those of level 0 that are needed."""
    upper, lowest, level = [], [], 0
    while (width := 256**level) <= len(hashes):
        row = [mth(hashes[at : at + width]) for at in range(0, len(hashes) - width + 1, width)]
        for number, start in enumerate(range(0, len(row), 256)):
            tile = {"level": level, "number": number, "hashes": b64(b"".join(row[start : start + 256]))}
            if level:
                upper.append(tile)
            elif start + 256 > len(row) or any(index // 256 == number for index in shown):
                lowest.append(tile)
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

    def change(self, **changes):
        self.lines[7] = json.dumps(json.loads(self.lines[7]) | changes).encode() + b"\n"

    def replace(self, old, new):
        assert old in self.lines[7]
        self.lines[7] = self.lines[7].replace(old, new)

    def change_tile(self, at):
        hashes = bytearray(base64.b64decode(self.tiles[at]["hashes"]))
        hashes[-1] ^= 1
        self.tiles[at]["hashes"] = b64(hashes)

    def write(self, folder):
        """Writes it as somebody who may change everything but lacks the key would: the first line fits the others."""
        body = b"".join(self.lines)
        header = {"records": len(self.lines), "sha256": sha256(body).hexdigest()} | self.header
        chunks = [self.positions[at : at + self.chunk] for at in range(0, len(self.positions), self.chunk)]
        proof = [header, *self.tiles, *({"positions": chunk} for chunk in chunks)]
        (folder / "e.ndjson").write_bytes(body)
        (folder / "e.ndjson.proof").write_text("".join(f"{json.dumps(line)}\n" for line in proof))
        return str(folder / "e.ndjson")


@pytest.fixture
def verify(capsys):
    """Runs a command; its exit code and what it printed."""

    def run(*arguments, key=None):
        code = verifier.main([*map(str, arguments), "--key", key or vkey()])
        return code, capsys.readouterr().out

    return run


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 1000])
def test_a_whole_export_in_any_order_holds_and_is_said_to_be_whole(size, tmp_path, verify):
    export = Export(leaves(size), random.Random(size).sample(range(size), size), chunk=1000)

    code, output = verify("export", export.write(tmp_path))

    assert code == 0 and output.startswith(f"HOLDS: {size} records are as they were sealed in the log {LOG} of size")
    assert output.endswith(f"{size}; the export has every record of the log\n")


@pytest.mark.parametrize("shown", [[], [0], [699], [699, 0, 256], SHOWN])
def test_a_part_of_a_log_holds_and_is_not_said_to_be_whole(shown, tmp_path, verify):
    code, output = verify("export", Export(leaves(700), shown).write(tmp_path))

    assert code == 0 and f"; the export leaves out {700 - len(shown)} records of the log" in output


@pytest.mark.parametrize("size", [66_000, 131_072])
def test_an_export_of_a_log_with_three_levels_of_tiles_holds(size, tmp_path, verify):
    shown = [65_535, 300, 0, 255, 256, size - 2]
    hashes = [leaf(record(number)) if number in shown else sha256(b"%d" % number).digest() for number in range(size)]
    export = Export(hashes, shown)

    assert [tile["level"] for tile in export.tiles[:4]] == [1, 1, 2, 0]
    assert verify("export", export.write(tmp_path))[0] == 0
    export.change_tile(2)
    assert "proof: the tiles of level 2 do not go with those of level 1" in verify("export", export.write(tmp_path))[1]
    export.tiles.pop(2)
    assert "proof: the tiles of level 2 do not go with those of level 1" in verify("export", export.write(tmp_path))[1]


def place(line, index, ref=None):
    """How a line of the export is named, with the record that is found there."""
    return f"e.ndjson, line {line}, index {index}" + ("" if ref is None else f", refId '{ref:026d}'") + ": "


def swap(items, one, other):
    items[one], items[other] = items[other], items[one]


def signed_note(note):
    return lambda export: export.header.update(checkpoint=note)


def tile(at, **changes):
    return lambda export: export.tiles[at].update(changes)


HERE, LINE_8, CHANGED = place(8, SHOWN[7], SHOWN[7]), place(8, SHOWN[7]), "the record was changed"
ANOTHER, TOO_LONG = "the log has another record at this index", "unknown: the proof has no position for this line"
FORGED = json.dumps(digested(record(SHOWN[7]) | {"action": "a.c"})).encode() + b"\n"
NOT_OURS = f"proof, line 1: the checkpoint is not one of {LOG} signed with the key {key_id(SIGNER).hex()}"
NO_JSON, NO_ROOT = "is not JSON", "proof: the tiles do not lead to the root of the checkpoint"
BAD_SALTS = {"actorName": "AA" * 16, "after": "00" * 16}
ROOT = b64(mth(leaves(700)))
ODD_ROOT = f"{ROOT[:-2]}{chr(ord(ROOT[-2]) + 1)}="  # the same 32 bytes, with a bit that no encoder sets
WRONG_EXPORTS = {
    "value": (lambda e: e.change(action="a.c"), HERE + CHANGED),
    "erasable value": (lambda e: e.change(actorName="Søren"), HERE + CHANGED),
    "new field": (lambda e: e.change(approved=True), HERE + CHANGED),
    "new erasable field": (lambda e: e.change(before={}), HERE + "the salts are not those"),
    "other salts": (lambda e: e.change(salts=record(1)["salts"]), HERE + CHANGED),
    "bad salt": (lambda e: e.change(salts=BAD_SALTS), HERE + "the salt of actorName is not 32 hex digits"),
    "no salts": (lambda e: e.change(salts=None), HERE + "the salts are not those"),
    "digest": (lambda e: e.change(digest=record(1)["digest"]), HERE + CHANGED),
    "value and digest": (lambda e: e.lines.__setitem__(7, FORGED), HERE + ANOTHER),
    "line dropped": (lambda e: e.lines.pop(7), place(8, SHOWN[7], SHOWN[8]) + ANOTHER),
    "last line dropped": (lambda e: e.lines.pop(), place(300, SHOWN[-1]) + "the record is missing"),
    "lines swapped": (lambda e: swap(e.lines, 7, 9), place(8, SHOWN[7], SHOWN[9]) + ANOTHER),
    "line twice": (lambda e: e.lines.insert(8, e.lines[7]), place(9, SHOWN[8], SHOWN[7]) + ANOTHER),
    "line too many": (lambda e: e.lines.append(e.lines[7]), f"e.ndjson, line 301, index {TOO_LONG}"),
    "line and position twice": (
        lambda e: (e.lines.append(e.lines[7]), e.positions.append(SHOWN[7])),
        place(301, SHOWN[7], SHOWN[7]) + "the proof gives this index to an earlier line",
    ),
    "file cut": (lambda e: e.lines.append(e.lines.pop()[:99]), place(300, SHOWN[-1]) + NO_JSON),
    "empty line": (lambda e: e.lines.insert(7, b"\n"), LINE_8 + NO_JSON),
    "list": (lambda e: e.lines.insert(7, b"[]\n"), LINE_8 + "is not a JSON object"),
    "Latin-1": (lambda e: e.replace("ø".encode(), b"\xf8"), LINE_8 + NO_JSON),
    "depth": (lambda e: e.lines.insert(7, b'{"a":' + b"[" * 200_000 + b"\n"), LINE_8),
    "key twice": (lambda e: e.replace(b'"a.b"', b'"a.c","action":"a.b"'), LINE_8 + NO_JSON),
    "lone surrogate": (lambda e: e.change(after="\ud800"), HERE + "'utf-8' codec can't encode"),
    "huge integer": (lambda e: e.change(after=2**53), HERE + "has an integer beyond 2^53-1"),
    "huge number": (lambda e: e.replace(b"1.5", b"1e999"), HERE + "has a number that is too large"),
    "unprintable refId": (lambda e: e.change(refId="\x1b[2J\n"), rf"{LINE_8[:-2]}, refId '\x1b[2J\n': {CHANGED}"),
    "sha256": (lambda e: e.header.update(sha256="0" * 64), "its 300 records hold, but"),
    "records": (lambda e: e.header.update(records=299), "its 300 records hold, but"),
    "format": (lambda e: e.header.update(format="v2"), "proof, line 1: is not the beginning"),
    "signer": (signed_note(checkpoint(leaves(700), STRANGER)), NOT_OURS),
    "signer under this id": (
        signed_note(checkpoint(leaves(700), STRANGER, shown_id=key_id(SIGNER))),
        "proof, line 1: the signature of the checkpoint is false",
    ),
    "log's name": (signed_note(checkpoint(leaves(700), name="other")), NOT_OURS),
    "log's name over this key's": (signed_note(checkpoint(leaves(700), name="other", signed_as=LOG)), NOT_OURS),
    "no signature": (
        signed_note(checkpoint(leaves(700)).partition("—")[0]),
        "proof, line 1: the checkpoint is malformed",
    ),
    "root in other base64": (signed_note(note(f"{LOG}\n700\n{ODD_ROOT}\n")), "proof, line 1: has base64 that is not"),
    "older checkpoint": (signed_note(checkpoint(leaves(699))), "proof, line 5: has 6016 bytes"),
    "other log": (signed_note(checkpoint(leaves(701)[1:])), NO_ROOT),
    "tile of level 1": (lambda e: e.change_tile(0), NO_ROOT),
    "tile of level 0": (lambda e: e.change_tile(2), "proof: tile 1 of level 0 is not that of the log"),
    "last tile": (lambda e: e.change_tile(3), NO_ROOT),
    "tile dropped": (lambda e: e.tiles.pop(1), "the proof has no tile 0 of level 0"),
    "tile of level 1 dropped": (lambda e: e.tiles.pop(0), "proof: tiles are missing"),
    "last tile dropped": (lambda e: e.tiles.pop(), "proof: tiles are missing"),
    "tiles swapped": (lambda e: swap(e.tiles, 1, 2), "proof, line 4: is a tile out of order"),
    "tile twice": (lambda e: e.tiles.insert(2, e.tiles[1]), "proof, line 4: is a tile out of order"),
    "tile below 0": (tile(1, number=-1), "proof, line 3: a log of size 700 has no tile -1 of level 0"),
    "tile beyond": (tile(3, number=3), "proof, line 5: a log of size 700 has no tile 3 of level 0"),
    "level below 0": (tile(1, level=-1), "proof, line 3: "),
    "true for 1": (tile(2, number=True), "proof, line 4: must have level (int), number (int), hashes (str)"),
    "unknown key": (tile(1, width=256), "proof, line 3: must have level (int), number (int), hashes (str)"),
    "missing key": (lambda e: e.tiles[1].pop("number"), "proof, line 3: must have level (int), number (int)"),
    "positions swapped": (lambda e: swap(e.positions, 7, 8), place(8, SHOWN[8], SHOWN[7]) + ANOTHER),
    "position dropped": (lambda e: e.positions.pop(), f"e.ndjson, line 300, index {TOO_LONG}"),
    "position beyond": (lambda e: e.positions.append(700), "proof, line 9: must have at most 1000 positions"),
    "position below 0": (lambda e: e.positions.insert(0, -1), "proof, line 6: must have at most 1000 positions"),
    "1001 positions": (
        lambda e: (e.positions.extend([0] * 701), vars(e).update(chunk=1001)),
        "proof, line 6: must have",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG_EXPORTS.values(), ids=WRONG_EXPORTS)
def test_an_export_that_was_changed_is_refused_and_the_place_is_named(change, message, tmp_path, verify):
    export = Export(leaves(700), list(SHOWN))

    change(export)
    code, output = verify("export", export.write(tmp_path))

    assert code == 1 and message in output and output.startswith("WRONG: ") and output.count("\n") == 1


def test_an_archived_month_holds_without_a_hash_of_its_file(tmp_path, verify):
    export = Export(leaves(700), list(SHOWN))
    export.archive()

    code, output = verify("archive", export.write(tmp_path))

    assert code == 0 and output.startswith("HOLDS: 300 records are as they were sealed")
    assert "no leaf" not in output and output.endswith("leaves out 400 records of the log\n")


@pytest.mark.parametrize("sealed", [0, 700])
def test_records_without_a_leaf_are_checked_by_their_digests_and_counted(tmp_path, verify, sealed):
    export = Export(leaves(700), list(range(sealed)))
    export.archive(900, 901)

    written = export.write(tmp_path)
    assert verify("archive", written)[0] == verify("archive", written, "--leafless", "1")[0] == 1
    code, output = verify("archive", written, "--leafless", "2")

    assert code == 0 and output.startswith(f"HOLDS: {sealed} records are as they were sealed")
    assert "; 2 more have no leaf there: only their digests were checked" in output
    assert ("has every record of the log" if sealed else "leaves out 700 records") in output


WRONG_ARCHIVES = {
    "value without a leaf": (
        lambda e: e.lines.__setitem__(300, e.lines[300].replace(b'"a.b"', b'"a.c"')),
        "e.ndjson, line 301, index None, refId '00000000000000000000000900': " + CHANGED,
    ),
    "value with a leaf": (lambda e: e.change(action="a.c"), HERE + CHANGED),
    "value and digest with a leaf": (lambda e: e.lines.__setitem__(7, FORGED), HERE + ANOTHER),
    "line too many": (lambda e: e.lines.append(e.lines[7]), f"e.ndjson, line 303, index {TOO_LONG}"),
    "line dropped": (lambda e: e.lines.pop(), "e.ndjson, line 302, index None: the record is missing"),
    "position dropped": (lambda e: e.positions.pop(), f"e.ndjson, line 302, index {TOO_LONG}"),
    "records": (lambda e: e.header.update(records=301), "its 302 records hold, but"),
    "no sha256": (lambda e: e.header.update(sha256=0), "proof, line 1: must have format (str)"),
    "a hash": (lambda e: e.header.update(sha256="0" * 64), "proof, line 1: must have format (str)"),
}


@pytest.mark.parametrize(("change", "message"), WRONG_ARCHIVES.values(), ids=WRONG_ARCHIVES)
def test_an_archived_month_that_was_changed_is_refused(change, message, tmp_path, verify):
    export = Export(leaves(700), list(SHOWN))
    export.archive(900, 901)

    change(export)
    code, output = verify("archive", export.write(tmp_path))

    assert code == 1 and message in output and output.startswith("WRONG: ") and output.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.archive(), "proof, line 1: must have format (str)"),
        (lambda e: e.positions.__setitem__(7, None), "must have at most 1000 positions"),
    ],
)
def test_the_proof_of_an_export_cannot_pass_for_that_of_an_archive(change, message, tmp_path, verify):
    export = Export(leaves(700), list(SHOWN))

    change(export)
    code, output = verify("export", export.write(tmp_path))

    assert code == 1 and message in output


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The folder of an export of 3 records of a log of 257."""
    folder = tmp_path_factory.mktemp("small")
    Export(leaves(257), [256, 3, 0]).write(folder)
    return folder


@given(st.data())
def test_no_bit_of_an_export_or_its_proof_can_be_flipped(small, data):
    name = data.draw(st.sampled_from(["e.ndjson", "e.ndjson.proof"]))
    content = bytearray((small / name).read_bytes())
    at = data.draw(st.integers(0, len(content) - 2))  # the last is a newline, and white space
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    (small / f"flipped-{name}").write_bytes(content)
    paths = {
        known: small / (f"flipped-{known}" if known == name else known) for known in ("e.ndjson", "e.ndjson.proof")
    }

    with pytest.raises(ValueError, match=r"e\.ndjson"):
        verifier.verify_export(*map(str, paths.values()), verifier.vkey(vkey()))


def proof_text(index, hashes, **changes):
    steps = "".join(f"{b64(step)}\n" for step in path(index, hashes))
    return f"c2sp.org/tlog-proof@v1\n{changes.get('extra', '')}index {index}\n{steps}\n{checkpoint(hashes)}"


def proof_json(index, hashes, /, **changes):
    steps = [b64(step) for step in path(index, hashes)]
    proof = {"index": index, "size": len(hashes), "leaf": b64(entry(record(index))), "path": steps}
    return json.dumps(proof | {"checkpoint": checkpoint(hashes)} | changes)


@pytest.fixture
def verify_record(tmp_path, verify):
    """Runs the command on a record and the text of a proof."""

    def run(record, proof, key=None):
        (tmp_path / "r.json").write_text(json.dumps(record, indent=2))
        (tmp_path / "r.proof").write_text(proof)
        return verify("record", tmp_path / "r.json", tmp_path / "r.proof", key=key)

    return run


@pytest.mark.parametrize("form", [proof_text, proof_json])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 257, 700])
def test_each_record_holds_by_its_own_proof_and_by_no_other(size, form, verify_record):
    for index in {0, size // 2, size - 1}:
        code, output = verify_record(record(index), form(index, leaves(size)))
        assert code == 0 and output.startswith(f"HOLDS: index {index}, refId '{index:026d}': ") and LOG in output

        other = (index + 1) % 701
        code, output = verify_record(record(other), form(index, leaves(size)))
        assert code == 1 and f"r.json, index {index}, refId '{other:026d}': " in output


TEXT, STEP = proof_text(3, leaves(7)), b64(path(3, leaves(7))[1])
WRONG_PROOFS = {
    "index": (TEXT.replace("index 3", "index 2"), "index 2, refId '00000000000000000000000003': the log has no such"),
    "index beyond": (TEXT.replace("index 3", "index 7"), "the proof's index, size or leaf"),
    "index 03": (TEXT.replace("index 3", "index 03"), "r.proof: is neither"),
    "index below 0": (proof_json(3, leaves(7), index=-1), "the proof's index, size or leaf"),
    "size": (proof_json(3, leaves(7), size=8), "the proof's index, size or leaf"),
    "leaf": (proof_json(3, leaves(7), leaf=b64(entry(record(4)))), "the proof's index, size or leaf"),
    "path of numbers": (proof_json(3, leaves(7), path=[1]), "r.proof: has base64 that is not canonical"),
    "new key": (proof_json(3, leaves(7), log=LOG), "r.proof: must have index (int)"),
    "step": (TEXT.replace(STEP, b64(bytes(32))), "the log has no such record at this index"),
    "step dropped": (TEXT.replace(f"{STEP}\n", ""), "the proof is too long or too short"),
    "step too many": (TEXT.replace(STEP, f"{STEP}\n{STEP}"), "the proof is too long or too short"),
    "short step": (TEXT.replace(STEP, b64(bytes(31))), "r.proof: has 31 bytes in base64 where 32 should be"),
    "extra": (TEXT.replace("index", "extra AB==\nindex"), "r.proof: has base64 that is not canonical"),
    "control character": (TEXT.replace("— ", "— a\x07 AAAA\n— "), "r.proof: the checkpoint is malformed"),
    "checkpoint": (TEXT.replace(checkpoint(leaves(7)), checkpoint(leaves(8))), "the log has no such record"),
    "nothing": ("", "r.proof: is neither"),
}


@pytest.mark.parametrize(("proof", "message"), WRONG_PROOFS.values(), ids=WRONG_PROOFS)
def test_a_proof_that_was_changed_is_refused(proof, message, verify_record):
    code, output = verify_record(record(3), proof)

    assert code == 1 and message in output and output.startswith("WRONG: ") and output.count("\n") == 1


def test_what_others_add_to_a_proof_does_not_matter(verify_record):
    proof = proof_text(3, leaves(7), extra="extra AAAA\n")
    cosigned = proof + f"— {LOG} {b64(b'other key')}\n— witness.example {b64(key_id(SIGNER) + bytes(64))}\n"

    assert verify_record(record(3), cosigned)[0] == 0
    assert verify_record(record(3), cosigned, key=vkey(STRANGER))[0] == 1


def test_the_command_line_takes_files_and_ends_with_0_1_or_2(tmp_path):
    def run(*arguments):
        return subprocess.run([sys.executable, "-I", TOOL, *arguments], capture_output=True, cwd=tmp_path).returncode

    Export(leaves(2), [1, 0]).write(tmp_path)
    Path(tmp_path / "r.json").write_text(json.dumps(record(1)))
    Path(tmp_path / "r.proof").write_text(proof_text(1, leaves(2)))
    Path(tmp_path / "key").write_text(f"{vkey()}\n")

    assert run("export", "e.ndjson", "--key", "key") == 0
    assert run("export", "e.ndjson", "--proof", "e.ndjson.proof", "--key", vkey(STRANGER)) == 1
    assert run("record", "r.json", "r.proof", "--key", vkey()) == 0
    assert run("record", "r.json", "r.proof", "--key", vkey(name="other")) == 1
    assert run("export", "e.ndjson", "--proof", "none", "--key", "key") == 2
    for no_key in ("none", "r.json", vkey().replace("+", "+0", 1)[:-1], vkey(STRANGER).replace(LOG, "other"), ""):
        assert run("record", "r.json", "r.proof", "--key", no_key) == 2, no_key


@pytest.mark.parametrize(("bits", "expected"), NUMBERS)
def test_numbers_have_the_form_of_rfc_8785_appendix_b(bits, expected):
    assert verifier.canonical(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() == expected


_NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | st.text() | _NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@given(_JSON)
def test_every_value_has_the_form_that_the_reference_library_gives_it(value):
    assert verifier.canonical(value) == rfc8785.dumps(value)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=5), st.floats(-1e9, 1e9)
    )
)
def test_a_record_as_chancery_makes_and_shows_it_has_the_same_leaf(after):
    stored = builders.record(after=after)

    assert verifier.entry_of(verifier.parse(json.dumps(show(stored)).encode())) == leaf_entry(stored)


def test_the_fixed_record_has_its_digest():
    """The vector of tests/unit/audit/test_digest.py."""
    stamp, salts = "2026-01-02T03:04:05.00", {"actorName": bytes(range(16)).hex(), "after": bytes(range(16, 32)).hex()}
    fixed = {"refId": "01J00000000000000000000000", "eventId": "e-1", "tenantId": None, "actorName": "Sørén"}
    fixed |= {"actorType": "human", "actorId": "u-1", "resourceType": "strategy", "resourceId": "s-1"}
    fixed |= {"action": "strategy.approved", "after": {"b": 1.5, "a": "€"}, "salts": salts}
    fixed |= {"createdOn": f"{stamp}6Z", "recordedOn": f"{stamp}7Z"}
    fixed["digest"] = "24ea011a80fab0c6593417e46e2de590edd9ed6f563a0706ec287c6ec2608c81"

    assert verifier.entry_of(fixed | {"_id": 1}) == entry(fixed)


def test_the_tool_needs_python_3_11_and_cryptography_alone():
    tree = ast.parse(TOOL.read_text(), feature_version=(3, 11))
    imported = {node.names[0].name for node in ast.walk(tree) if isinstance(node, ast.Import)}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names == {"cryptography"}

"""Exports of a log: complete, partial and changed."""

import random
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tools.logs import (
    LOG,
    SHOWN,
    SIGNER,
    STRANGER,
    Export,
    b64,
    checkpoint,
    key_id,
    leaf,
    leaves,
    mth,
    note,
    record,
    verifier,
    vkey,
)
from tests.unit.tools.verdicts import ANOTHER, CHANGED, FORGED, HERE, LINE_8, TOO_LONG, place


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 1000])
def test_a_complete_export_in_any_order_holds_and_is_reported_as_complete(size, tmp_path, verify):
    export = Export(leaves(size), random.Random(size).sample(range(size), size), chunk=1000)

    code, output = verify("export", export.write(tmp_path))

    assert code == 0 and output.startswith(f"HOLDS: {size} records are as they were sealed in the log {LOG} of size")
    assert output.endswith(f"{size}; the export has every record of the log\n")


@pytest.mark.parametrize("positions", [[], [0], [699], [699, 0, 256], SHOWN])
def test_a_part_of_a_log_holds_and_is_reported_as_a_part(positions, tmp_path, verify):
    code, output = verify("export", Export(leaves(700), positions).write(tmp_path))

    assert code == 0 and f"; the export leaves out {700 - len(positions)} records of the log" in output


@cache
def strange_leaf(number):
    """The hash of a leaf of which the record is not at hand."""
    return sha256(b"%d" % number).digest()


@pytest.mark.parametrize("size", [66_000, 131_072])
def test_an_export_of_a_log_with_three_levels_of_tiles_holds(size, tmp_path, verify):
    positions = {65_535, 300, 0, 255, 256, size - 2}
    hashes = [leaf(record(number)) if number in positions else strange_leaf(number) for number in range(size)]
    export = Export(hashes, sorted(positions, reverse=True))

    assert [tile["level"] for tile in export.tiles[:4]] == [1, 1, 2, 0]
    assert verify("export", export.write(tmp_path))[0] == 0
    export.change_tile(2)
    assert "proof: the tiles of level 2 do not go with those of level 1" in verify("export", export.write(tmp_path))[1]
    export.tiles.pop(2)
    assert "proof: the tiles of level 2 do not go with those of level 1" in verify("export", export.write(tmp_path))[1]


def swap(items, one, other):
    items[one], items[other] = items[other], items[one]


def signed_note(note):
    return lambda export: export.header.update(checkpoint=note)


def tile(at, **changes):
    return lambda export: export.tiles[at].update(changes)


NOT_OURS = f"proof, line 1: the checkpoint is not one of {LOG} signed with the key {key_id(SIGNER).hex()}"
NO_JSON, NO_ROOT = "is not JSON", "proof: the tiles do not lead to the root of the checkpoint"
SECOND = 10  # a line whose record has a digest of version 2
SECOND_HERE = place(SECOND + 1, SHOWN[SECOND], SHOWN[SECOND])
BAD_SALTS = {"actorName": "AA" * 16, "after": "00" * 16}
ROOT = b64(mth(leaves(700)))
ODD_ROOT = f"{ROOT[:-2]}{chr(ord(ROOT[-2]) + 1)}="  # the same 32 bytes, with a bit that no encoder sets
WRONG_EXPORTS = {
    "value": (lambda e: e.change(action="a.c"), HERE + CHANGED),
    "erasable value": (lambda e: e.change(actorName="Søren"), HERE + CHANGED),
    "new field": (lambda e: e.change(approved=True), HERE + CHANGED),
    "new erasable field": (lambda e: e.change(before={}), HERE + "the salts are not those"),
    "other salts": (lambda e: e.change(salts=record(1)["salts"]), HERE + CHANGED),
    "submitter": (lambda e: e.change(SECOND, recordedBy={"source": "x", "account": "1"}), SECOND_HERE + CHANGED),
    "no submitter": (lambda e: e.change(SECOND, recordedBy=None), SECOND_HERE + "the record lacks recordedBy"),
    "version": (lambda e: e.change(SECOND, digestVersion=1), SECOND_HERE + "the version of the digest is not known"),
    "version as text": (
        lambda e: e.change(SECOND, digestVersion="2"),
        SECOND_HERE + "the version of the digest is not known",
    ),
    "version to come": (
        lambda e: e.change(SECOND, digestVersion=3),
        SECOND_HERE + "the version of the digest is not known",
    ),
    "no version": (
        lambda e: e.change(SECOND, digestVersion=None),
        SECOND_HERE + "the version of the digest is not known",
    ),
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

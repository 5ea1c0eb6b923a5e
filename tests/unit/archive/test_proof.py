"""The proof beside an archived file against the log that it is about."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from chancery.archive.contents import Manifest
from chancery.archive.proof import check, positions, whole_lines
from chancery.tlog.verified_tiles import VerifiedTileReader
from tests.unit.verification.archived import START, archive, month_records
from tests.unit.verification.sealed import SealedLog, Signer

Line = dict[str, Any]
SOME = month_records(60)
LOG = SealedLog(Signer(), SOME, strangers=700)  # three tiles of leaves, of which the last is partial
MONTH = archive([*SOME, *month_records(5, START + timedelta(hours=1))], LOG)
MANIFEST = Manifest.parse(MONTH.manifest)
LINES = [orjson.loads(line) for line in MONTH.proof.splitlines()]


def log() -> VerifiedTileReader:
    return VerifiedTileReader(LOG.files.__getitem__, LOG.tree_head())


def written(lines: list[Line]) -> list[bytes]:
    return [orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines]


def changed(change: Callable[[list[Line]], Any]) -> list[bytes]:
    lines = [dict(line) for line in LINES]
    lines[-1]["positions"] = list(lines[-1]["positions"])
    change(lines)
    return written(lines)


def test_the_lines_are_as_expected():
    places = [(line.get("level"), line.get("number")) for line in LINES]

    assert places == [(None, None), (1, 0), (0, 2), (None, None)]


def test_a_proof_holds_and_its_positions_begin_where_it_says():
    body = b"".join(written(LINES))

    offset = check(whole_lines([body[:700], body[700:]]), MANIFEST, log())

    found = list(positions(whole_lines([body[offset:]])))
    assert found == [*range(700, 760), None, None, None, None, None]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: lines[0].update(sha256="0" * 64), r"line 1: is not the beginning of this archive's proof"),
        (lambda lines: lines[0].update(records=64), r"line 1: is not the beginning"),
        (lambda lines: lines[0].update(more=1), r"line 1: is not the beginning"),
        (lambda lines: lines.pop(0), r"line 1: is not the beginning"),
        (lambda lines: lines.pop(1), r"line 2: must be tile 0 of level 1"),
        (lambda lines: lines.__delitem__(slice(1, 3)), r"it lacks a tile above the leaves"),
        (lambda lines: lines.pop(2), r"it lacks the tile of index 700"),
        (lambda lines: lines.insert(2, lines[1]), r"line 3: is a tile out of order"),
        (lambda lines: lines.insert(3, lines[2]), r"line 4: is a tile out of order"),
        (lambda lines: lines[2].update(number=1), r"line 3: tile 1 of level 0 is not the log's"),
        (lambda lines: lines[2].update(number=3), r"line 3: a log of 760 records has no tile 3 of level 0"),
        (lambda lines: lines[2].update(number=True), r"line 3: is not a tile"),
        (lambda lines: lines[2].update(level="0"), r"line 3: is not a tile"),
        (lambda lines: lines[2].update(width=1), r"line 3: is not a tile"),
        (lambda lines: lines[2].update(hashes=lines[2]["hashes"][:-4]), r"line 3: tile 2 of level 0 is not the log's"),
        (lambda lines: lines[2].update(hashes="?"), r"line 3: "),
        (lambda lines: lines[2].update(hashes=odd(lines[2]["hashes"])), r"line 3: has base64 that is not canonical"),
        (lambda lines: lines.pop(), r"it is about 0 records, and the file has 65"),
        (lambda lines: lines[-1]["positions"].pop(), r"it is about 64 records, and the file has 65"),
        (lambda lines: lines[-1]["positions"].append(None), r"it is about 66 records, and the file has 65"),
        (lambda lines: lines[-1]["positions"].__setitem__(0, None), r"not where the manifest says"),
        (lambda lines: lines[-1]["positions"].__setitem__(0, 701), r"not where the manifest says"),
        (lambda lines: lines[-1]["positions"].__setitem__(0, 3), r"it lacks the tile of index 3"),
        (lambda lines: lines[-1]["positions"].__setitem__(0, -1), r"it has a position that is none"),
        (lambda lines: lines[-1]["positions"].__setitem__(0, True), r"it has a position that is none"),
        (lambda lines: lines.append({"positions": []}), r"it has something else among its positions"),
        (lambda lines: lines.append({"positions": [None] * 1001}), r"it has something else among its positions"),
        (lambda lines: lines.append(lines[2]), r"it has something else among its positions"),
    ],
)
def test_a_proof_that_was_changed_is_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        check(changed(change), MANIFEST, log())


def odd(text: str) -> str:
    """The same bytes, with a bit that no encoder sets."""
    assert text.endswith("==")  # the four lowest bits of what is before are unused
    return f"{text[:-3]}{chr(ord(text[-3]) + 1)}=="


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"x\n", b'{"a": 1}\n', b'{"a":1,"a":1}\n'])
def test_what_is_not_a_line_of_chancery_is_refused(line):
    with pytest.raises(ValueError, match=r"line 2: is not (JSON|written as Chancery writes it)"):
        check([written(LINES)[0], line], MANIFEST, log())


def test_a_last_line_without_its_end_is_refused():
    with pytest.raises(ValueError, match="it is cut off"):
        list(whole_lines([b"{}\n", b"{"]))


def test_a_proof_without_a_line_is_refused():
    with pytest.raises(ValueError, match="it lacks a tile above the leaves"):
        check([], MANIFEST, log())


def test_a_tile_that_the_log_no_longer_has_is_named():
    gone = VerifiedTileReader({}.__getitem__, LOG.tree_head())

    with pytest.raises(ValueError, match=r"line 2: the log lacks tile/"):
        check(written(LINES), MANIFEST, gone)

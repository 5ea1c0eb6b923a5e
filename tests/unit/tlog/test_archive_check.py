"""The proof of an archived month against the log itself, as the restore checks it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from chancery.tlog.archive_check import check_proof
from chancery.tlog.archive_manifest import Manifest
from chancery.tlog.errors import VerificationError
from chancery.tlog.export_proof import ProofParser, split_lines
from chancery.tlog.verified_tiles import VerifiedTileReader
from tests.archived import START, archive, month_records
from tests.sealed import SealedLog, Signer

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


def test_a_proof_holds_and_its_positions_begin_at_its_first_index():
    body = b"".join(written(LINES))

    offset = check_proof(split_lines([body[:700], body[700:]]), MANIFEST, log())

    found = list(ProofParser(split_lines([body[offset:]]), archived=True).positions(LOG.size))
    assert found == [*range(700, 760), None, None, None, None, None]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: lines[0].update(sha256="0" * 64), "line 1: must have exactly format"),
        (lambda lines: lines[0].update(format="chancery-export-proof@v2"), "line 1: is not the first line of a"),
        (lambda lines: lines[0].update(records=-1), "line 1: is not the first line of a"),
        (lambda lines: lines[0].update(records=64), "line 1: is for an archive of 64 records, and this one has 65"),
        (lambda lines: lines[0].update(checkpoint="note"), "line 1: its checkpoint is not that of the manifest"),
        (lambda lines: lines[0].update(more=1), "line 1: must have exactly format"),
        (lambda lines: lines.pop(0), "line 1: must have exactly format"),
        (lambda lines: lines.pop(1), "line 2: must be tile 0 of level 1"),
        (lambda lines: lines.__delitem__(slice(1, 3)), "line 2: tiles are missing before this line"),
        (lambda lines: lines.pop(2), "line 3: tiles are missing before this line"),
        (lambda lines: lines.insert(2, lines[1]), "line 3: the tiles are not in ascending order"),
        (lambda lines: lines.insert(3, lines[2]), "line 4: the tiles are not in ascending order"),
        (lambda lines: lines[2].update(number=1), "line 3: tile 1 of level 0 must have 256 hashes"),
        (lambda lines: lines[2].update(number=3), "line 3: a log of 760 records has no tile 3 of level 0"),
        (lambda lines: lines[2].update(number=True), "line 3: must have exactly level"),
        (lambda lines: lines[2].update(level="0"), "line 3: must have exactly level"),
        (lambda lines: lines[2].update(width=1), "line 3: must have exactly level"),
        (lambda lines: lines[2].update(hashes="AAAA" + lines[2]["hashes"][4:]), "line 3: tile 2 of level 0 is not the"),
        (lambda lines: lines[2].update(hashes=lines[2]["hashes"][:-4]), "line 3: tile 2 of level 0 must have 248"),
        (lambda lines: lines[2].update(hashes="?"), "line 3: is not base64"),
        (lambda lines: lines[2].update(hashes=odd(lines[2]["hashes"])), "line 3: is not canonical base64"),
        (lambda lines: lines.pop(), "is about 0 records, and the file has 65"),
        (lambda lines: lines[-1]["positions"].pop(), "is about 64 records, and the file has 65"),
        (lambda lines: lines[-1]["positions"].append(None), "is about 66 records, and the file has 65"),
        (lambda lines: lines[-1]["positions"].__setitem__(0, None), "its records are not where the manifest says"),
        (lambda lines: lines[-1]["positions"].__setitem__(0, 701), "its records are not where the manifest says"),
        (lambda lines: lines[-1]["positions"].__setitem__(0, 3), "index 3: has no tile 0 of level 0"),
        (lambda lines: lines[-1]["positions"].__setitem__(0, -1), "line 4: a position is not an index in a log of 760"),
        (lambda lines: lines[-1]["positions"].__setitem__(0, 760), "line 4: a position is not an index in a log of"),
        (lambda lines: lines[-1]["positions"].__setitem__(0, True), "line 4: a position is not an index"),
        (lambda lines: lines.append({"positions": []}), "line 5: must have 1 to 1000 positions"),
        (lambda lines: lines.append({"positions": [None] * 1001}), "line 5: must have 1 to 1000 positions"),
        (lambda lines: lines.append(lines[2]), "line 5: must have exactly positions"),
    ],
)
def test_a_proof_that_was_changed_is_refused(change, reason):
    with pytest.raises(VerificationError, match=f"^proof(, |: ){reason}"):
        check_proof(changed(change), MANIFEST, log())


def odd(text: str) -> str:
    """The same bytes, with a bit that no encoder sets."""
    assert text.endswith("==")  # the four lowest bits of the preceding character are unused
    return f"{text[:-3]}{chr(ord(text[-3]) + 1)}=="


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\n", "is not JSON"),
        (b"x\n", "is not JSON"),
        (b"[]\n", "is not a JSON object"),
        (b'{"a": 1}\n', "must have exactly level"),
        (b'{"a":1,"a":1}\n', "has a key twice in one object"),
        (b"{}", "is cut off, or longer than any line"),
    ],
)
def test_a_malformed_line_of_a_proof_is_refused(line, reason):
    with pytest.raises(VerificationError, match=f"^proof, line 2: {reason}"):
        check_proof([written(LINES)[0], line], MANIFEST, log())


def test_lines_are_split_without_reading_an_endless_one_to_its_end():
    endless = (b"x" * 500_000 for _ in range(1000))

    assert list(split_lines([b"{}\n", b"{"])) == [b"{}\n", b"{"]
    assert [len(line) for line in split_lines(endless)] == [1_500_000]
    assert sum(1 for _ in endless) == 997


def test_a_proof_without_a_line_is_refused():
    with pytest.raises(VerificationError, match=r"^proof, line 1: must have exactly format"):
        check_proof([], MANIFEST, log())


def test_a_tile_that_the_log_no_longer_has_is_named():
    gone = VerifiedTileReader({}.__getitem__, LOG.tree_head())

    with pytest.raises(VerificationError, match=r"^proof, line 2: the log lacks tile/"):
        check_proof(written(LINES), MANIFEST, gone)

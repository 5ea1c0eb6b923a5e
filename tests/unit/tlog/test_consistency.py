"""That a log only grew, by the API's consistency proof."""

import orjson
import pytest

from chancery.cli.checkpoints import opener
from chancery.tlog.consistency import verify_consistency
from chancery.tlog.errors import VerificationError
from chancery.tlog.merkle import EMPTY_ROOT
from chancery.tlog.signed_notes import Checkpoint
from tests.sealed import ORIGIN, SealedLog, Signer, records

LOG = SealedLog(Signer(), records(300))
OPEN = opener(LOG.signer.key)
SIZES = (1, 2, 7, 128, 255, 256, 257, 299, 300)


def refused(older: Checkpoint, newer: Checkpoint, answer: object) -> VerificationError:
    text = answer if isinstance(answer, bytes | None) else orjson.dumps(answer)
    with pytest.raises(VerificationError) as failure:
        verify_consistency(older, newer, text, OPEN)
    return failure.value


def test_every_size_is_the_beginning_of_every_larger_one():
    for old in SIZES:
        for new in (size for size in SIZES if size >= old):
            answer = LOG.consistency(old, new)
            for checkpoint in (answer["checkpoint"], None):
                text = orjson.dumps(answer | {"checkpoint": checkpoint})
                verify_consistency(LOG.tree_head(old), LOG.tree_head(new), text, OPEN)


def test_equal_sizes_and_an_empty_log_need_no_proof():
    verify_consistency(LOG.tree_head(7), LOG.tree_head(7), None, OPEN)
    verify_consistency(Checkpoint(ORIGIN, 0, EMPTY_ROOT), LOG.tree_head(7), None, OPEN)
    assert "continuation" in refused(Checkpoint(ORIGIN, 7, bytes(32)), LOG.tree_head(7), None).what
    assert "continuation" in refused(Checkpoint(ORIGIN, 0, bytes(32)), LOG.tree_head(7), None).what


def test_other_sizes_need_one():
    assert "hashes" in refused(LOG.tree_head(7), LOG.tree_head(8), None).what


def test_a_log_never_shrinks():
    failure = refused(LOG.tree_head(8), LOG.tree_head(7), LOG.consistency(7, 8))

    assert failure.what == "the log has shrunk: it had 8 records, and now 7"


@pytest.mark.parametrize("old", SIZES[:-1])
def test_another_root_on_either_side_and_any_other_hash_are_found(old):
    older, newer, answer = LOG.tree_head(old), LOG.tree_head(), LOG.consistency(old, 300)

    assert "continuation" in refused(Checkpoint(ORIGIN, old, bytes(32)), newer, answer).what
    assert refused(older, Checkpoint(ORIGIN, 300, bytes(32)), answer | {"checkpoint": None}).file == "proof"
    for place in range(len(answer["path"])):
        path = [*answer["path"]]
        path[place] = "A" * 43 + "="
        assert "continuation" in refused(older, newer, answer | {"path": path}).what


@pytest.mark.parametrize(
    "change",
    [
        {"from": 8},
        {"to": 299},
        {"from": True},
        {"path": None},
        {"path": [1]},
        {"path": ["x"]},
        {"path": []},
        {"checkpoint": 1},
        {"checkpoint": "x"},
        {"checkpoint": LOG.checkpoint(299)},
        {"checkpoint": Signer(ORIGIN).checkpoint(300, LOG.tree_head().root)},
        {"more": 1},
    ],
    ids=lambda change: str(change)[:40],
)
def test_a_changed_answer_is_refused(change):
    assert refused(LOG.tree_head(7), LOG.tree_head(), LOG.consistency(7, 300) | change).file == "proof"


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff", b"null", b'{"from":7,"from":7}'])
def test_a_malformed_answer_is_refused(text):
    assert refused(LOG.tree_head(7), LOG.tree_head(), text).file == "proof"

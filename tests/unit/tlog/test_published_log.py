"""Walking published logs: every bit of every file counts, and the index where it goes wrong is named."""

import random
import threading
from itertools import accumulate

import pytest

from chancery.tlog.errors import VerificationError
from chancery.tlog.leaf import leaf_entry
from chancery.tlog.merkle import leaf_hash
from chancery.tlog.published_log import PublishedLog
from chancery.tlog.signed_notes import Checkpoint
from chancery.tlog.tiles import WIDTH, tile_at, tiles_of
from tests.profiles import LONG
from tests.sealed import ORIGIN, SealedLog, Signer, records

LOG = SealedLog(Signer(), records(600))
LARGE = SealedLog(Signer(), LOG.records[:300], strangers=65_600)


def published(log: SealedLog, files: dict[str, bytes] | None = None, parallel: int = 1) -> PublishedLog:
    return PublishedLog(log.tree_head(), (files or log.files).__getitem__, parallel)


def walk(log: PublishedLog, since: Checkpoint | None = None) -> list[bytes]:
    """The entries of a log that holds."""
    return [leaf_entry(leaf) for _, leaves in log.walk(since) for leaf in leaves]


def refused(log: SealedLog, files: dict[str, bytes], since: Checkpoint | None = None) -> VerificationError:
    with pytest.raises(VerificationError) as failure:
        walk(published(log, files), since)
    return failure.value


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 513, 600])
def test_a_log_of_any_size_is_walked_to_its_root(size, parallel):
    log = LOG.at(size)

    assert walk(published(log, parallel=parallel)) == LOG.entries[:size]
    assert [(start, len(leaves)) for start, leaves in published(log).walk()] == [
        (tile.number * WIDTH, tile.width) for tile in tiles_of(size) if tile.level == 0
    ]
    assert list(published(log, parallel=parallel).leaves()) == list(published(log).walk())


@pytest.mark.parametrize(("size", "since"), [(65_536, 65_535), (65_537, 65_536), (65_792, 65_537), (65_900, 65_536)])
def test_a_log_of_three_levels_is_walked_to_its_root_and_continues_an_older_checkpoint(size, since):
    log = SealedLog(LOG.signer, LOG.records[: size - 65_500], strangers=65_500)

    assert walk(published(log, parallel=4), log.tree_head(since)) == log.entries


@pytest.mark.parametrize("log", [LOG, LARGE], ids=["600", "65900"])
def test_the_last_leaf(log):
    assert leaf_entry(published(log).last_leaf()) == log.entries[-1]


def test_any_bit_of_any_file_that_is_flipped_is_found_and_its_place_named():
    choice, log, flips = random.Random(11), LOG.at(300), 600 if LONG else 150
    files = [(path, tile) for tile in tiles_of(300) for path in ((tile.path, tile.bundle_path)[: 2 - (tile.level > 0)])]
    bits = [(path, tile, bit) for path, tile in files for bit in range(8 * len(log.files[path]))]
    for path, tile, bit in choice.sample(bits, flips):  # distinct ones
        content, at = log.files[path], bit // 8
        flipped = content[:at] + bytes([content[at] ^ 1 << bit % 8]) + content[at + 1 :]

        failure = refused(log, log.files | {path: flipped})

        span = WIDTH**tile.level
        if path == tile.path:
            assert failure.file == path
            assert failure.index == (tile.number * WIDTH + at // 32) * span
        else:
            start = tile.number * WIDTH
            ends = accumulate(2 + len(entry) for entry in log.entries[start : start + tile.width])
            index = start + next(place for place, end in enumerate(ends) if end > at)
            assert failure.file in (tile.path, tile.bundle_path)
            assert failure.index in (index, index + 1)


@pytest.mark.parametrize("level", [1, 2])
def test_an_upper_tile_that_does_not_follow_is_found_where_it_goes_wrong(level):
    tile = next(tile for tile in tiles_of(LARGE.size) if tile.level == level)
    row = bytearray(LARGE.files[tile.path])
    row[-1] ^= 1

    failure = refused(LARGE, LARGE.files | {tile.path: bytes(row)})

    assert (failure.file, failure.index) == (tile.path, (tile.width - 1) * WIDTH**level)


def test_files_that_agree_with_each_other_must_lead_to_the_signed_root():
    other = SealedLog(LOG.signer, [*LOG.records[:-1], LOG.records[0]])

    assert "do not lead to the root" in refused(LOG, other.files).what


@pytest.mark.parametrize(
    "path", [*sorted(tile.path for tile in tiles_of(600)), "tile/entries/001", "tile/entries/002.p/88"]
)
def test_a_file_that_is_missing_cut_off_or_too_long_is_named(path):
    without = {name: content for name, content in LOG.files.items() if name != path}

    assert refused(LOG, without).file == path
    for content in (b"", LOG.files[path][:-1], LOG.files[path][:-32], LOG.files[path] + b"\0", LOG.files[path] * 2):
        failure = refused(LOG, LOG.files | {path: content})
        assert failure.file == path
        assert failure.index is not None


def test_a_deleted_partial_tile_is_cut_from_the_full_one():
    later = SealedLog(LOG.signer, LOG.records[:512]).files
    assert not [path for path in later if path.startswith(("tile/0/001.p", "tile/entries/001.p"))]
    files = later | {path: content for path, content in LOG.at(400).files.items() if path.startswith("tile/1")}

    assert walk(published(LOG.at(400), files)) == LOG.entries[:400]


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"digest":"","recordedOn":"","refId":1}',
        b'{"refId":"","recordedOn":"","digest":""}',
    ],
    ids=repr,
)
def test_a_malformed_leaf_is_found_even_when_it_is_sealed(entry):
    log = SealedLog(LOG.signer, LOG.records[:300])
    log.entries[270] = entry
    first = tile_at(0, 1, 300)
    assert leaf_hash(entry) in (log.files[first.path][at : at + 32] for at in range(0, 2000, 32))

    failure = refused(log, log.files)

    assert (failure.file, failure.index) == (first.bundle_path, 270)


def test_a_log_continues_every_checkpoint_it_had():
    for size in (0, 1, 2, 255, 256, 257, 511, 512, 513, 599, 600):
        walk(published(LOG), LOG.tree_head(size))
    for size in (256, 512):
        walk(published(LOG.at(size)), LOG.tree_head(size))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 300, 512, 600])
def test_a_log_that_was_another_once_is_found(size):
    was = Checkpoint(ORIGIN, size, bytes(32))

    failure = refused(LOG, LOG.files, was)

    assert f"not a continuation of the checkpoint of {size} records" in failure.what


def test_a_log_that_has_shrunk_is_found():
    older = LOG.at(599)

    assert refused(older, older.files, LOG.tree_head()).what == "the log has shrunk: it had 600 records, and now 599"


def test_files_are_fetched_ahead_and_not_all_at_once():
    fetched: list[str] = []
    lock = threading.Lock()

    def fetch(path: str) -> bytes:
        with lock:
            fetched.append(path)
        return LARGE.files[path]

    steps = PublishedLog(LARGE.tree_head(), fetch, 2).walk()
    next(steps)

    assert 2 <= len(fetched) <= 13
    steps.close()
    assert len(fetched) <= 13

"""Tiles are used only where they lead to the root of a checkpoint."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.tlog.merkle import leaf_hash
from chancery.tlog.signed_notes import Checkpoint
from chancery.tlog.tiles import WIDTH, Growth, Tile, tile_at, upper_tiles
from chancery.tlog.verified_tiles import VerifiedTileReader

LARGEST = 66_000
ENTRIES = [b"entry %d" % number for number in range(LARGEST)]


def files_of(size: int) -> tuple[dict[str, bytes], Checkpoint]:
    growth = Growth(0, {}, [])
    growth.append(ENTRIES[:size])
    return growth.files(), Checkpoint("log", size, growth.root())


FILES = {size: files_of(size) for size in (1, 255, 256, 257, 511, 512, 700, 65_536, LARGEST)}


def reading(files: dict[str, bytes]) -> Callable[[str], bytes]:
    def fetch(path: str) -> bytes:
        if path not in files:
            raise LookupError(path)
        return files[path]

    return fetch


def tiles(size: int) -> VerifiedTileReader:
    files, checkpoint = FILES[size]
    return VerifiedTileReader(reading(files), checkpoint)


@given(st.sampled_from(sorted(FILES)), st.data())
def test_leaf_hashes_are_read_by_index(size, data):
    indexes = data.draw(st.lists(st.integers(0, size - 1), max_size=20))

    assert tiles(size).leaves(indexes) == [leaf_hash(ENTRIES[index]) for index in indexes]


@pytest.mark.parametrize("size", FILES)
def test_every_tile_of_the_log_holds_and_no_other(size):
    files, _ = FILES[size]
    reader = tiles(size)
    for tile in [*upper_tiles(size), *(tile_at(0, number, size) for number in range(-(-size // WIDTH)))][:300]:
        row = files[tile.path]
        reader.check(tile.level, tile.number, row)
        for wrong in (row[:-1] + bytes([row[-1] ^ 1]), row[:-32], row + row[:32]):
            with pytest.raises(ValueError, match="is not the log's"):
                reader.check(tile.level, tile.number, wrong)


@pytest.mark.parametrize(("level", "number"), [(0, -1), (-1, 0), (0, 3), (1, 1), (2, 0), (63, 0)])
def test_there_are_no_tiles_beyond_the_log(level, number):
    with pytest.raises(ValueError, match="has no tile"):
        tiles(700).check(level, number, b"")


@pytest.mark.parametrize("indexes", [[700], [-1], [0, 700]])
def test_there_are_no_leaves_beyond_the_log(indexes):
    with pytest.raises(ValueError, match="has no record"):
        tiles(700).leaves(indexes)


@pytest.mark.parametrize("path", ["tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"])
def test_a_published_tile_that_was_changed_is_found(path):
    files, checkpoint = FILES[700]
    body = files[path]
    reader = VerifiedTileReader(reading({**files, path: body[:-1] + bytes([body[-1] ^ 1])}), checkpoint)

    with pytest.raises(ValueError, match="root of the checkpoint"):
        reader.leaves([300, 699])


@pytest.mark.parametrize("path", ["tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"])
def test_a_tile_that_is_gone_is_named(path):
    files, checkpoint = FILES[700]
    reader = VerifiedTileReader(reading({name: body for name, body in files.items() if name != path}), checkpoint)

    with pytest.raises(LookupError, match=f"the log lacks {path}"):
        reader.leaves([300, 699])


def test_a_partial_tile_that_is_gone_is_cut_from_the_full_one_of_a_later_log():
    files, checkpoint = FILES[700]
    later = {Tile(0, 2).path: FILES[LARGEST][0]["tile/0/002"], Tile(1, 0).path: FILES[LARGEST][0]["tile/1/000"]}
    full = {name: body for name, body in files.items() if ".p/" not in name}

    reader = VerifiedTileReader(reading(full | later), checkpoint)

    assert reader.leaves([699]) == [leaf_hash(ENTRIES[699])]


def test_each_tile_is_read_once():
    files, checkpoint = FILES[LARGEST]
    asked: list[str] = []

    def fetch(path: str) -> bytes:
        asked.append(path)
        return files[path]

    reader = VerifiedTileReader(fetch, checkpoint)
    for start in range(0, 2000, 100):
        reader.leaves(range(start, start + 100))

    assert len(asked) == len(set(asked))

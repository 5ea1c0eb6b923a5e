"""Tiles and how they grow, against https://c2sp.org/tlog-tiles and the recursive definition of RFC 6962."""

import struct
from functools import cache
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chancery.tlog import merkle
from chancery.tlog.tiles import (
    Growth,
    Tile,
    bundle,
    reader,
    right_edge,
    root_of_edge,
    split,
    tile_at,
    tiles_of,
    tiles_of_edge,
    unbundle,
)
from tests.profiles import LONG

ENTRIES = [b"%d" % number for number in range(67_000)]


@cache
def mth(start, end):
    """MTH(D[start:end]) of RFC 6962 section 2.1."""
    if end - start < 2:
        return sha256(b"\x00" + ENTRIES[start] if end > start else b"").digest()
    k = 1
    while 2 * k < end - start:
        k *= 2
    return sha256(b"\x01" + mth(start, start + k) + mth(start + k, end)).digest()


def files_at(size):
    """The files of a log of a size by the formulas of the specification: path → content."""
    files, level = {}, 0
    while hashes := size // 256**level:
        span = 256**level
        for n in range(-(-hashes // 256)):
            width = min(256, hashes - 256 * n)
            suffix = f"{n:03d}" + (f".p/{width}" if width < 256 else "")  # no log here has 1,000 tiles
            first = 256 * n
            content = [mth(i * span, (i + 1) * span) for i in range(first, first + width)]
            files[f"tile/{level}/{suffix}"] = b"".join(content)
            if level == 0:
                entries = ENTRIES[first : first + width]
                files[f"tile/entries/{suffix}"] = b"".join(len(e).to_bytes(2) + e for e in entries)
        level += 1
    return files


def grow(stored, old, new):
    """Grows a log from its stored files, as a sealer does that starts anew each time; no file may change."""
    edge = {tile.level: split(stored[tile.path]) for tile in right_edge(old)}
    entries = unbundle(stored[tile_at(0, old // 256, old).bundle_path]) if old % 256 else []
    growth = Growth(old, edge, entries)
    growth.append(ENTRIES[old:new])
    for path, content in growth.files().items():
        assert stored.setdefault(path, content) == content, path
    return growth


@cache
def log_of(size):
    return tuple(grow({}, 0, size).files().items())


def served_by(size):
    """A fetch that knows only the files that a log of this size must have."""
    stored = dict(log_of(size))
    return {tile.path: stored[tile.path] for tile in tiles_of(size)}.__getitem__


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "000"),
        (Tile(0, 999), "999"),
        (Tile(2, 1000), "x001/000"),
        (Tile(0, 1234067), "x001/x234/067"),
        (Tile(63, 1000000), "x001/x000/000"),
        (Tile(0, 1234067, 1), "x001/x234/067.p/1"),
        (Tile(1, 0, 255), "000.p/255"),
    ],
)
def test_a_path_has_three_digits_an_element_and_the_width_of_a_partial_tile(tile, path):
    assert tile.path == f"tile/{tile.level}/{path}"
    assert tile.bundle_path == f"tile/entries/{path}"


def test_the_specifications_tree_of_70000_leaves_has_the_tiles_that_it_names():
    assert tiles_of(70_000) == [
        *[Tile(0, number) for number in range(273)],
        Tile(0, 273, 112),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert right_edge(70_000) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]


def test_a_tree_that_ends_with_a_full_tile_has_no_partial_one_on_that_level():
    assert tiles_of(256) == [Tile(0, 0), Tile(1, 0, 1)]
    assert tiles_of_edge(256) == [Tile(0, 0), Tile(1, 0, 1)]
    assert right_edge(256) == [Tile(1, 0, 1)]
    assert right_edge(256**2) == [Tile(2, 0, 1)]


@given(st.integers(0, 2**63))
def test_the_right_edge_of_a_log_of_any_size_has_the_widths_of_the_specification(size):
    widths = {level: size // 256**level % 256 for level in range(8)}

    assert {tile.level: tile.width for tile in right_edge(size)} == {at: width for at, width in widths.items() if width}
    assert all(tile.number == size // 256 ** (tile.level + 1) for tile in right_edge(size))


def test_an_empty_log_has_no_tiles_and_the_empty_root():
    growth = Growth(0, {}, [])

    assert (tiles_of(0), right_edge(0), growth.files()) == ([], [], {})
    assert growth.root() == root_of_edge({}) == sha256().digest()


def test_a_bundle_is_each_entry_after_its_length():
    assert bundle([b"", b"ab", b"c" * 258]) == b"\x00\x00" + b"\x00\x02ab" + b"\x01\x02" + b"c" * 258


@given(st.lists(st.binary(max_size=20), max_size=256))
def test_a_bundle_is_read_back(entries):
    assert unbundle(bundle(entries)) == entries


def test_the_longest_entry_of_a_bundle_has_65535_bytes():
    assert unbundle(bundle([bytes(65_535), b"after"])) == [bytes(65_535), b"after"]
    with pytest.raises(struct.error):
        bundle([bytes(65_536)])


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=8))
def test_a_bundle_that_is_cut_off_is_refused(entries):
    whole = bundle(entries)
    between = {len(bundle(entries[:count])): count for count in range(len(entries) + 1)}

    for length in range(len(whole)):
        if length in between:
            assert unbundle(whole[:length]) == entries[: between[length]]
        else:
            with pytest.raises(ValueError, match="cut off"):
                unbundle(whole[:length])


def check_growth(stored, sizes):
    """Grows step by step; at each size the log has the files of the specification, and no other file in the end."""
    expected = dict(stored)
    for old, new in pairwise(sizes):
        growth = grow(stored, old, new)

        at_this_size = files_at(new)
        assert {path: stored.get(path) for path in at_this_size} == at_this_size
        assert growth.root() == mth(0, new)
        assert growth.size == new
        assert {tile.path for tile in tiles_of(new)} == {path for path in at_this_size if "entries" not in path}
        expected |= at_this_size
    assert stored == expected


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_a_log_that_grows_by_steps_has_the_files_of_each_size_and_changes_none(steps):
    check_growth({}, [sum(steps[:count]) for count in range(len(steps) + 1)])


@settings(deadline=None, max_examples=8)
@given(st.integers(65_000, 65_600), st.lists(st.integers(1, 300), min_size=1, max_size=4))
def test_a_log_that_grows_over_the_second_level_has_the_files_of_each_size_and_changes_none(start, steps):
    check_growth(
        dict(log_of(65_000)), [65_000, start + 1, *[start + 1 + sum(steps[: n + 1]) for n in range(len(steps))]]
    )


@pytest.mark.parametrize(
    "sizes",
    [
        [0, 1, 2, 255, 256, 257],
        [0, 256, 512, 513],
        [0, 255, 511, 767, 768],
        [0, 65_535, 65_536, 65_537],
        [0, 65_280, 65_536, 65_792],
        [0, 66_000],
    ],
    ids=str,
)
def test_a_log_has_the_files_of_each_size_on_both_sides_of_a_full_tile(sizes):
    check_growth({}, sizes)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=6))
def test_entries_in_many_batches_give_the_files_of_one(batches):
    at_once, in_batches = Growth(0, {}, []), Growth(0, {}, [])

    at_once.append(ENTRIES[: sum(batches)])
    for at, count in enumerate(batches):
        done = sum(batches[:at])
        in_batches.append(iter(ENTRIES[done : done + count]))

    assert in_batches.files() == at_once.files()
    assert in_batches.root() == at_once.root() == mth(0, sum(batches))


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 600])
def test_the_tiles_of_a_log_give_every_proof(size):
    root_of = reader(served_by(size), size)

    some = {*range(0, size, 7), *range(252, min(size, 260)), *range(max(size - 4, 0), size)}
    for index in range(size) if LONG else some:
        assert merkle.inclusion_proof(index, size, root_of) == merkle.inclusion_proof(index, size, mth)
        assert merkle.consistency_proof(index + 1, size, root_of) == merkle.consistency_proof(index + 1, size, mth)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([65_535, 65_536, 65_537, 66_000]), st.integers(0, 2**16 - 2))
def test_the_tiles_of_a_log_of_three_levels_give_any_proof(size, index):
    inclusion, consistency = merkle.inclusion_ranges(index, size), merkle.consistency_ranges(index + 1, size)
    root_of = reader(served_by(size), size, inclusion + consistency)

    leaf = merkle.leaf_hash(ENTRIES[index])
    proof = merkle.inclusion_proof(index, size, root_of)
    assert merkle.root_from_inclusion(index, size, leaf, proof) == mth(0, size)
    proof = merkle.consistency_proof(index + 1, size, root_of)
    roots = (mth(0, index + 1), mth(0, size))
    assert merkle.roots_from_consistency(index + 1, size, roots[0], proof) == roots


@pytest.mark.parametrize("size", [700, 66_000])
def test_the_tiles_of_the_announced_ranges_are_fetched_once_and_before(size):
    fetched = []
    ranges = merkle.inclusion_ranges(300, size)
    fetch = served_by(size)

    root_of = reader(lambda path: fetched.append(path) or fetch(path), size, ranges)
    before = list(fetched)
    merkle.inclusion_proof(300, size, root_of)

    assert fetched == before
    assert before
    assert len(before) == len(set(before))

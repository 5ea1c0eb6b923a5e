"""Which tiles prove the leaves of an export, in logs too large to seal in a test."""

from hypothesis import given
from hypothesis import strategies as st

from chancery.tlog.export_proof import tiles_for
from chancery.tlog.tiles import Tile, tile_at, tiles_of


@given(size=st.integers(1, 300_000), data=st.data())
def test_a_proof_has_the_upper_tiles_then_the_leaf_tiles_then_the_partial_tile(size, data):
    positions = data.draw(st.sets(st.integers(0, size - 1), max_size=20))

    found = tiles_for(size, positions)

    needed = {tile_at(0, position // 256, size) for position in positions}
    leaves = {tile for tile in tiles_of(size) if tile.level == 0 and (tile in needed or tile.width < 256)}
    assert found == [tile for tile in tiles_of(size) if tile.level > 0] + sorted(leaves)


def test_a_log_of_three_levels():
    assert tiles_for(2 * 65_536, [70_000]) == [
        *(Tile(1, number) for number in range(2)),
        Tile(2, 0, 2),
        Tile(0, 273),
    ]

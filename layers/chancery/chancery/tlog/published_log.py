"""Verification of a whole published log: entries, tiles, the signed root, and an older checkpoint it must continue."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice

from chancery.tlog.errors import VerificationError, reason, ref_id_of
from chancery.tlog.leaf import Leaf, leaf_entry
from chancery.tlog.merkle import HASH_BYTES, leaf_hash, root
from chancery.tlog.signed_notes import Checkpoint
from chancery.tlog.strict_json import members, parse_object
from chancery.tlog.tiles import WIDTH, Fetch, Tile, bundle, iter_bundle, right_edge, root_of_edge, split, tile_at


@dataclass(frozen=True, slots=True)
class PublishedLog:
    """A published log: a checkpoint that its key has signed, and `fetch` for the tiles (`tile/0/000`).

    `fetch` raises LookupError where there is no such file. `parallel`: how many files are requested at once.
    """

    checkpoint: Checkpoint
    fetch: Fetch
    parallel: int = 1

    def walk(self, since: Checkpoint | None = None) -> Iterator[tuple[int, list[Leaf]]]:
        """Verifies everything up to the root; yields the leaves meanwhile, by 256, with the index of the first.

        `since`: an older checkpoint whose tree must be the beginning of this one. Raises VerificationError. The leaves
        are those of the checkpoint only once the iteration has ended.
        """
        size, rows = self.checkpoint.size, dict[int, list[bytes]]()
        if since and since.size > size:
            raise VerificationError(f"the log has shrunk: it had {since.size} records, and now {size}")
        with closing(self._files(_tiles(size))) as files:
            for number in range(-(-size // WIDTH)):
                leaves, row = self._leaves(number, files)
                if since and since.size // WIDTH == number:
                    _check_beginning(since, {**rows, 0: row})
                yield number * WIDTH, leaves
                _push(rows, number, row, files)
            for tile in right_edge(size):
                if tile.level:
                    _compare(tile, next(files), rows[tile.level])
        if since and since.size % WIDTH == 0 and since.size == size:
            _check_beginning(since, rows)
        if root_of_edge(rows) != self.checkpoint.root:
            raise VerificationError(f"the tiles do not lead to the root of the checkpoint of {size} records")

    def leaves(self) -> Iterator[tuple[int, list[Leaf]]]:
        """The leaves again, by 256, without verification of the tiles."""
        size = self.checkpoint.size
        paths = (tile_at(0, number, size) for number in range(-(-size // WIDTH)))
        for number, data in enumerate(self._files((tile, True) for tile in paths)):
            yield number * WIDTH, self._parsed(tile_at(0, number, size), data)

    def last_leaf(self) -> Leaf:
        """The last leaf; the log must have one."""
        number = (self.checkpoint.size - 1) // WIDTH
        tile = tile_at(0, number, self.checkpoint.size)
        return self._parsed(tile, self._file(tile, True))[-1]

    def _leaves(self, number: int, files: Iterator[bytes]) -> tuple[list[Leaf], list[bytes]]:
        """The leaves of a bundle and their hashes, which are those of the tile."""
        tile = tile_at(0, number, self.checkpoint.size)
        hashed = next(files)
        leaves = self._parsed(tile, next(files))
        row = [leaf_hash(leaf_entry(leaf)) for leaf in leaves]
        _compare(tile, hashed, row, leaves)
        return leaves, row

    def _parsed(self, tile: Tile, data: bytes) -> list[Leaf]:
        """The leaves of an entry bundle."""
        first, leaves = tile.number * WIDTH, list[Leaf]()
        try:
            for entry in iter_bundle(data):
                leaves.append(parse_leaf(entry))
            if len(leaves) != tile.width:
                raise ValueError(f"the bundle has {len(leaves)} entries, not {tile.width}")
        except (ValueError, RecursionError) as exc:
            index = first + min(len(leaves), tile.width)
            raise VerificationError(reason(exc), file=tile.bundle_path, index=index) from exc
        return leaves

    def _files(self, wanted: Iterable[tuple[Tile, bool]]) -> Generator[bytes]:
        """The files in order, some of them fetched ahead."""
        if self.parallel == 1:
            for tile, is_bundle in wanted:
                yield self._file(tile, is_bundle)
            return
        waiting: deque[Future[bytes]] = deque()
        with ThreadPoolExecutor(self.parallel) as pool:
            try:
                for tile, is_bundle in wanted:
                    waiting.append(pool.submit(self._file, tile, is_bundle))
                    if len(waiting) > 4 * self.parallel:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _file(self, tile: Tile, is_bundle: bool) -> bytes:
        """A tile or bundle; where a partial one is gone, the beginning of the full one (tlog-tiles)."""
        path = tile.bundle_path if is_bundle else tile.path
        with suppress(LookupError):
            return self.fetch(path)
        if tile.width < WIDTH:
            full = Tile(tile.level, tile.number)
            with suppress(LookupError):
                if not is_bundle:
                    return self.fetch(full.path)[: tile.width * HASH_BYTES]
                return bundle(islice(iter_bundle(self.fetch(full.bundle_path)), tile.width))
        raise VerificationError("the log lacks this file", file=path, index=tile.number * WIDTH << 8 * tile.level)


def _tiles(size: int) -> Iterator[tuple[Tile, bool]]:
    """Every file of a log in the order of a walk: (tile, whether its bundle)."""
    for number in range(-(-size // WIDTH)):
        tile = tile_at(0, number, size)
        yield from ((tile, False), (tile, True))
        level, end = 1, number + 1 if tile.width == WIDTH else 0
        while end and end % WIDTH == 0:
            end //= WIDTH
            yield Tile(level, end - 1), False
            level += 1
    yield from ((tile, False) for tile in right_edge(size) if tile.level)


def _push(rows: dict[int, list[bytes]], number: int, row: list[bytes], files: Iterator[bytes]) -> None:
    """Adds a row of leaf hashes to the tree; compares each upper tile that is full now with the published one."""
    rows[0] = row
    level = 0
    while len(rows[level]) == WIDTH:
        rows.setdefault(level + 1, []).append(root(rows.pop(level)))
        level, number = level + 1, number // WIDTH
        if len(rows[level]) == WIDTH:
            _compare(Tile(level, number), next(files), rows[level])


def parse_leaf(entry: bytes) -> Leaf:
    """The leaf of an entry. Raises ValueError where the entry is not in the form that `leaf_entry` returns."""
    leaf, _ = parse_object(entry)
    members(leaf, digest=str, recordedOn=str, refId=str)
    if leaf_entry(leaf) != entry:
        raise ValueError("the entry is not in canonical form")
    return leaf


def _compare(tile: Tile, published: bytes, row: list[bytes], leaves: Sequence[Leaf] = ()) -> None:
    """Checks that a published tile has the expected hashes."""
    if published == b"".join(row):
        return
    found = split(published)
    first = next((place for place, hashed in enumerate(row) if found[place : place + 1] != [hashed]), len(row))
    what = (
        "the tile has another hash than this entry" if tile.level == 0 else "the tile does not follow from those below"
    )
    index = (tile.number * WIDTH + first) << (8 * tile.level)
    ref_id = ref_id_of(leaves[first]) if first < len(leaves) else None
    raise VerificationError(what, file=tile.path, index=index, ref_id=ref_id)


def _check_beginning(since: Checkpoint, rows: Mapping[int, list[bytes]]) -> None:
    """Checks that the tree had the root of an older checkpoint at its size; `rows`: its right edge then, or more."""
    edge = {level: row for level, row in rows.items() if level and row}
    if since.size % WIDTH:
        edge[0] = rows[0][: since.size % WIDTH]
    if root_of_edge(edge) != since.root:
        what = f"the log is not a continuation of the checkpoint of {since.size} records"
        raise VerificationError(what, index=max(since.size - 1, 0))

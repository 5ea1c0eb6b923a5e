"""Records as lines in frames in parts, and back."""

import tracemalloc
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from chancery.archive import files
from chancery.archive.files import Lines, parts, read_lines
from chancery.tlog.merkle import NO_LEAF, CompactRange, leaf_hash, root

START = datetime(2024, 2, 1, tzinfo=UTC)
ASKED: list[int] = []


def records(count: int, first: int = 0, size: int = 10) -> list[dict]:
    return [
        {
            "tenantId": "acme",
            "refId": f"{number:026d}",
            "createdOn": START + timedelta(seconds=number),
            "actorId": f"user-{number % 3}",
            "action": "blog_post.approved",
            "resourceType": "blog_post",
            "resourceId": f"post-{number}",
            "text": "x" * size,
        }
        for number in range(first, first + count)
    ]


def line_of(record: dict) -> bytes:
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def leaf_of(record: dict) -> bytes:
    return record["refId"].encode()


def even_ones(tenant_id, ref_ids) -> dict[str, int]:
    """Every second record has a leaf."""
    assert tenant_id == "acme"
    ASKED.append(len(ref_ids))
    return {ref_id: int(ref_id) // 2 for ref_id in ref_ids if int(ref_id) % 2 == 0}


LINES = Lines(line_of, leaf_of, even_ones)


@pytest.fixture
def small(monkeypatch):
    """A frame for every ten records."""
    monkeypatch.setattr(files, "_BATCH", 10)
    monkeypatch.setattr(files, "FRAME_BYTES", 1)


def test_a_file_is_the_records_line_for_line():
    given_records = records(3000, size=2000)

    made = list(parts(iter(records(3000, size=2000)), LINES, CompactRange()))

    assert list(read_lines(part.body for part in made)) == [line_of(record) for record in given_records]


def test_any_zstd_reader_takes_a_file_of_several_frames(small):
    (part,) = parts(iter(records(25)), LINES, CompactRange())

    with zstandard.ZstdDecompressor().stream_reader(part.body, read_across_frames=True) as reader:
        assert reader.readall() == b"".join(map(line_of, records(25)))


def test_a_part_describes_its_content(small):
    first, second = parts(iter(records(20)), LINES, CompactRange(), part_bytes=1)

    assert (first.records, second.records) == (10, 10)
    assert first.raw_bytes == sum(len(line_of(record)) for record in records(10))
    assert first.first == {"createdOn": START, "refId": f"{0:026d}"}
    assert second.last == {"createdOn": START + timedelta(seconds=19), "refId": f"{19:026d}"}
    assert first.positions.tolist() == [0, NO_LEAF, 1, NO_LEAF, 2, NO_LEAF, 3, NO_LEAF, 4, NO_LEAF]
    assert (first.actors, first.actions) == ({"user-0", "user-1", "user-2"}, {"blog_post.approved"})
    assert second.resources == {f"blog_post/post-{number}" for number in range(10, 20)}


def test_frames_are_joined_until_a_part_is_full(small):
    whole = list(parts(iter(records(30)), LINES, CompactRange(), part_bytes=1))
    size = len(whole[0].body)

    joined = list(parts(iter(records(30)), LINES, CompactRange(), part_bytes=size + 1))

    assert [part.records for part in joined] == [20, 10]
    assert b"".join(part.body for part in joined) == b"".join(part.body for part in whole)
    assert joined[0].positions == whole[0].positions + whole[1].positions
    assert joined[0].last == whole[1].last


def test_the_tree_grows_by_the_leaves_and_each_part_remembers_how_far(small):
    tree, leaves = CompactRange(), [leaf_hash(leaf_of(record)) for record in records(25)]

    made = list(parts(iter(records(25)), LINES, tree, part_bytes=1))

    assert tree.root() == root(leaves)
    assert [CompactRange(size, part.subtrees).root() for size, part in zip((10, 20, 25), made, strict=True)] == [
        root(leaves[:size]) for size in (10, 20, 25)
    ]


def test_no_records_make_no_part():
    assert list(parts(iter([]), LINES, CompactRange())) == []


def test_resuming_after_any_part_gives_the_same_bytes(small):
    whole = list(parts(iter(records(47)), LINES, CompactRange(), part_bytes=1))
    for done in range(1, len(whole)):
        left = whole[:done]
        size = sum(part.records for part in left)

        rest = list(
            parts(iter(records(47 - size, first=size)), LINES, CompactRange(size, left[-1].subtrees), part_bytes=1)
        )

        assert [part.body for part in left + rest] == [part.body for part in whole]
        assert rest[-1].subtrees == whole[-1].subtrees


def test_large_records_do_not_pile_up():
    """A frame ends with the lines that fill it, however many or few records they are."""
    ASKED.clear()

    made = list(parts(iter(records(30, size=2_000_000)), LINES, CompactRange(), part_bytes=1))

    assert sum(part.records for part in made) == 30
    assert max(ASKED) == 3


def test_a_failure_of_the_log_is_the_callers():
    def unavailable(tenant_id, ref_ids):
        raise ConnectionError

    with pytest.raises(ConnectionError):
        list(parts(iter(records(5)), Lines(line_of, leaf_of, unavailable), CompactRange()))


class TestReading:
    @pytest.fixture
    def body(self, small) -> bytes:
        (part,) = parts(iter(records(40)), LINES, CompactRange())
        return part.body

    @pytest.mark.parametrize("piece", [1, 7, 100, 1_000_000])
    def test_the_pieces_may_have_any_size(self, body, piece):
        pieces = [body[at : at + piece] for at in range(0, len(body), piece)]

        assert list(read_lines(pieces)) == [line_of(record) for record in records(40)]

    def test_a_flipped_byte_is_found_wherever_it_is(self, body):
        expected = [line_of(record) for record in records(40)]
        for at in range(len(body)):
            damaged = bytearray(body)
            damaged[at] ^= 0x10
            try:
                assert list(read_lines([bytes(damaged)])) == expected  # a bit that no reader looks at
            except ValueError:
                continue

    def test_a_file_that_ends_anywhere_but_after_a_frame_is_cut_off(self, body):
        ends = [
            sum(len(part.body) for part in parts(iter(records(size)), LINES, CompactRange())) for size in (10, 20, 30)
        ]
        for end in set(range(1, len(body))) - set(ends):
            with pytest.raises(ValueError, match=r"is cut off|cannot be decompressed"):
                list(read_lines([body[:end]]))

    def test_something_behind_the_last_frame_is_damage(self, body):
        with pytest.raises(ValueError, match=r"cannot be decompressed|is cut off"):
            list(read_lines([body, b"more"]))

    def test_lines_are_given_as_soon_as_they_are_there(self, body):
        lines = read_lines(iter([body]))

        assert next(lines) == line_of(records(1)[0])

    def test_memory_does_not_grow_with_a_highly_compressed_file(self):
        line = b"x" * 1_000_000 + b"\n"
        body = zstandard.compress(line * 200)
        assert len(body) < 50_000
        tracemalloc.start()

        assert all(found == line for found in read_lines([body]))

        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 100_000_000

    @given(st.binary(max_size=300))
    def test_anything_else_is_damage_and_nothing_worse(self, data):
        try:
            found = list(read_lines([data]))
        except ValueError:
            return
        assert found == [] or data[:4] == b"\x28\xb5\x2f\xfd"

"""The readers of imports on any bytes: every line is in one item, and ids do not depend on the form of a file."""

import gzip
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from chancery.cli.imports.mojibake import repaired
from chancery.cli.imports.postgres_audit import read_audit_rows
from chancery.cli.imports.source_lines import MAX_LINE, LineSource, open_lines
from chancery.cli.imports.source_times import rfc3339_of, time_zone
from chancery.cli.imports.winston import read_winston
from chancery.cli.imports.winston_entries import WinstonEntries

UTC = time_zone("UTC")
TIME = "2025-11-07T00:24:48.000Z"
OBJECT = st.fixed_dictionaries(
    {"message": st.text()}, optional={"level": st.text(), "stack": st.text(), "n": st.floats()}
)
LINES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        OBJECT.map(lambda value: json.dumps(value).encode()),
        OBJECT.map(lambda value: json.dumps(value, indent=1).encode()),
        st.sampled_from(
            [b"", b"  ", b"{", b"}", b"TypeError: x", b"    at f (a.js:1:2)", b'{"message":"a\nb"}', b'{"a":1e999}']
        ),
    ),
    max_size=30,
)


def lines_of(data):
    return list(LineSource(io.BytesIO(data), io.BytesIO(data)))


def winston(data):
    return list(read_winston(lines_of(data), WinstonEntries(UTC, TIME)))


def entries(items):
    return [item.entry for item in items if item.entry]


def assert_every_line_once(items, data):
    number = 1
    for item in items:
        assert item.line == number
        assert [item.entry is not None, item.reason is not None, item.skipped is not None].count(True) == 1
        number += item.lines
    assert number - 1 == len(data.split(b"\n")) - data.endswith(b"\n") - (not data)


@given(LINES, st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_every_line_of_a_winston_file_is_in_one_item(lines, end, is_ended):
    data = end.join(lines) + (end if is_ended else b"")

    items = winston(data)

    assert_every_line_once(items, data)
    for entry in entries(items):
        json.dumps(entry.body, allow_nan=False, ensure_ascii=False).encode()


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20).map(str.encode), max_size=20), st.booleans())
def test_every_line_of_a_csv_file_is_in_one_item(lines, is_ended):
    rows = [b'"1",x,2025-11-07,"a\nb"', *lines, b"2,y,2025-11-07,c"]
    data = b"id,action,created_at,note\n" + b"\n".join(rows) + (b"\n" if is_ended else b"")

    assert_every_line_once(list(read_audit_rows(lines_of(data), UTC, None)), data)


@given(st.lists(OBJECT, min_size=1, max_size=20))
def test_every_object_is_an_entry_with_its_own_id_also_if_it_is_there_twice(objects):
    objects = [{**value, "n": 1} for value in [*objects, *objects]]
    data = b"".join(json.dumps(value).encode() + b"\n" for value in objects)

    found = entries(winston(data))

    assert len({entry.body["id"] for entry in found}) == len(found) == len(objects)


@given(st.lists(OBJECT, min_size=1, max_size=40), st.integers(0, 40))
def test_ids_stay_the_same_with_other_line_ends_a_byte_order_mark_and_more_lines(objects, length):
    rows = [json.dumps({**value, "n": 1}).encode() for value in objects]

    ids = [entry.body["id"] for entry in entries(winston(b"\n".join(rows)))]

    assert [entry.body["id"] for entry in entries(winston(b"\xef\xbb\xbf" + b"\r\n".join(rows)))] == ids
    part = entries(winston(b"\n".join(rows[:length])))
    assert [entry.body["id"] for entry in part] == ids[:length]


@given(st.text())
def test_repair_of_a_repaired_text_changes_nothing(text):
    once = repaired(text).value

    assert repaired(once).value == once


def test_a_gzipped_file_has_the_same_lines(tmp_path):
    data = b'{"message":"a"}\r\n\n{"message":"b"}'
    (tmp_path / "a.log").write_bytes(data)
    (tmp_path / "b.log").write_bytes(gzip.compress(data))

    plain, zipped = (list(lines) for lines in map(read_all, (tmp_path / "a.log", tmp_path / "b.log")))

    assert zipped == plain
    assert [line.data for line in plain] == [b'{"message":"a"}', b"", b'{"message":"b"}']


def test_a_gzipped_file_that_ends_early_has_a_last_line_with_the_problem(tmp_path):
    zipped = gzip.compress(b"".join(b'{"message":"%d"}\n' % number for number in range(50_000)))
    (tmp_path / "a.log.gz").write_bytes(zipped[:-2000])

    lines = read_all(tmp_path / "a.log.gz")

    assert "gzip" in lines[-1].problem
    assert len(lines) > 1000
    assert not any(line.problem for line in lines[:-1])


def test_a_line_that_is_too_long_has_a_problem_and_the_next_one_is_read():
    long, fitting, after = lines_of(b"x" * (3 * MAX_LINE) + b"\n" + b"y" * (MAX_LINE - 1) + b"\nz\n")

    assert (len(long.data), "longer than" in long.problem) == (MAX_LINE + 1, True)
    assert (len(fitting.data), fitting.problem) == (MAX_LINE - 1, None)
    assert (after.number, after.data) == (3, b"z")


def test_times_of_loggers_and_databases():
    berlin = time_zone("Europe/Berlin")
    for given_time, expected in (
        ("2025-11-07 00:24:48", "2025-11-06T23:24:48.000Z"),
        ("2025-07-07 00:24:48.5", "2025-07-06T22:24:48.500Z"),
        ("2025-11-07T00:24:48.123Z", "2025-11-07T00:24:48.123Z"),
        ("2025-11-07 00:24:48.123456+00", "2025-11-07T00:24:48.123Z"),
        ("2025-11-07 00:24:48-05:30", "2025-11-07T05:54:48.000Z"),
        (1762475088123, "2025-11-07T00:24:48.123Z"),
        (1762475088, "2025-11-07T00:24:48.000Z"),
        ("yesterday", None),
        ("0001-01-01 00:00:00", None),
        (True, None),
        (None, None),
        (1e300, None),
    ):
        assert rfc3339_of(given_time, berlin) == expected, given_time


def read_all(file):
    with open_lines(file) as lines:
        return list(lines)

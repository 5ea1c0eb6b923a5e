"""The Bloom index of a month: no false negatives, few false positives."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.archive.month_index import Bloom, mark_of, marks_of, may_hold, month_index, resource_texts

FIRST, LAST = datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 2, 29, 23, 59, tzinfo=UTC)


def part(actors=(), resources=(), actions=()) -> dict:
    return {
        "first": {"createdOn": FIRST, "refId": "a"},
        "last": {"createdOn": LAST, "refId": "b"},
        "actors": marks_of(actors),
        "actions": sorted(actions),
        "resources": marks_of(resource_texts(resources)),
    }


def index_of(*parts: dict) -> dict:
    return orjson.loads(month_index(lambda: parts))


@given(st.sets(st.text(min_size=1, max_size=20), max_size=50))
def test_a_filter_has_every_added_text(texts):
    bloom = Bloom.sized_for(len(texts))
    for text in texts:
        bloom.add(mark_of(text))

    assert all(text in Bloom.from_json(orjson.loads(orjson.dumps(bloom.as_json()))) for text in texts)


def test_a_filter_seldom_knows_more():
    bloom = Bloom.sized_for(5000)
    for number in range(5000):
        bloom.add(mark_of(f"user-{number}"))

    wrong = sum(f"stranger-{number}" in bloom for number in range(20_000))

    assert wrong < 40  # about 10 are to be expected


def test_a_filter_has_its_limit_and_misses_nothing_beyond_it(monkeypatch):
    monkeypatch.setattr("chancery.archive.month_index._MOST_BITS", 1 << 12)
    bloom = Bloom.sized_for(1000)
    for number in range(1000):
        bloom.add(mark_of(f"user-{number}"))

    assert len(bloom.bits) == 512
    assert all(f"user-{number}" in bloom for number in range(1000))
    assert sum(f"stranger-{number}" in bloom for number in range(1000)) < 400


def test_a_month_is_asked_for_all_at_once():
    index = index_of(
        part(["ann"], ["blog_post/p-1"], ["blog_post.approved"]), part(["bob"], ["invoice/i/7"], ["invoice.paid"])
    )

    assert may_hold(index, "ann", "p-1", "blog_post.approved")
    assert may_hold(index, "bob", "invoice/i/7", None)
    assert may_hold(index, None, "i/7", "invoice.*")
    assert may_hold(index, None, None, None)
    assert not may_hold(index, "eve", "p-1", None)
    assert not may_hold(index, "ann", "p-2", None)
    assert not may_hold(index, "ann", "p-1", "blog_post.rejected")
    assert not may_hold(index, None, None, "blog.*")


def test_an_index_has_its_time_range():
    index = index_of(part(["ann"]))

    assert (index["first"], index["last"]) == ("2024-02-01T00:00:00.000Z", "2024-02-29T23:59:00.000Z")


def test_the_same_month_has_the_same_index():
    parts = [part([f"user-{number}"], [f"post/{number}"], ["post.read"]) for number in range(5)]

    assert month_index(lambda: parts) == month_index(lambda: iter(parts))


@pytest.mark.parametrize("repeated", [1, 30])
def test_a_text_in_every_part_is_indexed_once(repeated):
    texts = [f"post/{number}" for number in range(1000)]

    index = index_of(*[part(resources=texts)] * repeated)

    assert len(orjson.dumps(index["resources"])) < 6000  # 2,000 texts of 16 bits, in base64
    assert may_hold(index, None, "post/999", None)


def test_counting_has_its_limit_too(monkeypatch):
    monkeypatch.setattr("chancery.archive.month_index._MOST_COUNTING_BYTES", 16)

    assert may_hold(index_of(part([f"user-{number}" for number in range(500)])), "user-499", None, None)


def test_a_month_without_resources_still_has_an_index():
    assert not may_hold(index_of(part(["ann"])), None, "p-1", None)

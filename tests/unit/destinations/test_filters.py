"""Filters of events by their data: what matches, what is refused, and agreement with another implementation."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.events.models import EventPattern

from chancery.destinations.filters import MAX_BYTES, MAX_DEPTH, FilterRefused, compiled

DATA = {
    "action": "post.approved",
    "amount": 120,
    "isDraft": False,
    "note": None,
    "tags": ["legal", "urgent"],
    "actor": {"id": "u-1", "role": "admin", "ip": "10.0.0.7"},
    "changes": [{"field": "title", "size": 4}, {"field": "body", "size": 900}],
    "empty": {},
    "none": [],
}

MATCHING = [
    {"action": ["post.approved"]},
    {"action": ["post.deleted", "post.approved"]},
    {"amount": [120.0]},
    {"isDraft": [False]},
    {"note": [None]},
    {"tags": ["urgent"]},
    {"actor": {"role": ["admin"], "id": [{"prefix": "u-"}]}},
    {"action": [{"prefix": "post."}]},
    {"action": [{"prefix": {"equals-ignore-case": "POST."}}]},
    {"action": [{"suffix": ".approved"}]},
    {"action": [{"suffix": {"equals-ignore-case": ".APPROVED"}}]},
    {"action": [{"equals-ignore-case": "Post.Approved"}]},
    {"action": [{"wildcard": "p*st.*ed"}]},
    {"action": [{"wildcard": "*"}]},
    {"action": [{"wildcard": "post.approved"}]},
    {"amount": [{"numeric": [">", 100, "<=", 120]}]},
    {"amount": [{"numeric": ["=", 120]}]},
    {"amount": [{"anything-but": [1, 2]}]},
    {"action": [{"anything-but": "post.deleted"}]},
    {"action": [{"anything-but": {"prefix": ["page.", "file."]}}]},
    {"action": [{"anything-but": {"wildcard": "*.deleted"}}]},
    {"action": [{"anything-but": {"equals-ignore-case": "POST.DELETED"}}]},
    {"note": [{"exists": True}]},
    {"missing": [{"exists": False}]},
    {"missing": {"deeper": [{"exists": False}]}},
    {"action": {"deeper": [{"exists": False}]}},
    {"missing": ["a", {"exists": False}]},
    {"actor": [{"exists": False}]},  # an object is no value
    {"empty": [{"exists": False}]},
    {"none": [{"exists": False}]},
    {"changes": {"field": ["body"], "size": [{"numeric": [">", 100]}]}},
    {"$or": [{"amount": [1]}, {"actor": {"role": ["admin"]}}]},
    {"actor": {"$or": [{"role": ["user"]}, {"id": ["u-1"]}]}, "amount": [120]},
]
NOT_MATCHING = [
    {"action": ["post"]},
    {"amount": ["120"]},
    {"isDraft": [0]},
    {"amount": [True]},
    {"note": [False]},
    {"missing": [None]},
    {"missing": [{"anything-but": "a"}]},
    {"actor": ["admin"]},
    {"actor": {"role": ["admin"], "id": ["u-2"]}},
    {"amount": [{"prefix": "1"}]},
    {"amount": [{"numeric": [">", 120]}]},
    {"isDraft": [{"numeric": ["=", 0]}]},
    {"action": [{"wildcard": "*approved*post*"}]},
    {"action": [{"wildcard": "post.app*approved"}]},
    {"action": [{"wildcard": "post"}]},
    {"note": [{"exists": False}]},
    {"actor": [{"exists": True}]},
    {"none": [{"exists": True}]},
    {"changes": {"field": ["title"], "size": [{"numeric": [">", 100]}]}},  # of no one object
    {"$or": [{"amount": [1]}, {"amount": [2]}]},
    {"$or": [{"amount": [120]}, {"amount": [2]}], "action": ["other"]},
]


@pytest.mark.parametrize("pattern", MATCHING, ids=str)
def test_data_matches_a_filter(pattern: dict[str, Any]) -> None:
    assert compiled(pattern)(DATA)


@pytest.mark.parametrize("pattern", NOT_MATCHING, ids=str)
def test_data_does_not_match_a_filter(pattern: dict[str, Any]) -> None:
    assert not compiled(pattern)(DATA)


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"a\*b", "a*b", "axb"),
        (r"a\\*", "a\\x", "ax"),
        ("*a", "banana", "bananas"),
        ("a*a", "aa", "a"),
        ("*ab*ba*", "xabxbax", "xabax"),
        ("a*b*c", "a\nb\nc", "acb"),
    ],
)
def test_a_wildcard_covers_the_whole_text(pattern: str, matching: str, other: str) -> None:
    matches = compiled({"path": [{"wildcard": pattern}]})

    assert matches({"path": matching})
    assert not matches({"path": other})


def _nested(depth: int) -> dict[str, Any]:
    return {"a": ["x"]} if depth == 1 else {"a": _nested(depth - 1)}


REFUSED = [
    ({}, ""),
    ({"a": {}}, "/a"),
    ({"a": []}, "/a"),
    ({"a": "x"}, "/a"),
    ({"a": None}, "/a"),
    ({"a": [["x"]]}, "/a/0"),
    ({"a": ["x", {}]}, "/a/1"),
    ({"a": [{"regex": "x"}]}, "/a/0"),
    ({"a": [{"cidr": "10.0.0.0/8"}]}, "/a/0"),
    ({"a": [{"prefix": "x", "suffix": "y"}]}, "/a/0"),
    ({"a": [{"prefix": 1}]}, "/a/0/prefix"),
    ({"a": [{"prefix": {"wildcard": "x"}}]}, "/a/0/prefix"),
    ({"a": [{"suffix": ["x"]}]}, "/a/0/suffix"),
    ({"a": [{"equals-ignore-case": None}]}, "/a/0/equals-ignore-case"),
    ({"a": [{"wildcard": "x**"}]}, "/a/0/wildcard"),
    ({"a": [{"wildcard": "x\\y"}]}, "/a/0/wildcard"),
    ({"a": [{"wildcard": "x\\"}]}, "/a/0/wildcard"),
    ({"a": [{"exists": "true"}]}, "/a/0"),
    ({"a": [{"exists": True, "prefix": "x"}]}, "/a/0"),
    ({"a": [{"numeric": []}]}, "/a/0/numeric"),
    ({"a": [{"numeric": ["~", 1]}]}, "/a/0/numeric"),
    ({"a": [{"numeric": [">", "1"]}]}, "/a/0/numeric"),
    ({"a": [{"numeric": [">", True]}]}, "/a/0/numeric"),
    ({"a": [{"numeric": [["x"], 1]}]}, "/a/0/numeric"),
    ({"a": [{"numeric": ["<", 5, ">", 1]}]}, "/a/0/numeric"),
    ({"a": [{"numeric": [">", 1, "<", 5, "=", 2]}]}, "/a/0/numeric"),
    ({"a": [{"anything-but": []}]}, "/a/0/anything-but"),
    ({"a": [{"anything-but": None}]}, "/a/0/anything-but"),
    ({"a": [{"anything-but": {}}]}, "/a/0/anything-but"),
    ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, "/a/0/anything-but"),
    ({"a": [{"anything-but": {"prefix": []}}]}, "/a/0/anything-but/prefix"),
    ({"a": [{"anything-but": [{"prefix": "x"}]}]}, "/a/0/anything-but"),
    ({"$or": [{"a": ["x"]}]}, "/$or"),
    ({"$or": {"a": ["x"]}}, "/$or"),
    ({"$or": [{"a": ["x"]}, {}]}, "/$or/1"),
    ({"a/b": {"c~d": "x"}}, "/a~1b/c~0d"),
    ({"a": ["x" * MAX_BYTES]}, ""),
    (_nested(MAX_DEPTH + 1), "/a" * MAX_DEPTH),
]


@pytest.mark.parametrize(("pattern", "pointer"), REFUSED, ids=lambda item: str(item)[:60])
def test_a_filter_that_is_not_understood_is_refused(pattern: dict[str, Any], pointer: str) -> None:
    with pytest.raises(FilterRefused) as refused:
        compiled(pattern)

    assert refused.value.pointer == pointer


def test_a_filter_may_be_as_deep_as_is_said() -> None:
    assert compiled(_nested(MAX_DEPTH))(_nested(MAX_DEPTH))


_NAMES = st.sampled_from(["a", "b", "c"])
_TEXTS = st.text("abAB*", max_size=6)
_PLAIN = st.one_of(_TEXTS, st.integers(-3, 3), st.none())
_DATA = st.dictionaries(
    _NAMES,
    st.recursive(
        st.one_of(_PLAIN, st.lists(_PLAIN, min_size=1, max_size=3)),
        lambda inner: st.dictionaries(_NAMES, inner, min_size=1, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)
_WILDCARDS = st.lists(st.text("abAB", max_size=2), min_size=1, max_size=4).map(
    lambda parts: "*".join([parts[0], *(part or "a" for part in parts[1:])])
)
_ENDS = st.one_of(_TEXTS, _TEXTS.map(lambda text: {"equals-ignore-case": text}))
_OF_TEXT = st.one_of(
    _ENDS.map(lambda text: {"prefix": text}),
    _ENDS.map(lambda text: {"suffix": text}),
    _TEXTS.map(lambda text: {"equals-ignore-case": text}),
    _WILDCARDS.map(lambda text: {"wildcard": text}),
)
_EXCEPT = st.one_of(_TEXTS, st.integers(-3, 3), st.lists(_TEXTS, min_size=1, max_size=3), _OF_TEXT)
_BOUNDS = st.tuples(st.sampled_from((">", ">=")), st.integers(-3, 3), st.sampled_from(("<", "<=")), st.integers(-3, 3))
_MATCHER = st.one_of(
    _PLAIN,
    _OF_TEXT,
    st.booleans().map(lambda there: {"exists": there}),
    _EXCEPT.map(lambda excepted: {"anything-but": excepted}),
    _BOUNDS.map(lambda bounds: {"numeric": list(bounds)}),
)
_PATTERN = st.recursive(
    st.dictionaries(_NAMES, st.lists(_MATCHER, min_size=1, max_size=3), min_size=1, max_size=2),
    lambda inner: st.one_of(
        st.dictionaries(_NAMES, inner, min_size=1, max_size=2),
        st.lists(inner, min_size=2, max_size=3).map(lambda choices: {"$or": choices}),
    ),
    max_leaves=4,
)


@given(pattern=_PATTERN, data=_DATA)
def test_a_filter_selects_what_another_implementation_selects(pattern: dict[str, Any], data: dict[str, Any]) -> None:
    assert compiled(pattern)(data) == EventPattern(None, pattern).matches_event(data)  # type: ignore[typeddict-item]

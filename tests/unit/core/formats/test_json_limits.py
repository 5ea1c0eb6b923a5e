"""Limits of free-form JSON."""

import pytest

from chancery.core.formats.json_limits import is_exact, problems
from chancery.core.redaction import MAX_DEPTH


def nested(levels: int) -> dict:
    value: dict = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"a": {"b": 2**53}}, "/before/a/b"),
        ({"a": [1, -(2**53)]}, "/before/a/1"),
        ({"x/y~z": 2**60}, "/before/x~1y~0z"),
        ({"rounded": float(2**70)}, "/before/rounded"),
        ({"a\0b": 1}, "/before/a\0b"),
    ],
)
def test_each_problem_is_named_by_its_pointer(value, pointer):
    assert not is_exact(value)
    assert [error.pointer for error in problems(value, "/before")] == [pointer]


def test_the_deepest_level_allowed_is_allowed_and_one_more_is_not():
    assert is_exact(nested(MAX_DEPTH))
    assert not list(problems(nested(MAX_DEPTH), ""))
    assert not is_exact(nested(MAX_DEPTH + 1))
    assert "nested deeper" in next(problems(nested(MAX_DEPTH + 1), "")).detail


@pytest.mark.parametrize("value", [{"$where": "1"}, {"a.b": 1}, {"": None}, {"a": [True, "x\0y", 2**53 - 1]}])
def test_odd_but_storable_values_have_no_problem(value):
    assert not list(problems(value, ""))


def test_a_pointer_repeats_no_credential():
    value = {"AKIAIOSFODNN7EXAMPLE": {"a\0": 1}}

    assert [error.pointer for error in problems(value, "/before")] == ["/before/[REDACTED]/a\0"]

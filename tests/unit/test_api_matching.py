"""A page's answer compared with the API's: equal, of the same shape, or different."""

import pytest

from tests.api_matching import Bindings, Differs, read_json

ULID, OTHER, THIRD = "01M8F1EQ4PFFZSFS24BGJQ5HXV", "01M8F1EQBC36VY2XSGH3R6Q8QQ", "01M8F1EQBC36VY2XSGH3R6Q8QR"
MORNING, EVENING = "2026-10-01T09:30:00.000Z", "2026-11-27T17:39:37.658Z"


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ([1], [1, 2]),
        ([1, "…"], []),
        ({"id": ULID}, {"id": "not-a-ulid"}),
        ({"on": MORNING}, {"on": "2026-10-01"}),
        ({"sha256": "d0a4e014ea4e…"}, {"sha256": "none"}),
        ({"a": ULID, "b": ULID}, {"a": OTHER, "b": THIRD}),
        ({"detail": "says one"}, {"detail": "says two"}),
        ({"a": None}, {"a": ""}),
        ({"instance": f"/v1/skills/{ULID}/versions/1"}, {"instance": f"/v1/skills/{ULID}/versions/2"}),
    ],
)
def test_an_answer_that_differs_is_refused(expected, actual):
    with pytest.raises(Differs):
        Bindings().match_json(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ('{"a": 1, …}', {"a": 1, "b": 2}),
        ("[1, …]", [1, 2, 3]),
        ('{"a": {…}, "b": […]}', {"a": {"c": 1}, "b": [1]}),
        ('{"a": "…"}', {"a": "any text"}),
        ('{"a": "one … three"}', {"a": "one two three"}),
        (f'{{"a": "{ULID}", "b": "{ULID}"}}', {"a": OTHER, "b": OTHER}),
        (f'{{"a": "{MORNING}", "b": "{MORNING}"}}', {"a": EVENING, "b": MORNING}),
        (f'{{"Location": "../audit-logs/{ULID}"}}', {"Location": f"../audit-logs/{OTHER}"}),
        ('{"url": "https://…"}', {"url": "http://127.0.0.1:4566/bucket/key?signature=x"}),
        ('{"sha256": "d0a4e014ea4e…"}', {"sha256": "0f" * 32}),
        ('{"root": "/UsaDlS66ONU…"}', {"root": "JK6/UQlDOTm6txqfV5wmvdCQjBwh8t2gqhSKvBz56yU="}),
    ],
)
def test_values_of_the_same_shape_and_parts_that_are_left_out_match(expected, actual):
    Bindings().match_json(read_json(expected), actual)


def test_a_bound_value_stands_for_the_servers_in_requests_and_in_answers():
    bindings = Bindings()

    bindings.match_json({"refId": ULID, "sha256": "d0a4e014ea4e…"}, {"refId": OTHER, "sha256": "0f" * 32})

    assert bindings.resolve(f"/v1/audit-logs/{ULID}?hash=d0a4e014ea4e…") == f"/v1/audit-logs/{OTHER}?hash={'0f' * 32}"
    with pytest.raises(Differs):
        bindings.match_json([ULID], [THIRD])


def test_a_value_that_the_page_has_sent_is_literal():
    bindings = Bindings(sent='{"createdOn": "2026-10-01T09:30:00Z"}')

    bindings.match_text(MORNING, MORNING)

    with pytest.raises(Differs):
        bindings.match_text(MORNING, EVENING)


def test_values_that_vary_match_by_type_and_are_bound():
    bindings = Bindings()

    bindings.match_json({"size": 3, "month": "2024-04"}, {"size": 7, "month": "2024-05"}, frozenset({"size", "month"}))

    assert bindings.resolve("month=2024-04") == "month=2024-05"
    with pytest.raises(Differs):
        bindings.match_json({"size": 3}, {"size": "7"}, frozenset({"size"}))


def test_numbers_in_a_text_differ_where_the_page_allows_it():
    bindings = Bindings()

    bindings.match_text("v1 index 33\nsize 52", "v1 index 40\nsize 41", numbers=True)

    assert bindings.resolve("tile/0/000.p/52?at=152") == "tile/0/000.p/41?at=152"
    with pytest.raises(Differs):
        Bindings().match_text("index 33", "index 40")

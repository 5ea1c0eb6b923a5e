"""Markdown templates as plain data."""

import pytest

from chancery.contracts.markdown_source import parsed
from chancery.contracts.placeholders import TemplateProblem


def text(value):
    return {"is": "text", "text": value}


def test_a_placeholder_is_a_node_of_its_own():
    blocks, found = parsed("# For {{tenantName}}\n\nPlan **{{ plan }}**.")

    assert blocks == [
        {"is": "heading", "level": 1, "of": [text("For "), {"is": "value", "name": "tenantName"}]},
        {
            "is": "paragraph",
            "of": [text("Plan "), {"is": "strong", "of": [{"is": "value", "name": "plan"}]}, text(".")],
        },
    ]
    assert [name.strip() for name in found] == ["tenantName", "plan"]


def test_markup_of_other_dialects_is_text():
    (block,), _ = parsed('<b>#import "x"</b> $x$ @ref')

    assert "".join(node["text"] for node in block["of"]) == "<b>#import “x”</b> $x$ @ref"


def test_blocks_nest():
    blocks, _ = parsed("2. a\n   - b\n\n> c\n\n---\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n    code\n")

    assert [block["is"] for block in blocks] == ["list", "quote", "rule", "table", "code"]
    assert blocks[0]["start"] == 2
    assert blocks[0]["of"][0][1]["is"] == "list"
    assert blocks[3]["of"] == [[[text("x")], [text("y")]], [[text("1")], [text("2")]]]


def test_only_links_that_lead_somewhere_usual_are_links():
    (block,), _ = parsed("[a](https://a.example) [b](ftp://x)")

    assert [node["is"] for node in block["of"]] == ["link", "text", "text"]


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("a\n\n![x](y.png)", "line 3: has an image"),
        ("`{{plan}}`", "a placeholder in code"),
        ("```\n{{plan}}\n```", "line 1: has a placeholder in code"),
        ("[x](https://{{plan}})", "the target of a link"),
    ],
)
def test_unsupported_markdown_is_refused(source, detail):
    with pytest.raises(TemplateProblem) as refused:
        parsed(source)

    assert detail in refused.value.detail


def test_nesting_without_end_is_cut_off_not_followed():
    assert parsed("> " * 5000 + "x")[0]

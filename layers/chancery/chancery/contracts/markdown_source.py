"""Markdown templates: CommonMark with tables, as a tree of plain data that Typst is handed to lay out.

Nothing of a template or a value is ever put together as Typst's markup. A node is `{"is": kind, ...}`; inline nodes
are text, value, strong, emphasis, strike, code, link and break, blocks are heading, paragraph, list, quote, code, rule
and table. HTML is text like any other.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from chancery.contracts.placeholders import PLACEHOLDER, TemplateProblem

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

Node = dict[str, Any]
_LINKS = ("http://", "https://", "mailto:")
_INLINE = {"strong": "strong", "em": "emphasis", "s": "strike"}
_DEEPEST = 50


def parsed(source: str) -> tuple[list[Node], list[str]]:
    """The blocks of a Markdown source, and the placeholders it has. Raises TemplateProblem."""
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

    rules = {"html": False, "typographer": True, "maxNesting": _DEEPEST}
    parser = MarkdownIt("commonmark", rules).enable(["table", "strikethrough", "smartquotes"])
    found: list[str] = []
    return [_block(node, found) for node in SyntaxTreeNode(parser.parse(source)).children], found


def _block(node: "SyntaxTreeNode", found: list[str]) -> Node:
    kind = node.type
    if kind == "heading":
        return {"is": "heading", "level": int(node.tag[1:]), "of": _inlines(node.children, found)}
    if kind == "paragraph":
        return {"is": "paragraph", "of": _inlines(node.children, found)}
    if kind in ("bullet_list", "ordered_list"):
        start = int(node.attrs.get("start", 1)) if kind == "ordered_list" else None
        return {"is": "list", "start": start, "of": [_blocks(item.children, found) for item in node.children]}
    if kind == "blockquote":
        return {"is": "quote", "of": _blocks(node.children, found)}
    if kind in ("fence", "code_block"):
        return {"is": "code", "text": _plain(node, node.content, "code")}
    if kind == "hr":
        return {"is": "rule"}
    if kind == "table":
        rows = [row for part in node.children for row in part.children]
        return {"is": "table", "of": [[_inlines(cell.children, found) for cell in row.children] for row in rows]}
    raise _problem(node, f"has {kind.replace('_', ' ')}, which contracts cannot show")


def _blocks(nodes: Iterable["SyntaxTreeNode"], found: list[str]) -> list[Node]:
    return [_block(node, found) for node in nodes]


def _inlines(nodes: Sequence["SyntaxTreeNode"], found: list[str]) -> list[Node]:
    flat: list[SyntaxTreeNode] = []
    for node in nodes:
        flat += node.children if node.type == "inline" else [node]
    return [made for node in flat for made in _inline(node, found)]


def _inline(node: "SyntaxTreeNode", found: list[str]) -> list[Node]:
    kind = node.type
    if kind == "text":
        return _text(node.content, found)
    if kind in _INLINE:
        return [{"is": _INLINE[kind], "of": _inlines(node.children, found)}]
    if kind == "code_inline":
        return [{"is": "code", "text": _plain(node, node.content, "code")}]
    if kind == "softbreak":
        return [{"is": "text", "text": " "}]
    if kind == "hardbreak":
        return [{"is": "break"}]
    if kind == "link":
        target = _plain(node, str(node.attrs["href"]), "the target of a link")
        inside = _inlines(node.children, found)
        return [{"is": "link", "to": target, "of": inside}] if target.startswith(_LINKS) else inside
    raise _problem(node, f"has an {kind.replace('_', ' ')}, which contracts cannot show")


def _text(text: str, found: list[str]) -> list[Node]:
    """Text and the placeholders in it; every other piece is the text between braces."""
    pieces = PLACEHOLDER.split(text)
    found += pieces[1::2]
    nodes = [
        {"is": "value", "name": piece.strip()} if at % 2 else {"is": "text", "text": piece}
        for at, piece in enumerate(pieces)
    ]
    return [node for node in nodes if node.get("text") != ""]


def _plain(node: "SyntaxTreeNode", text: str, where: str) -> str:
    if "{{" in text or "%7B%7B" in text:
        raise _problem(node, f"has a placeholder in {where}, where it would stay as it is")
    return text


def _problem(node: "SyntaxTreeNode", detail: str) -> TemplateProblem:
    above: SyntaxTreeNode | None = node
    while above is not None and not (above.is_root or above.map):
        above = above.parent
    return TemplateProblem(detail, above.map[0] + 1 if above is not None and not above.is_root and above.map else None)

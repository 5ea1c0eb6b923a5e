"""YAML as people would write it: CloudFormation's tags, named anchors, short collections on one line."""

from collections.abc import Mapping
from typing import Any

import yaml  # type: ignore[import-untyped]


class Tag(str):
    """The scalar of a CloudFormation tag."""

    tag = ""


class Ref(Tag):
    tag = "!Ref"


class GetAtt(Tag):
    tag = "!GetAtt"


class Sub(Tag):
    tag = "!Sub"


class If(list[Any]):
    """The list of `!If`: condition, value, other value."""


class Anchored(dict[str, Any]):
    """A mapping that is written out where it occurs first, with an anchor; later occurrences refer to that."""

    def __init__(self, anchor: str, content: Mapping[str, Any]) -> None:
        super().__init__(content)
        self.anchor = anchor


class _Merge(str):
    pass


MERGE = _Merge("<<")  # the key under which a mapping takes the content of an Anchored one


_SHORT = 100  # characters that a collection may have on one line


def dump(content: Mapping[str, Any]) -> str:
    """Block style; short collections in one line."""
    text = yaml.dump(content, Dumper=_Dumper, default_flow_style=False, sort_keys=False, width=10_000)
    return str(text).replace("{  }", "{}")


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        node.flow_style = len(_flat(node)) <= _SHORT
        return node

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = len(_flat(node)) <= _SHORT
        return node

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def write_indicator(
        self, indicator: str, need_whitespace: bool, whitespace: bool = False, indention: bool = False
    ) -> None:
        spaced = {"{": "{ ", "}": " }"}.get(indicator, indicator)
        super().write_indicator(spaced, need_whitespace, whitespace, indention)

    def choose_scalar_style(self) -> str:
        style = str(super().choose_scalar_style())
        tag = self.event.tag or ""
        if tag.startswith("!"):
            return '"' if tag == Sub.tag else ""
        return '"' if style == "'" and '"' not in self.event.value else style

    def generate_anchor(self, node: yaml.Node) -> str:
        return str(node.anchor)

    def ignore_aliases(self, data: Any) -> bool:
        return not isinstance(data, Anchored)


def _flat(node: yaml.Node) -> str:
    """About what the node would be on one line; a long text where it must not be."""
    if isinstance(node, yaml.ScalarNode):
        return f"{node.tag if node.tag.startswith('!') else ''} {node.value}"
    if hasattr(node, "anchor"):
        return " " * (_SHORT + 1)
    if isinstance(node, yaml.MappingNode):
        return ", ".join(f"{_flat(key)}: {_flat(value)}" for key, value in node.value)
    return ", ".join(map(_flat, node.value))


def _tagged(dumper: yaml.SafeDumper, data: Tag) -> yaml.Node:
    return dumper.represent_scalar(data.tag, data)


def _anchored(dumper: yaml.SafeDumper, data: Anchored) -> yaml.Node:
    node = dumper.represent_dict(data)
    node.anchor = data.anchor
    return node


for _kind in (Ref, GetAtt, Sub):
    _Dumper.add_representer(_kind, _tagged)
_Dumper.add_representer(If, lambda dumper, data: dumper.represent_sequence("!If", data))
_Dumper.add_representer(Anchored, _anchored)
_Dumper.add_representer(_Merge, lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:merge", "<<"))

"""template.yaml as it is written, and as SAM transforms it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).parents[3]


@cache
def template() -> dict[str, Any]:
    """The template; `!Ref X` is {"Ref": "X"}, `!GetAtt X.Arn` is {"Fn::GetAtt": ["X", "Arn"]}."""
    return yaml_parse((ROOT / "template.yaml").read_text())


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id → properties of the resources of a type."""
    found = template()["Resources"].items()
    return {name: item["Properties"] for name, item in found if item["Type"] == kind}


def functions() -> dict[str, dict[str, Any]]:
    """Folder in functions/ → properties."""
    return {item["CodeUri"].rpartition("/")[2]: item for item in resources("AWS::Serverless::Function").values()}


def statements(function: dict[str, Any]) -> Iterator[tuple[list[str], list[Any], dict[str, Any]]]:
    """Actions, resources and condition of each statement of a function's policies that allows something."""
    for policy in function.get("Policies", ()):
        for statement in policy["Statement"]:
            if "Fn::If" in statement:  # what is denied unless a parameter allows it
                assert statement["Fn::If"][2]["Effect"] == "Deny"
                continue
            assert statement["Effect"] == "Allow"
            yield _as_list(statement["Action"]), _as_list(statement["Resource"]), statement.get("Condition", {})


def allowed(function: dict[str, Any]) -> dict[str, list[Any]]:
    """Action → the resources that a function may use it on."""
    found: dict[str, list[Any]] = {}
    for actions, on, _ in statements(function):
        for action in actions:
            found.setdefault(action, []).extend(on)
    return found


def arn(logical_id: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


@cache
def transformed() -> dict[str, Any]:
    """The resources that SAM makes of the template."""
    source = yaml_parse((ROOT / "template.yaml").read_text())
    for item in source["Resources"].values():
        for code in {"CodeUri", "ContentUri"} & item.get("Properties", {}).keys():
            item["Properties"][code] = "s3://bucket/key"
    parameters = {name: str(item.get("Default", "")) for name, item in source["Parameters"].items()}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return Translator({}, Parser()).translate(source, parameters)["Resources"]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

"""Adapts the built template to the emulator; the template of production has no conditions for it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_dump, yaml_parse

_UNSUPPORTED_TYPES = frozenset({"AWS::Events::Archive", "AWS::Events::EventBusPolicy", "AWS::WAFv2::WebACLAssociation"})
# The emulator authorizes batches as actions of their own; AWS authorizes them as the action on a single message.
_BATCH_ACTIONS = {
    "sqs:ChangeMessageVisibility": "sqs:ChangeMessageVisibilityBatch",
    "sqs:SendMessage": "sqs:SendMessageBatch",
}
_ANY_METHOD = "x-amazon-apigateway-any-method"
_METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
_LIVE_ENDPOINT = "CHANCERY_LIVE_ENDPOINT"
_RULE_OF_BUS = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/default/chancery-${Stage}"


def patch(built: Path, layers: Path, endpoint_url: str) -> Path:
    """Writes the emulator's template next to the built one, where the paths of code stay right; returns its path.

    Functions import their layers from the folder `layers`, where they are once: the emulator would unpack them anew for
    each execution environment, a gigabyte and a half in all.
    """
    template = yaml_parse(built.read_text())
    resources = template["Resources"]
    for name in [name for name, item in resources.items() if _is_unsupported(item)]:
        del resources[name]
    _drop_conditional_bucket_policies(resources)
    _drop_denied_roles(resources)
    for statement in _statements(template):
        for change in _CHANGES:
            change(statement)
    _write_out_any_methods(resources["Api"]["Properties"])
    _push_to(endpoint_url, template)
    _share_layers(template, built.parent, layers)
    emulated = built.with_name("emulated.yaml")
    emulated.write_text(yaml_dump(template))
    return emulated


def _is_unsupported(resource: dict[str, Any]) -> bool:
    """Types that the emulator does not have, and alarms on queries."""
    is_query = resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]
    return is_query or resource["Type"] in _UNSUPPORTED_TYPES


def _drop_conditional_bucket_policies(resources: dict[str, Any]) -> None:
    """Keeps statements without a condition: the emulator has no TLS and does not evaluate s3:if-none-match."""
    for name in [name for name, item in resources.items() if item["Type"] == "AWS::S3::BucketPolicy"]:
        document = resources[name]["Properties"]["PolicyDocument"]
        document["Statement"] = [statement for statement in document["Statement"] if "Condition" not in statement]
        if not document["Statement"]:
            del resources[name]


def _drop_denied_roles(resources: dict[str, Any]) -> None:
    """The emulator has one account, whose roles destinations may name (`OwnAccountRoles`): nothing is denied."""
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::Function":
            for policy in resource["Properties"].get("Policies", ()):
                policy["Statement"] = [each for each in policy["Statement"] if "Fn::If" not in each]


def _write_out_any_methods(api: dict[str, Any]) -> None:
    """The emulator imports neither ANY methods nor the escape `~1` in binary media types."""
    api["BinaryMediaTypes"] = ["*/*"]
    for methods in api["DefinitionBody"]["paths"].values():
        if any_method := methods.pop(_ANY_METHOD, None):
            methods.update(dict.fromkeys(_METHODS, any_method))


def _push_to(endpoint_url: str, template: dict[str, Any]) -> None:
    """The emulator's WebSocket API takes messages for its connections at its own endpoint."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            variables = resource["Properties"].get("Environment", {}).get("Variables", {})
            if _LIVE_ENDPOINT in variables:
                url = f"{endpoint_url}/_aws/execute-api/${{LiveApi}}/${{Stage}}"
                variables[_LIVE_ENDPOINT] = {"Fn::Sub": url}


def _share_layers(template: dict[str, Any], build: Path, layers: Path) -> None:
    """Puts the layers into `layers`, and has each function import those that it declares from there.

    What is deployed of a layer is a file with the path of its content: a layer that changes has another version still.
    """
    shutil.rmtree(layers, ignore_errors=True)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            code = resource["Properties"]
            shutil.copytree(build / code["ContentUri"], layers / name / "code", copy_function=_link)
            (layers / name / "deployed" / "python").mkdir(parents=True)
            (layers / name / "deployed" / "python" / "source").write_text((build / "source").read_text())
            code["ContentUri"] = str(layers / name / "deployed")
    shared = template["Globals"]["Function"]["Layers"]
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            own = [*shared, *resource["Properties"].get("Layers", ())]
            path = os.pathsep.join(str(layers / layer["Ref"] / "code" / "python") for layer in own)
            environment = resource["Properties"].setdefault("Environment", {}).setdefault("Variables", {})
            environment["PYTHONPATH"] = path


def _link(source: str, target: str) -> None:
    """Links a file, which a later build replaces and never changes; copies it from another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _statements(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of every function's policies."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            for policy in resource["Properties"].get("Policies", ()):
                yield from policy["Statement"]


def _add_batch_actions(statement: dict[str, Any]) -> None:
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    statement["Action"] = [*actions, *(_BATCH_ACTIONS[action] for action in actions if action in _BATCH_ACTIONS)]


def _drop_encryption_contexts(statement: dict[str, Any]) -> None:
    """The emulator knows no encryption context in a condition and denies the request."""
    if "kms:EncryptionContext:" in str(statement.get("Condition")):
        del statement["Condition"]


def _allow_rule_of_bus(statement: dict[str, Any]) -> None:
    """The emulator authorizes DescribeEventBus on a rule of the default bus with the bus's name."""
    if "events:DescribeEventBus" in statement["Action"]:
        statement["Resource"] = [statement["Resource"], {"Fn::Sub": _RULE_OF_BUS}]


_CHANGES: tuple[Callable[[dict[str, Any]], None], ...] = (
    _add_batch_actions,
    _drop_encryption_contexts,
    _allow_rule_of_bus,
)

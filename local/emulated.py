"""What the emulator needs otherwise than AWS, patched into the built template; production's knows nothing of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_dump, yaml_parse

_UNKNOWN = frozenset({"AWS::Events::Archive", "AWS::WAFv2::WebACLAssociation"})
# Its own actions: where AWS asks for the right to do the one, it asks for the other.
_OWN_ACTIONS = {
    "sqs:ChangeMessageVisibility": "sqs:ChangeMessageVisibilityBatch",
    "sqs:SendMessage": "sqs:SendMessageBatch",
}


def patch(built: Path) -> Path:
    """Writes what the emulator gets next to the built template; its path."""
    template = yaml_parse(built.read_text())
    resources = template["Resources"]
    for name in [name for name, item in resources.items() if _is_unknown(item)]:
        del resources[name]
    _loosen_bucket_policies(resources)
    for statement in _statements(template):
        for change in _CHANGES:
            change(statement)
    api = resources["Api"]["Properties"]
    api["BinaryMediaTypes"] = ["*/*"]  # it does not know ~1
    for methods in api["DefinitionBody"]["paths"].values():
        if any_method := methods.pop("x-amazon-apigateway-any-method", None):  # nor this
            methods.update(dict.fromkeys(("get", "head", "post", "put", "patch", "delete", "options"), any_method))
    emulated = built.with_name("emulated.yaml")
    emulated.write_text(yaml_dump(template))
    return emulated


def _is_unknown(resource: dict[str, Any]) -> bool:
    """It knows no alarms on queries either."""
    is_query = resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]
    return is_query or resource["Type"] in _UNKNOWN


def _loosen_bucket_policies(resources: dict[str, Any]) -> None:
    """There is no TLS, and it does not know s3:if-none-match: only what is denied without a condition stays."""
    for name in [name for name, item in resources.items() if item["Type"] == "AWS::S3::BucketPolicy"]:
        document = resources[name]["Properties"]["PolicyDocument"]
        document["Statement"] = [statement for statement in document["Statement"] if "Condition" not in statement]
        if not document["Statement"]:
            del resources[name]


def _statements(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            for policy in resource["Properties"].get("Policies", ()):
                yield from policy["Statement"]


def _add_own_actions(statement: dict[str, Any]) -> None:
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    statement["Action"] = [*actions, *(_OWN_ACTIONS[action] for action in actions if action in _OWN_ACTIONS)]


def _forget_encryption_contexts(statement: dict[str, Any]) -> None:
    """It evaluates no conditions on them, and refuses."""
    if "kms:EncryptionContext:" in str(statement.get("Condition")):
        del statement["Condition"]


def _take_the_bus_for_a_rule(statement: dict[str, Any]) -> None:
    """It asks for a rule of the default bus with the bus's name."""
    if "events:DescribeEventBus" in statement["Action"]:
        rule = {"Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/default/chancery-${Stage}"}
        statement["Resource"] = [statement["Resource"], rule]


_CHANGES: tuple[Callable[[dict[str, Any]], None], ...] = (
    _add_own_actions,
    _forget_encryption_contexts,
    _take_the_bus_for_a_rule,
)

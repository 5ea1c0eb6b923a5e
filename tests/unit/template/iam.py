"""Evaluates IAM policies as AWS does, as far as the template's policies need it: an unknown operator is an error.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

type Statement = Mapping[str, Any]
type Context = Mapping[
    str, Sequence[str]
]  # a condition key → its values; a key that the request does not have is left out

_OPERATORS: dict[str, tuple[Callable[[str, str], bool], bool]] = {  # comparison, and whether it is negated
    "StringEquals": (str.__eq__, False),
    "StringNotEquals": (str.__eq__, True),
    "StringLike": (fnmatchcase, False),
    "ArnEquals": (fnmatchcase, False),
    "ArnLike": (fnmatchcase, False),
    "ArnNotEquals": (fnmatchcase, True),
}


class Request(NamedTuple):
    """An action on a resource, with the values of condition keys."""

    action: str
    resource: str
    context: Context


def is_allowed(request: Request, statements: Iterable[Statement]) -> bool:
    """Whether a statement allows it and none denies it, of the caller's own policies and of the resource's."""
    effects = {statement["Effect"] for statement in statements if _matches(statement, request)}
    return effects == {"Allow"}


def _matches(statement: Statement, request: Request) -> bool:
    if statement.get("Principal", "*") != "*":
        raise NotImplementedError("Principal")
    return (
        any(fnmatchcase(request.action.lower(), action.lower()) for action in as_list(statement["Action"]))
        and any(fnmatchcase(request.resource, resource) for resource in as_list(statement["Resource"]))
        and all(
            _holds(operator, as_list(wanted), request.context.get(key))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, wanted: Sequence[str], given: Sequence[str] | None) -> bool:
    """A condition of one key. A key that is missing fulfils negated operators only; of many values one is enough."""
    if operator == "Null":
        return wanted == [str(given is None).lower()]
    quantifier, _, name = operator.rpartition(":")
    if quantifier not in ("", "ForAnyValue"):
        raise NotImplementedError(operator)
    compare, is_negated = _OPERATORS[name]
    if given is None:
        return is_negated and not quantifier
    return any(any(compare(value, each) for each in wanted) != is_negated for value in given)


def resolved(value: Any) -> Any:
    """A value of the template with its functions replaced: an ARN by `arn:<logical id>`, a reference by its name.

    What a condition leaves out is there: the conditions of policies do not hold by default.
    """
    match value:
        case {"Fn::If": [_, {"Ref": "AWS::NoValue"}, present]}:
            return resolved(present)
        case {"Fn::GetAtt": [name, "Arn"]}:
            return f"arn:{name}"
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(\w+)\.Arn\}", r"arn:\1", text)
        case {"Ref": name}:
            return name
        case dict():
            return {key: resolved(item) for key, item in value.items()}
        case list():
            return [resolved(item) for item in value]
    return value


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

"""The deployed resources of the template."""

from collections.abc import Callable
from typing import Any


def resource(aws: Callable[[str], Any], logical_id: str) -> str:
    """The physical id of a resource of the deployed template."""
    found = aws("cloudformation").describe_stack_resource(StackName="chancery-local", LogicalResourceId=logical_id)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])

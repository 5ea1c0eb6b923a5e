"""The statement of template.yaml that keeps the source `chancery` on the bus to the functions that publish."""

from collections.abc import Sequence
from typing import Any

from chancery.core.aws.declarations import Function
from chancery.core.aws.event_bus import SOURCE
from tools.generate import names
from tools.generate.yaml import GetAtt, Ref, dump


def bus_policy_block(functions: Sequence[Function]) -> str:
    """Denies PutEvents with our source to every role but those of our publishing functions.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html (`events:source`)
    """
    publishers = [function for function in functions if function.bus == "PutEvents"]
    statement: dict[str, Any] = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": GetAtt("Bus.Arn"),
        "Condition": {
            "ForAnyValue:StringEquals": {"events:source": SOURCE},
            "ArnNotEquals": {
                "aws:PrincipalArn": [GetAtt(f"{names.logical_id(each.name)}Role.Arn") for each in publishers]
            },
        },
    }
    properties = {"EventBusName": Ref("Bus"), "StatementId": "OwnSource", "Statement": statement}
    return dump({"OwnSource": {"Type": "AWS::Events::EventBusPolicy", "Properties": properties}})

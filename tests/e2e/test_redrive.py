"""A dead letter is stored by a redrive once the cause is gone."""

import json
from collections.abc import Callable
from typing import Any

from chancery.core.identifiers import new_ref_id
from chancery.core.queue import redrive
from tests.builders import envelope, event


def resource(aws: Callable[[str], Any], logical_id: str) -> str:
    """The physical id of a resource of the deployed template."""
    found = aws("cloudformation").describe_stack_resource(StackName="chancery-local", LogicalResourceId=logical_id)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def test_a_redrive_moves_dead_letters_back_and_they_are_stored(api, aws, eventually):
    trace, sqs = new_ref_id(), aws("sqs")
    body = json.dumps(envelope(event(tenantId="acme", traceId=trace)))
    sqs.send_message(QueueUrl=resource(aws, "AuditDeadLetterQueue"), MessageBody=body)

    moved = redrive(sqs, resource(aws, "AuditDeadLetterQueue"), resource(aws, "AuditQueue"))

    assert moved == 1
    assert eventually(lambda: api("GET", f"/traces/{trace}").json()["items"])
    assert redrive(sqs, resource(aws, "AuditDeadLetterQueue"), resource(aws, "AuditQueue")) == 0

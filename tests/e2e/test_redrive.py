"""What could not be stored is stored once the cause is gone: delivered again, or redriven from the dead letters."""

import json
from collections.abc import Callable
from typing import Any

from chancery.core.aws.queue import redrive
from chancery.core.formats.identifiers import new_ref_id
from local.mongod import Mongod
from tests.builders import envelope, event
from tests.e2e.deployed import resource


def test_a_redrive_moves_dead_letters_back_and_they_are_stored(api, aws, eventually):
    trace, sqs = new_ref_id(), aws("sqs")
    body = json.dumps(envelope(event(tenantId="acme", traceId=trace)))
    sqs.send_message(QueueUrl=resource(aws, "AuditEventsDeadLetterQueue"), MessageBody=body)

    moved = redrive(sqs, resource(aws, "AuditEventsDeadLetterQueue"), resource(aws, "AuditEventsQueue"))

    assert moved == 1
    assert eventually(lambda: api("GET", f"/traces/{trace}").json()["items"])
    assert redrive(sqs, resource(aws, "AuditEventsDeadLetterQueue"), resource(aws, "AuditEventsQueue")) == 0


def test_an_event_published_while_the_database_is_unavailable_is_stored_later(api, aws, stack, settings, eventually):
    mongod = Mongod(settings.folder / "mongodb", settings.mongodb_port)
    trace = new_ref_id()
    detail = json.dumps(event(tenantId="acme", traceId=trace))
    entry = {"EventBusName": stack["eventBusName"], "Source": "any", "DetailType": "Record Audit Event"}
    mongod.kill()
    try:
        aws("events").put_events(Entries=[{**entry, "Detail": detail}])
        answer = api("POST", "/audit-logs", json=event())
        eventually(lambda: "BATCH_DEFERRED" in _log(aws))
    finally:
        mongod.start()

    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "5"), answer.text
    assert len(eventually(lambda: api("GET", f"/traces/{trace}").json().get("items"))) == 1


def _log(aws: Callable[[str], Any]) -> str:
    events = aws("logs").filter_log_events(logGroupName=resource(aws, "Logs"))["events"]
    return "".join(item["message"] for item in events)

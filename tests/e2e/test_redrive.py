"""What could not be stored is stored once the cause is gone: delivered again, or redriven from the dead letters."""

import json
import time
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
    killed_at = time.time()
    mongod.kill()
    try:
        aws("events").put_events(Entries=[{**entry, "Detail": detail}])
        answer = api("POST", "/audit-logs", json=event())
        eventually(lambda: _logged(aws, "BATCH_DEFERRED", since=killed_at))
    finally:
        mongod.start()

    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "5"), answer.text
    assert len(eventually(lambda: api("GET", f"/traces/{trace}").json().get("items"))) == 1


def _logged(aws: Callable[[str], Any], code: str, since: float) -> bool:
    # An answer has some of the lines, the oldest ones, or none and says that there are more.
    pages = aws("logs").get_paginator("filter_log_events")
    asked = {"logGroupName": resource(aws, "Logs"), "filterPattern": f'"{code}"', "startTime": int(since * 1000)}
    return any(page["events"] for page in pages.paginate(**asked))

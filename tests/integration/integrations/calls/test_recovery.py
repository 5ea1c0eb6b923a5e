"""Calls whose process was killed during an attempt."""

from datetime import UTC, datetime

import pytest

from chancery.core.aws.sealed_values import Seals
from chancery.integrations.calls.admission import Admission
from chancery.integrations.calls.attempts import Attempts
from chancery.integrations.calls.sender import Sender
from chancery.wiring import calls
from tests.crashes import Crash

ORDER = {"vendor": "V-100"}


def killed_once(owner, name):
    """Ends the process in the place of a method, once."""
    real = getattr(owner, name)

    def replaced(*args):
        setattr(owner, name, real)
        raise Crash

    return replaced


@pytest.mark.parametrize(
    ("owner", "name", "attempts"),
    [
        (Attempts, "begin", [("SUCCESS", None)]),
        (Sender, "send", [("TIMEOUT", "attempt_lost"), ("SUCCESS", None)]),
        (Attempts, "end", [("TIMEOUT", "attempt_lost"), ("SUCCESS", None)]),
        (Admission, "report", [("SUCCESS", None)]),
        (Seals, "seal", [("SUCCESS", None)]),
    ],
)
def test_a_call_whose_process_was_killed_goes_on(
    endpoint, begin, work, connect, exchanges, read, monkeypatch, retry_queue, owner, name, attempts
):
    endpoint()
    _, begun, _ = begin(ORDER)
    monkeypatch.setattr(owner, name, killed_once(owner, name))
    body = retry_queue.sent[0]
    with pytest.raises(Crash):
        work()
    assert read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]["status"] == "attempting"
    retry_queue.send(body)
    work()  # another message, while the process may still run, does nothing
    over = {"$set": {"dueOn": datetime(2026, 1, 1, tzinfo=UTC)}}
    connect("writer").integration_calls.update_one({}, over)
    retry_queue.send(body)

    work()

    assert [(item["status"], item.get("error", {}).get("type")) for item in exchanges()] == attempts
    ended = read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]
    assert ended["status"] == "succeeded"


@pytest.mark.parametrize(
    ("owner", "name", "logged", "ended"),
    [
        (Attempts, "begin", [], ("failed", "endpoint_deleted")),
        (Sender, "send", [("FAILED", "endpoint_deleted")], ("failed", "endpoint_deleted")),
        (Admission, "report", [("SUCCESS", None)], ("succeeded", "http_200")),
    ],
)
def test_the_attempt_of_a_killed_process_is_closed_where_its_endpoint_has_been_deleted_since(
    endpoint, begin, work, connect, exchanges, read, monkeypatch, retry_queue, owner, name, logged, ended
):
    endpoint()
    _, begun, _ = begin(ORDER)
    monkeypatch.setattr(owner, name, killed_once(owner, name))
    body = retry_queue.sent[0]
    with pytest.raises(Crash):
        work()
    registry = calls.registry()
    system = registry.system("acme", "sap")
    registry.delete_endpoint(registry.endpoint(system, "orders"), "admin", lambda: None)
    over = {"$set": {"dueOn": datetime(2026, 1, 1, tzinfo=UTC)}}
    connect("writer").integration_calls.update_one({}, over)
    retry_queue.send(body)

    work()

    found = read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]
    assert (found["status"], found["reason"]) == ended
    assert [(item["status"], item.get("error", {}).get("type")) for item in exchanges()] == logged

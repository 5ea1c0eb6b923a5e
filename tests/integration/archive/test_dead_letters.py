"""Workers of the archive that are killed in every attempt: the item fails with a reason, a redrive completes it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chancery.archive.archive_verifier import RetrievedArchive
from chancery.archive.bucket import ArchiveBucket
from chancery.archive.planner import ArchivePlanner
from tests.builders import http
from tests.integration.archive.conftest import MONTH
from tests.integration.archive.restoring import ADMIN, restored_event
from tests.sqs import PolledQueue, kill

KILLED = "Attempt 2 did not end: its process ran out of time or memory."


@pytest.fixture
def invoke(environment, load_function) -> Callable[[str], Callable[..., Any]]:
    """The handler of a function, each invocation in a fresh execution environment."""

    def handler_of(name: str) -> Callable[..., Any]:
        def handler(*invocation: Any) -> Any:
            environment("archiver")
            return load_function(name).handler(*invocation)

        return handler

    return handler_of


@pytest.fixture
def get(restoring) -> Callable[[str], Any]:
    """The answer to a GET under /v1/archives."""

    def send(path: str) -> Any:
        return restoring.call("manage_archives", http("GET", f"/v1/archives/{path}", caller=ADMIN), "archiver")[1]

    return send


def states(queue: PolledQueue, handler: Callable[..., Any], state: Callable[[], str]) -> list[str]:
    """The item's state after each delivery."""
    found = []
    while queue.deliver(handler):
        found.append(state())
    assert queue.depth(queue.dead) == 1
    return found


def test_a_month(insert, seal, plan, polled, invoke, get, restoring, monkeypatch):
    insert(3)
    seal()
    queue, month, handler = polled("archive"), plan(), invoke("archive_audit_logs")
    queue.send(json.dumps(month))
    with monkeypatch.context() as patch:
        patch.setattr(ArchiveBucket, "complete_file", kill)
        found = states(queue, handler, lambda: get(month["refId"])["state"])

    assert (found, get(month["refId"])["error"]) == (["running", "running", "failed"], KILLED)

    queue.redrive()
    assert queue.deliver(handler) == 1
    archived = get(month["refId"])
    assert (archived["state"], archived["error"], archived["records"]) == ("archived", None, 3)
    assert queue.depth(queue.dead) == 0


def test_a_run(insert, polled, invoke, get, restoring, monkeypatch):
    insert(3)
    monkeypatch.setenv("CHANCERY_ARCHIVE_AFTER_MONTHS", "24")
    monkeypatch.setenv("CHANCERY_ARCHIVE_STORAGE_CLASS", "GLACIER")
    months, queue, handler = polled("archive"), polled("archive-plans"), invoke("plan_archives")
    run_id = restoring.call("manage_archives", http("POST", "/v1/archives/runs", {}, caller=ADMIN), "archiver")[1]["id"]
    with monkeypatch.context() as patch:
        patch.setattr(ArchivePlanner, "_queue", kill)
        found = states(queue, handler, lambda: get(f"runs/{run_id}")["state"])

    assert (found, get(f"runs/{run_id}")["error"]) == (["planning", "planning", "failed"], KILLED)

    queue.redrive()
    assert queue.deliver(handler) == 1
    run = get(f"runs/{run_id}")
    assert (run["state"], run["error"], run["partitions"]["pending"]) == ("planned", None, 1)
    assert months.depth(months.url) == 1


@pytest.mark.parametrize("by_event", [True, False], ids=["S3's event", "a message of our own"])
def test_a_restore(month, polled, invoke, get, restoring, restored, monkeypatch, by_event):
    queue, handler = polled("restores"), invoke("complete_restores")
    _, answer = restoring.ask(month["refId"])
    own = {"refId": answer["restore"]["id"], "tenantId": "acme"}
    queue.send(json.dumps(restored_event(month["key"]) if by_event else own))
    with monkeypatch.context() as patch:
        patch.setattr(RetrievedArchive, "check_next", kill)
        found = states(queue, handler, lambda: get(month["refId"])["restore"]["state"])

    assert (found, get(month["refId"])["restore"]["error"]) == (["checking", "checking", "failed"], KILLED)
    assert restored() == []

    queue.redrive()
    assert queue.deliver(handler) == 1
    restore = get(month["refId"])["restore"]
    assert (restore["state"], restore["error"], restore["id"]) == ("restored", None, own["refId"])
    assert len(restored()) == 25


def test_a_failed_restore_that_another_one_followed_is_not_redriven(month, polled, invoke, get, restoring, monkeypatch):
    queue, handler = polled("restores"), invoke("complete_restores")
    _, first = restoring.ask(month["refId"])
    queue.send(json.dumps({"refId": first["restore"]["id"], "tenantId": "acme"}))
    with monkeypatch.context() as patch:
        patch.setattr(RetrievedArchive, "check_next", kill)
        states(queue, handler, lambda: "")
    _, second = restoring.ask(month["refId"])

    queue.redrive()
    queue.deliver(handler)

    failed = restoring.connect("archiver").archive_restores.find_one({"refId": first["restore"]["id"]})
    assert (failed["state"], second["restore"]["id"] != failed["refId"]) == ("failed", True)
    assert month["month"] == MONTH

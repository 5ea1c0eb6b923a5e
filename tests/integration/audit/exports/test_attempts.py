"""Attempts at an export: in several messages, killed, failed, repeated by a redrive."""

import hashlib
import json

import pytest

from chancery.audit.exports import ExportStore
from chancery.core.aws.objects import Objects
from chancery.core.aws.queue import ItemRef
from tests.builders import NOON, message
from tests.crashes import crashing
from tests.fakes import FakeQueue
from tests.integration.audit.exports.conftest import BUCKET, export_of, long_time, no_time
from tests.sqs import kill


def test_when_time_runs_short_the_next_message_carries_on(ask, worker, stored, connect, s3):
    stored(20, before={"pad": "x" * 1_000_000})
    export_id, queue = ask({"format": "ndjson"})[1]["id"], FakeQueue()
    work = worker(part_bytes=6_000_000, queue=queue)

    rounds = 0
    queue.sent.append(json.dumps({"refId": export_id, "tenantId": "acme"}))
    while queue.sent:
        work.work(json.loads(queue.sent.pop()), no_time)
        rounds += 1

    done = export_of(connect, export_id)
    body = s3.get_object(Bucket=BUCKET, Key=done["key"])["Body"].read()
    assert rounds == 5  # the last one reads the file for its hash
    assert (done["state"], done["records"], len(done["parts"])) == ("done", 20, 3)
    assert hashlib.sha256(body).hexdigest() == done["sha256"]
    assert [json.loads(line)["resourceId"] for line in body.splitlines()] == [f"p{n:04d}" for n in range(20)]


@pytest.mark.parametrize("step", range(1, 12))
def test_killed_at_any_call_and_delivered_again_it_ends_with_the_same_file(ask, worker, stored, connect, s3, step):
    stored(13, before={"pad": "x" * 1_000_000})
    export_id = ask({"format": "ndjson"})[1]["id"]
    message = {"refId": export_id, "tenantId": "acme"}
    killed = worker(part_bytes=6_000_000)
    exporter = killed.worker
    calls = (exporter.objects, ("begin", "part", "complete", "sha256")), (exporter.exports, ("advance",))
    with crashing(step, calls) as steps:
        killed.work(message, long_time)
    assert steps["crashed"]
    again = FakeQueue([json.dumps(message)])
    survivor = worker(part_bytes=6_000_000, queue=again)
    while again.sent:
        survivor.work(json.loads(again.sent.pop()), long_time)

    done = export_of(connect, export_id)
    body = s3.get_object(Bucket=BUCKET, Key=done["key"])["Body"].read()
    assert (done["state"], done["records"], done["bytes"]) == ("done", 13, len(body))
    assert hashlib.sha256(body).hexdigest() == done["sha256"]
    assert [json.loads(line)["resourceId"] for line in body.splitlines()] == [f"p{n:04d}" for n in range(13)]


def test_two_workers_on_one_export_do_not_both_move_it_on(ask, connect):
    export_id = ask({"format": "ndjson"})[1]["id"]
    store = ExportStore(connect("writer"))
    one = store.get(export_id, {"tenantId": "acme"})
    other = store.get(export_id, {"tenantId": "acme"})

    assert store.advance(one, state="running") is not None
    assert store.advance(other, state="running") is None


def test_a_permanent_failure_ends_an_export_with_its_error(ask, worker, stored, look, s3):
    stored(1)
    export_id = ask({"format": "ndjson"})[1]["id"]
    body = json.dumps({"refId": export_id, "tenantId": "acme"})
    s3.delete_bucket(Bucket=BUCKET)

    def deliver(receives: str) -> list[str]:
        message = {"messageId": "m", "body": body, "attributes": {"ApproximateReceiveCount": receives}}
        return worker().consume([message], long_time)

    assert deliver("1") == ["m"]
    assert look(export_id)[1]["state"] == "running"
    assert deliver("3") == []
    assert look(export_id)[1]["error"] == "The object store refused the request (NoSuchBucket); try again."


def test_an_export_whose_worker_is_killed_to_the_last_fails_and_a_redrive_runs_it_again(
    ask, look, polled, environment, load_function, stored, monkeypatch
):
    stored(3)
    queue = polled("exports")
    export_id, states = ask({"format": "csv"})[1]["id"], []

    def run(*invocation):
        environment("writer")
        return load_function("run_audit_export").handler(*invocation)

    with monkeypatch.context() as patch:
        patch.setattr(Objects, "put", kill)
        while queue.deliver(run):
            states.append(look(export_id)[1]["state"])

    failed = look(export_id)[1]
    assert states == ["running", "running", "failed"]
    assert failed["error"] == "Attempt 2 did not end: its process ran out of time or memory."
    assert (queue.depth(queue.url), queue.depth(queue.dead)) == (0, 1)

    queue.redrive()
    assert queue.deliver(run) == 1
    done = look(export_id)[1]
    assert (done["state"], done["records"], done["error"]) == ("done", 3, None)
    assert (queue.depth(queue.url), queue.depth(queue.dead)) == (0, 0)


def test_a_duplicate_message_does_not_run_a_failed_export_again(ask, worker, look, stored):
    stored(1)
    export_id = ask({"format": "ndjson"})[1]["id"]
    reference = ItemRef("acme", export_id)
    late = message({"refId": export_id, "tenantId": "acme"})
    late["attributes"]["SentTimestamp"] = str(int(NOON.timestamp() * 1000))
    worker().worker.failed(reference, "It is damaged.")
    worker().worker.failed(reference, "Another reason.")

    assert worker().consume([late], long_time) == []

    assert (look(export_id)[1]["state"], look(export_id)[1]["error"]) == ("failed", "It is damaged.")


def test_an_unexpected_error_ends_an_export_and_quotes_no_record(ask, worker, stored, look, monkeypatch, connect):
    stored(1)
    export_id = ask({"format": "ndjson"})[1]["id"]
    body = json.dumps({"refId": export_id, "tenantId": "acme"})
    message = {"messageId": "m", "body": body, "attributes": {"ApproximateReceiveCount": "3"}}
    monkeypatch.setattr(
        "chancery.audit.export_worker._ndjson_line", lambda _: (_ for _ in ()).throw(TypeError("hunter2"))
    )

    assert worker().consume([message], long_time) == []

    found = look(export_id)[1]
    assert (found["state"], found["error"]) == ("failed", "An unexpected TypeError.")


def test_a_message_of_an_export_that_is_gone_is_dropped(worker):
    message = {
        "messageId": "m",
        "body": json.dumps({"refId": "gone", "tenantId": "acme"}),
        "attributes": {"ApproximateReceiveCount": "1"},
    }

    assert worker().consume([message], long_time) == []

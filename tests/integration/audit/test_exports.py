"""Exports: asked for, written in pieces, killed between pieces, fetched."""

import csv
import hashlib
import io
import json
from datetime import timedelta
from itertools import batched

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chancery.audit.export_worker import ExportWorker
from chancery.audit.exports import ExportStore
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.core.aws.queue import ItemRef
from chancery.core.formats.times import now
from chancery.sealing.signing import LogKey
from tests.builders import NOON, at, http, message, principal, record, sealer, writer
from tests.fakes import FakeKms, FakeQueue, LambdaContext, Loop
from tests.sqs import kill

BUCKET, LOGS = "exports", "log-bucket"


def refusing_ended_uploads(client, upload_part):
    """S3 answers NoSuchUpload for an upload that was completed; moto crashes."""

    def upload(**kwargs):
        open_uploads = client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())
        if kwargs["UploadId"] not in {found["UploadId"] for found in open_uploads}:
            raise ClientError({"Error": {"Code": "NoSuchUpload"}}, "UploadPart")
        return upload_part(**kwargs)

    return upload


@pytest.fixture
def s3(monkeypatch):
    monkeypatch.setenv("CHANCERY_EXPORT_BUCKET", BUCKET)
    monkeypatch.setenv("CHANCERY_EXPORTS_QUEUE_URL", "https://queue")
    monkeypatch.setenv("CHANCERY_LOG_BUCKET", LOGS)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.create_bucket(Bucket=LOGS)
        client.upload_part = refusing_ended_uploads(client, client.upload_part)
        monkeypatch.setattr("chancery.core.aws.clients.client", lambda _: client)
        yield client


@pytest.fixture
def ask(call, s3):
    def send(body, role="user", headers=None, **caller):
        request = http("POST", "/v1/audit-exports", body, caller=principal(role, **caller), headers=headers)
        return call("manage_audit_exports", request)

    return send


@pytest.fixture
def look(call, s3):
    def send(export_id, role="user", **caller):
        return call(
            "manage_audit_exports", http("GET", f"/v1/audit-exports/{export_id}", caller=principal(role, **caller))
        )

    return send


@pytest.fixture
def worker(connect, s3):
    def make(part_bytes=8 * 1024 * 1024, queue=None):
        database = connect("writer")
        queue = queue or FakeQueue()
        stores = ExportStore(database), AuditStore(database)
        return Loop(ExportWorker(*stores, Objects(BUCKET, s3), queue, part_bytes=part_bytes), queue)

    return make


@pytest.fixture
def stored(connect):
    def insert(count, **changes):
        records = [
            record(resourceId=f"p{n:04d}", createdOn=(NOON + timedelta(seconds=n)).isoformat(), **changes)
            for n in range(count)
        ]
        for batch in batched(records, 10, strict=False):  # a transaction each, and some records are large
            writer(connect("writer")).insert(batch)

    return insert


def lines(s3, key: str) -> list[dict]:
    return [json.loads(line) for line in s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().splitlines()]


def export_of(connect, export_id: str) -> dict:
    return connect("reader").audit_exports.find_one({"refId": export_id})


def long_time() -> int:
    return 900_000


def no_time() -> int:
    return 1000


def test_an_export_from_the_request_to_the_link(ask, look, retry_queue, load_function, stored, s3, bus, connect):
    stored(120)
    key = LogKey("key", "log.example", FakeKms())
    sealer(connect("sealer"), Objects(LOGS, s3), key, bus).seal("acme")

    status, answer, headers = ask({"format": "ndjson", "action": "blog_post.*"})
    queued = look(answer["id"])[1]
    worker_function = load_function("run_audit_export")
    message = {"messageId": "m", "body": retry_queue.sent[-1], "attributes": {"ApproximateReceiveCount": "1"}}
    done = worker_function.handler({"Records": [message]}, LambdaContext())
    finished = look(answer["id"])[1]

    assert (status, headers["Location"]) == (202, f"../v1/audit-exports/{answer['id']}")
    assert (queued["state"], queued["url"], queued["proofUrl"]) == ("queued", None, None)
    assert done == {"batchItemFailures": []}
    assert (finished["state"], finished["records"]) == ("done", 120)
    body = s3.get_object(Bucket=BUCKET, Key=export_of(connect, answer["id"])["key"])["Body"].read()
    assert (len(body), hashlib.sha256(body).hexdigest()) == (finished["bytes"], finished["sha256"])
    assert "Signature" in finished["url"]
    assert ".ndjson.proof?" in finished["proofUrl"]
    assert [item["resourceId"] for item in map(json.loads, body.splitlines())] == [f"p{n:04d}" for n in range(120)]
    assert [item["action"] for item in bus.of("Record Audit Event")] == ["audit_log.exported"]


def test_an_export_holds_whole_records_of_the_callers_tenant_only(ask, worker, stored, connect, s3):
    stored(2, before={"a": 1})
    writer(connect("writer")).insert([record("globex")])
    export_id = ask({"format": "ndjson"})[1]["id"]

    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)

    found = lines(s3, export_of(connect, export_id)["key"])
    assert {item["tenantId"] for item in found} == {"acme"}
    assert found[0]["before"] == {"a": 1}
    assert len(found[0]["salts"]["before"]) == 32


def test_csv_has_a_header_and_no_cell_that_a_spreadsheet_would_run(ask, worker, stored, connect, s3):
    stored(3, description='=HYPERLINK("http://evil")', metadata={"a": "x,\n\"y'"})
    export_id = ask({"format": "csv"})[1]["id"]

    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)

    text = s3.get_object(Bucket=BUCKET, Key=export_of(connect, export_id)["key"])["Body"].read().decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["resourceId"] for row in rows] == ["p0000", "p0001", "p0002"]
    assert rows[0]["description"].startswith("'=")
    assert json.loads(rows[0]["metadata"]) == {"a": "x,\n\"y'"}


def test_no_cell_of_a_csv_begins_with_a_formula_behind_what_a_spreadsheet_drops(ask, worker, connect, s3):
    formulas = ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "\na", "\ta", " =1", "  \n@a", "\u00a0=1", "\ufeff=1"]
    formulas += ["\uff1d1", "\uff0b1", "\uff0d1", "\uff20a", " \uff1d1"]
    harmless = ["a=1", " a", "1+1", "a\n=1", "'a"]
    texts = [*formulas, *harmless]
    writer(connect("writer")).insert([record(description=text, createdOn=at(n)) for n, text in enumerate(texts)])
    export_id = ask({"format": "csv"})[1]["id"]

    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)

    text = s3.get_object(Bucket=BUCKET, Key=export_of(connect, export_id)["key"])["Body"].read().decode()
    cells = [row["description"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    assert cells == [*(f"'{text}" for text in formulas), *harmless]


def test_an_empty_export_is_an_empty_file(ask, worker, connect, s3):
    export_id = ask({"format": "ndjson"})[1]["id"]

    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)

    done = export_of(connect, export_id)
    assert (done["state"], done["records"], done["bytes"]) == ("done", 0, 0)


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
    message, calls = {"refId": export_id, "tenantId": "acme"}, [0]
    killed = worker(part_bytes=6_000_000)
    exporter = killed.worker

    class Kill(BaseException):
        """The process is gone right after a call."""

    def dying(method):
        def call(*args, **kwargs):
            result = method(*args, **kwargs)
            calls[0] += 1
            if calls[0] == step:
                raise Kill
            return result

        return call

    steps = (exporter.objects, ("begin", "part", "complete", "sha256")), (exporter.exports, ("advance",))
    for holder, names in steps:
        for name in names:
            setattr(holder, name, dying(getattr(holder, name)))
    with pytest.raises(Kill):
        killed.work(message, long_time)
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


def test_an_export_that_fails_for_good_says_so(ask, worker, stored, look, s3):
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


def test_what_nobody_expected_ends_an_export_too_and_says_nothing_of_the_records(
    ask, worker, stored, look, monkeypatch, connect
):
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


def test_an_export_takes_the_times_that_a_search_takes(ask, look, worker, stored, s3, connect):
    stored(120)  # a second each from 12:00:00Z
    times = {"from": "2026-03-01T14:00:10+02:00", "to": "2026-03-01T12:00:20Z"}
    export_id = ask({"format": "ndjson", **times})[1]["id"]

    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)

    assert look(export_id)[1]["records"] == 10


@pytest.mark.parametrize(
    ("role", "tenants", "actions"),
    [
        ("auditor", ("acme",), ["audit_log.export_viewed"]),
        ("super_admin", (), ["tenant.crossed"]),
        ("user", ("acme",), []),
    ],
)
def test_giving_the_links_of_an_export_is_audited(ask, look, worker, stored, bus, role, tenants, actions):
    stored(1)
    export_id = ask({"format": "ndjson"})[1]["id"]
    look(export_id, role, tenants=tenants)
    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)
    bus.published.clear()

    assert look(export_id, role, tenants=tenants)[1]["url"]

    assert [item["action"] for item in bus.of("Record Audit Event")] == actions
    assert {item["tenantId"] for item in bus.of("Record Audit Event")} <= {"acme"}


def test_links_that_cannot_be_audited_are_not_given(ask, look, worker, stored, bus):
    stored(1)
    export_id = ask({"format": "ndjson"})[1]["id"]
    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)
    bus.unavailable = True

    assert look(export_id, "auditor")[0] == 503


@pytest.mark.parametrize(
    ("state", "age", "sent"),
    [
        ("queued", timedelta(minutes=3), True),
        ("running", timedelta(minutes=119), False),
        ("running", timedelta(minutes=121), True),
        ("written", timedelta(minutes=121), True),
        ("failed", timedelta(minutes=121), False),
    ],
)
def test_an_open_export_whose_message_is_lost_is_sent_again_by_a_read(
    ask, look, retry_queue, connect, state, age, sent
):
    export_id = ask({"format": "ndjson"})[1]["id"]
    retry_queue.sent.clear()
    connect("admin").audit_exports.update_one({}, {"$set": {"state": state, "updatedOn": now() - age}})

    look(export_id)

    assert [json.loads(body)["refId"] for body in retry_queue.sent] == [export_id] * sent


def test_another_tenants_export_is_404(ask, look):
    export_id = ask({"format": "ndjson"})[1]["id"]

    assert look(export_id)[0] == 200
    assert look(export_id, tenants=("globex",))[0] == 404


def test_staff_find_an_export_of_any_tenant_of_their_token(ask, look):
    tenants = ("acme", "globex")
    export_id = ask({"format": "csv", "tenantId": "globex"}, "dm_user", tenants=tenants)[1]["id"]

    assert look(export_id, "dm_user", tenants=tenants)[0] == 200
    assert look(export_id, "user", tenants=("globex",))[0] == 200
    assert look(export_id, "user", tenants=("acme",))[0] == 404


def test_an_export_of_all_tenants_is_the_admins_alone(ask, look, bus):
    export_id = ask({"format": "ndjson"}, "super_admin", tenants=())[1]["id"]

    assert look(export_id, "super_admin", tenants=())[0] == 200
    assert look(export_id)[0] == 404
    assert [item["action"] for item in bus.of("Record Audit Event")] == ["audit_log.exported", "tenant.crossed"]


def test_an_expired_export_is_gone_before_mongodb_sweeps_it(ask, look, connect):
    export_id = ask({"format": "ndjson"})[1]["id"]
    connect("admin").audit_exports.update_one({}, {"$set": {"createdOn": NOON}})

    assert look(export_id)[0] == 404


@pytest.mark.parametrize("body", [{"format": "xml"}, {"surprise": 1}, [], {"from": "yesterday"}, {"format": None}])
def test_a_wrong_request_is_refused(ask, body):
    assert ask(body)[0] == 422


def test_a_filter_that_is_a_secret_is_refused_and_not_stored(ask, connect):
    status, problem, _ = ask({"q": "4111 1111 1111 1111", "actorId": "Bearer mF_9.B5f-4.1JqM", "action": "a.b"})

    assert (status, sorted(error["pointer"] for error in problem["errors"])) == (422, ["/actorId", "/q"])
    assert connect("admin").audit_exports.count_documents({}) == 0


def test_a_producer_cannot_export(ask):
    assert ask({"format": "csv"}, "producer")[0] == 403


def test_the_same_key_asks_for_one_export(ask, connect):
    first = ask({"format": "csv"}, headers={"Idempotency-Key": "k"})
    again = ask({"format": "csv"}, headers={"Idempotency-Key": "k"})

    assert first == again
    assert connect("reader").audit_exports.count_documents({}) == 1


def test_a_message_of_an_export_that_is_gone_is_dropped(worker):
    message = {
        "messageId": "m",
        "body": json.dumps({"refId": "gone", "tenantId": "acme"}),
        "attributes": {"ApproximateReceiveCount": "1"},
    }

    assert worker().consume([message], long_time) == []

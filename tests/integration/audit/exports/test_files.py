"""The file of an export: its records, its order, its hash, and its form as NDJSON and CSV."""

import csv
import hashlib
import io
import json

from chancery.core.aws.objects import Objects
from chancery.sealing.signing import LogKey
from tests.builders import at, record, sealer, writer
from tests.fakes import FakeKms, LambdaContext
from tests.integration.audit.exports.conftest import BUCKET, LOGS, export_of, lines, long_time


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


def test_csv_begins_with_a_byte_order_mark_also_in_parts(ask, worker, stored, connect, s3):
    stored(3, description="für Zoë", before={"x": "x" * 3_000_000})
    export_id = ask({"format": "csv"})[1]["id"]

    worker(part_bytes=5 * 1024 * 1024).work({"refId": export_id, "tenantId": "acme"}, long_time)

    body = s3.get_object(Bucket=BUCKET, Key=export_of(connect, export_id)["key"])["Body"].read()
    assert body.startswith(b"\xef\xbb\xbfrefId,") and body.count(b"\xef\xbb\xbf") == 1
    assert body.decode().count("für Zoë") == 3


def test_csv_has_a_header_and_no_cell_that_a_spreadsheet_would_run(ask, worker, stored, connect, s3):
    stored(3, description='=HYPERLINK("http://evil")', metadata={"a": "x,\n\"y'"})
    export_id = ask({"format": "csv"})[1]["id"]

    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)

    text = s3.get_object(Bucket=BUCKET, Key=export_of(connect, export_id)["key"])["Body"].read().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["resourceId"] for row in rows] == ["p0000", "p0001", "p0002"]
    assert rows[0]["description"].startswith("'=")
    assert json.loads(rows[0]["metadata"]) == {"a": "x,\n\"y'"}
    assert (rows[0]["onBehalfOfId"], rows[0]["onBehalfOfName"]) == ("customer-1", "Bjørk")


def test_no_cell_of_a_csv_begins_with_a_formula_after_blanks(ask, worker, connect, s3):
    formulas = ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "\na", "\ta", " =1", "  \n@a", "\u00a0=1", "\ufeff=1"]
    formulas += ["\uff1d1", "\uff0b1", "\uff0d1", "\uff20a", " \uff1d1"]
    harmless = ["a=1", " a", "1+1", "a\n=1", "'a"]
    texts = [*formulas, *harmless]
    writer(connect("writer")).insert([record(description=text, createdOn=at(n)) for n, text in enumerate(texts)])
    export_id = ask({"format": "csv"})[1]["id"]

    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)

    text = s3.get_object(Bucket=BUCKET, Key=export_of(connect, export_id)["key"])["Body"].read().decode("utf-8-sig")
    cells = [row["description"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    assert cells == [*(f"'{text}" for text in formulas), *harmless]


def test_an_empty_export_is_an_empty_file(ask, worker, connect, s3):
    export_id = ask({"format": "ndjson"})[1]["id"]

    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)

    done = export_of(connect, export_id)
    assert (done["state"], done["records"], done["bytes"]) == ("done", 0, 0)


def test_an_export_takes_the_times_that_a_search_takes(ask, look, worker, stored, s3, connect):
    stored(120)  # a second each from 12:00:00Z
    times = {"from": "2026-03-01T14:00:10+02:00", "to": "2026-03-01T12:00:20Z"}
    export_id = ask({"format": "ndjson", **times})[1]["id"]

    worker().work({"refId": export_id, "tenantId": "acme"}, long_time)

    assert look(export_id)[1]["records"] == 10

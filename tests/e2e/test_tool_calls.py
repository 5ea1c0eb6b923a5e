"""Tool calls on the deployed stack: over HTTP and the bus, by upload, sensitive, byte for byte up to 100 MB."""

import json
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from chancery.core.formats.identifiers import new_ref_id
from tests.e2e.deployed import resource

MEGABYTE = 1024 * 1024


def tool_call(**changes):
    body = {
        "toolCallId": new_ref_id(),
        "activityRunId": new_ref_id(),
        "toolName": "semrush",
        "fullInput": {"query": "seo", "email": "gone@example.com"},
        "fullOutput": "Zoë,1\r\n\0\U0001f600\n",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


@pytest.fixture
def record(api):
    def send(**changes):
        answer = api("POST", "/tool-calls", "producer", json=tool_call(**changes))
        assert answer.status_code == 201, answer.text
        return answer.json()["refId"]

    return send


@pytest.fixture
def upload(api):
    """Announces a body and PUTs it to the link; the id of the upload."""

    def put(body: bytes) -> str:
        announced = {"bytes": len(body), "sha256": sha256(body).hexdigest()}
        link = api("POST", "/tool-calls/uploads", "producer", json=announced).json()
        answer = httpx.put(link["url"], content=body, headers=link["headers"], timeout=120)
        assert answer.status_code == 200, answer.text
        return link["id"]

    return put


@pytest.fixture
def stored(api, eventually):
    """A call once its uploads are redacted."""

    def look(ref_id: str, seconds: float = 60):
        def is_done():
            call = api("GET", f"/tool-calls/{ref_id}").json()
            return call if call["output"]["state"] != "pending" else None

        return eventually(is_done, seconds)

    return look


@pytest.fixture
def peak(aws):
    """The most memory a function's processes have had, in bytes (VmHWM)."""

    def measure(logical_id: str) -> int:
        name = f"AWS_LAMBDA_FUNCTION_NAME={resource(aws, logical_id)}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if name in (process / "environ").read_bytes().split(b"\0"):
                    lines = (process / "status").read_text().splitlines()
                    found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
            except OSError:
                continue
        return max(found)

    return measure


def download(api, ref_id: str, part: str = "output"):
    """A body as a client that follows links gets it."""
    answer = api("GET", f"/tool-calls/{ref_id}/{part}", headers={"Accept": "*/*"})
    return httpx.get(answer.headers["Location"], timeout=120) if answer.status_code == 307 else answer


def test_a_call_comes_back_redacted_and_then_byte_for_byte(api, record, eventually):
    ref_id = record(traceId=new_ref_id())
    call = api("GET", f"/tool-calls/{ref_id}").json()

    given, output = download(api, ref_id, "input"), download(api, ref_id)
    assert given.content == b'{"query":"seo","email":"[REDACTED]"}'
    assert output.content.decode() == "Zoë,1\r\n\0\U0001f600\n"
    assert output.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert sha256(output.content).hexdigest() == call["output"]["sha256"]
    found = api("GET", "/tool-calls", params={"activityRunId": call["activityRunId"]}).json()["items"]
    assert [item["refId"] for item in found] == [ref_id]
    assert [item["kind"] for item in api("GET", f"/traces/{call['traceId']}").json()["items"]] == ["tool_call"]
    query = {"resourceId": ref_id, "action": "tool_call.output_viewed"}
    assert eventually(lambda: api("GET", "/audit-logs", params=query).json()["items"])


@pytest.mark.parametrize("sensitive", [False, True])
def test_a_body_of_megabytes_comes_in_one_answer_or_in_ranges(api, record, sensitive):
    text = "é" * 600_000
    ref_id = record(fullOutput=text, sensitive=sensitive)

    assert download(api, ref_id).content == text.encode()
    part = api("GET", f"/tool-calls/{ref_id}/output", headers={"Accept": "*/*", "Range": "bytes=100000-1100000"})
    assert (part.status_code, part.headers["Content-Range"]) == (206, "bytes 100000-1100000/1200000")
    assert part.content == text.encode()[100_000:1_100_001]


def test_an_event_is_stored_once_and_a_wrong_one_rejected(api, aws, stack, eventually):
    detail = tool_call(tenantId="acme", eventId=new_ref_id(), fullOutput="x" * 100_000)
    wrong = tool_call(tenantId="acme", toolName=None)
    entries = [
        {"EventBusName": stack["eventBusName"], "Source": "my.service", "DetailType": "Record Tool Call"}
        | {"Detail": json.dumps(sent)}
        for sent in (detail, detail, wrong)
    ]
    for entry in entries:
        aws("events").put_events(Entries=[entry])

    query = {"toolCallId": detail["toolCallId"]}
    found = eventually(lambda: api("GET", "/tool-calls", params=query).json()["items"])
    assert download(api, found[0]["refId"]).content == b"x" * 100_000
    assert len(api("GET", "/tool-calls", params=query).json()["items"]) == 1


def test_a_sensitive_body_is_nowhere_in_the_bucket_and_not_for_auditors(api, aws, record):
    ref_id = record(sensitive=True, fullOutput="the secret ingredient is love " * 5000)

    s3, bucket = aws("s3"), resource(aws, "ContentBucket")
    for item in s3.list_objects_v2(Bucket=bucket, Prefix="tool-calls/")["Contents"]:
        assert b"secret ingredient" not in s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
    assert api("GET", f"/tool-calls/{ref_id}/output", "auditor").status_code == 403
    assert "outputHead" not in api("GET", f"/tool-calls/{ref_id}").json()


def test_an_upload_of_a_hundred_megabytes(api, upload, record, stored, peak):
    row = b'{"keyword": "why seo matters", "volume": 1300.0, "password": "hunter2", "note": "%s"},\n' % (b"n" * 150)
    body = b"[" + row * ((100 * MEGABYTE) // len(row) - 1) + b"{}]"
    clean = body.replace(b'"hunter2"', b'"[REDACTED]"')

    ref_id = record(fullOutput=None, outputUploadId=upload(body))
    call = stored(ref_id, 300)

    assert call["output"]["sha256"] == sha256(clean).hexdigest()
    assert download(api, ref_id).content == clean
    assert peak("RedactToolUploads") < 600 * MEGABYTE
    assert peak("ReadToolCalls") < 200 * MEGABYTE


def test_a_sensitive_upload_is_read_in_parts(api, upload, record, stored, aws):
    body = b"".join(b"line %d\n" % at for at in range(900_000))
    upload_id = upload(body)
    ref_id = record(fullOutput=None, outputUploadId=upload_id, sensitive=True)
    assert stored(ref_id, 120)["output"]["state"] == "stored"

    refused = api("GET", f"/tool-calls/{ref_id}/output", headers={"Accept": "*/*"})
    whole = b""
    while len(whole) < len(body):
        headers = {"Accept": "*/*", "Range": f"bytes={len(whole)}-"}
        part = api("GET", f"/tool-calls/{ref_id}/output", headers=headers)
        assert part.status_code == 206, part.text
        whole += part.content

    assert refused.status_code == 422
    assert whole == body
    uploads = aws("s3").list_object_versions(Bucket=resource(aws, "ContentBucket"), Prefix="uploads/")["Versions"]
    assert {version["Size"] for version in uploads if version["Key"].endswith(upload_id)} == {0}


def test_an_upload_that_differs_from_its_announcement_is_refused(api, record, stored):
    announced = {"bytes": 5, "sha256": sha256(b"right").hexdigest()}
    link = api("POST", "/tool-calls/uploads", "producer", json=announced).json()
    put = httpx.put(link["url"], content=b"wrong", headers=link["headers"])

    if put.status_code == 200:  # an emulator that does not check
        call = stored(record(fullOutput=None, outputUploadId=link["id"]))
        assert call["output"]["reason"] == "is not the body that was announced"
    sent = tool_call(fullOutput=None, outputUploadId=new_ref_id())
    assert api("POST", "/tool-calls", "producer", json=sent).status_code == 422


def test_another_tenant_finds_nothing(api, record):
    ref_id = record()

    for path in ("", "/input", "/output"):
        assert api("GET", f"/tool-calls/{ref_id}{path}", "other_tenant_user").status_code == 404
    assert api("GET", f"/tool-calls/{ref_id}", "producer").status_code == 403

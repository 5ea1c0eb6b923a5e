"""The audit trail through the deployed API and bus, with IAM evaluated."""

import json
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from chancery.cli.tokens import LocalIssuer
from chancery.core.formats.identifiers import new_ref_id
from tests.builders import event
from tests.e2e.deployed import resource

EVENT = {"actorId": "me", "action": "approved", "resourceType": "blog_post"}


def test_a_record_goes_in_over_http_and_is_found_again_redacted(api):
    trace = new_ref_id()

    created = api("POST", "/audit-logs", json=event(traceId=trace, before={"email": "a@b.example"}))
    found = api("GET", "/audit-logs", params={"traceId": trace}).json()["items"]
    whole = api("GET", f"/audit-logs/{created.json()['refId']}")

    assert created.status_code == 201
    assert [item["refId"] for item in found] == [created.json()["refId"]]
    assert whole.json()["before"] == {"email": "[REDACTED]"}


def test_a_record_is_at_the_location_of_its_answer(api):
    answer = api("POST", "/audit-logs", json=event())

    found = api("GET", str(answer.request.url.join(answer.headers["Location"])))

    assert (found.status_code, found.json()["refId"]) == (200, answer.json()["refId"])


def test_an_event_on_the_bus_is_found_again_and_its_fact_published(api, aws, stack, eventually):
    queue = aws("sqs").create_queue(QueueName="listener")["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = {"Name": "listen", "EventBusName": stack["eventBusName"]}
    pattern = json.dumps({"source": ["chancery"], "detail-type": ["Audit Event Recorded"]})
    aws("events").put_rule(**rule, EventPattern=pattern)
    aws("events").put_targets(Rule="listen", EventBusName=stack["eventBusName"], Targets=[{"Id": "1", "Arn": arn}])
    trace = new_ref_id()
    detail = event(tenantId="acme", traceId=trace, eventId=trace)

    for _ in range(2):
        entry = {"EventBusName": stack["eventBusName"], "Source": "any.source", "DetailType": "Record Audit Event"}
        aws("events").put_events(Entries=[{**entry, "Detail": json.dumps(detail)}])

    (found,) = eventually(lambda: api("GET", f"/traces/{trace}").json()["items"])

    def fact():
        received = aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ())
        details = [json.loads(message["Body"])["detail"] for message in received]
        return next((detail for detail in details if detail["eventId"] == trace), None)

    published = eventually(fact)
    assert published["refId"] == found["refId"]
    assert "before" not in published
    assert "after" not in published
    assert len(api("GET", f"/traces/{trace}").json()["items"]) == 1


def test_a_poison_event_ends_in_the_rejects_queue_redacted(aws, stack, eventually):
    detail = event(tenantId="acme", actorId=None, metadata={"password": "hunter2"})
    entry = {"EventBusName": stack["eventBusName"], "Source": "any", "DetailType": "Record Audit Event"}
    aws("events").put_events(Entries=[{**entry, "Detail": json.dumps(detail)}])
    rejects = resource(aws, "RejectsQueue")

    (message,) = eventually(lambda: aws("sqs").receive_message(QueueUrl=rejects).get("Messages"))

    body = json.loads(message["Body"])
    assert body["reason"]["errors"][0]["pointer"] == "/actorId"
    assert "hunter2" not in message["Body"]


def test_another_tenants_record_does_not_exist(api):
    created = api("POST", "/audit-logs", json=event()).json()["refId"]

    assert api("GET", f"/audit-logs/{created}", "other_tenant_user").status_code == 404
    assert api("GET", f"/audit-logs/{created}", "dm_user").status_code == 200
    assert api("GET", f"/audit-logs/{created}", "dm_user", headers={"X-Tenant-Id": "globex"}).status_code == 404


def test_roles_hold_at_the_edge(api):
    assert api("POST", "/audit-logs", "auditor", json=event()).status_code == 403
    assert api("GET", "/audit-logs", "producer").status_code == 403
    assert api("GET", "/audit-logs", "auditor").status_code == 200


def test_an_expired_a_forged_and_no_token_are_401_with_a_problem(api, oidc_folder):
    issuer = LocalIssuer.load(oidc_folder)
    expired = issuer.mint("user", ["acme"], subject="me", lifetime=timedelta(hours=-1))
    good = issuer.mint("user", ["acme"], subject="me")
    forged = good[:-10] + ("A" * 10 if not good.endswith("A" * 10) else "B" * 10)

    for caller in (expired, forged, "nonsense", None):
        answer = api("GET", "/audit-logs", caller)
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["title"] == "Not authenticated"
        assert answer.json()["instance"]  # API Gateway puts the path there, the emulator leaves it be
    assert api("GET", "/audit-logs", good).status_code == 200


def test_a_body_of_ten_megabytes_is_413(api):
    assert api("POST", "/audit-logs", content=b"x" * 10_000_000).status_code == 413


@pytest.mark.parametrize(
    "content", [b"\xff\xfe{", b'{"actorId": "\xc3\x28"}', b'{"a": "\x00"}', b"[" * 100_000, b"", b"null"]
)
def test_a_body_that_is_no_event_is_422(api, content):
    answer = api("POST", "/audit-logs", content=content)

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_unknown_route_is_404_and_a_wrong_method_405(api):
    assert api("GET", "/nonsense", None).status_code == 404
    refused = api("DELETE", "/audit-logs", None)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, OPTIONS, POST")


def test_health_is_open_and_tells_no_secret(api, stack):
    answer = api("GET", "/health", None)

    assert answer.json() == {"status": "ok", "database": "ok", "bus": "ok", "version": "0.1.0"}


def test_a_function_has_exactly_the_rights_it_needs(aws, as_function, stack):
    as_reader = partial(as_function, "ReadAuditLogs")
    entry = {"EventBusName": stack["eventBusName"], "Source": "chancery", "DetailType": "test", "Detail": "{}"}
    assert as_reader("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    secrets = {item["Name"]: item["ARN"] for item in aws("secretsmanager").list_secrets()["SecretList"]}
    assert as_reader("secretsmanager").get_secret_value(SecretId=secrets["chancery/local/mongodb/reader"])
    for refused in (
        lambda: as_reader("sqs").send_message(QueueUrl=resource(aws, "AuditEventsQueue"), MessageBody="x"),
        lambda: as_reader("secretsmanager").get_secret_value(SecretId=secrets["chancery/local/mongodb/writer"]),
        lambda: as_reader("s3").list_buckets(),
    ):
        with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
            refused()


def chancery(settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("chancery")), *arguments]
    environment = {"PATH": "/usr/bin:/bin", "CHANCERY_LOCAL": str(settings.folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_the_command_line_records_finds_and_exports(settings, running, tmp_path):
    resource_id = new_ref_id()
    target = tmp_path / "export.ndjson"

    recorded = chancery(settings, "record", "--action", "approved", "--resource", f"blog_post/{resource_id}",
                        "--actor", "me", "--json")  # fmt: skip
    found = chancery(settings, "search", "--resource", f"blog_post/{resource_id}", "--json")
    exported = chancery(settings, "export", "--output", str(target), "--resource", f"blog_post/{resource_id}", "--json")

    ref_id = json.loads(recorded.stdout)["refId"]
    assert [json.loads(line)["refId"] for line in found.stdout.splitlines()] == [ref_id]
    assert json.loads(exported.stdout)["records"] == 1, exported.stderr
    assert [json.loads(line)["refId"] for line in target.read_text().splitlines()] == [ref_id]


def test_the_command_line_shows_a_problem_and_its_exit_code(settings, running):
    refused = chancery(settings, "record", "--action", "Bad Action", "--resource", "blog_post/1", "--actor", "me")
    usage = chancery(settings, "record")

    assert (refused.returncode, usage.returncode) == (1, 2)
    assert "/action" in refused.stderr

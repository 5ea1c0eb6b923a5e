"""From a record to a proof that holds without us, on the deployed stack."""

import base64
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from pymongo import MongoClient

from chancery.tlog.merkle import roots_from_consistency
from chancery.tlog.signed_notes import Checkpoint
from chancery.tlog.tiles import WIDTH, tile_at
from tests.builders import event
from tests.e2e.deployed import resource

VERIFIER = Path(__file__).parents[2] / "tools" / "verify_audit.py"


@pytest.fixture(scope="session")
def sealed(api, eventually):
    """Records an event and waits for its proof: the record's refId."""

    def record(caller="user", **changes) -> str:
        ref_id = api("POST", "/audit-logs", caller, json=event(**changes)).json()["refId"]
        eventually(lambda: api("GET", f"/audit-logs/{ref_id}/proof", caller).status_code == 200)
        return ref_id

    return record


def test_a_proof_holds_offline_and_a_changed_record_does_not(api, sealed, tmp_path):
    ref_id = sealed(before={"title": "Why SEO Matters", "ratio": 0.1})
    record, proof, key = tmp_path / "record.json", tmp_path / "record.tlog-proof", tmp_path / "acme.vkey"
    record.write_text(api("GET", f"/audit-logs/{ref_id}").text)
    proof.write_text(api("GET", f"/audit-logs/{ref_id}/proof").text)
    key.write_text(api("GET", "/audit-verifier-key").text)

    def verify() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(VERIFIER), "record", str(record), str(proof), "--key", str(key)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert verify().returncode == 0, verify().stdout
    record.write_text(record.read_text().replace("Why SEO Matters", "Why SEO Mutters"))
    assert verify().returncode == 1
    assert ref_id in verify().stdout


def test_the_checkpoint_is_announced_on_the_bus(aws, stack, sealed, eventually):
    queue = aws("sqs").create_queue(QueueName="witness")["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": ["chancery"], "detail-type": ["Audit Checkpoint Sealed"]})
    aws("events").put_rule(Name="witness", EventBusName=stack["eventBusName"], EventPattern=pattern)
    aws("events").put_targets(Rule="witness", EventBusName=stack["eventBusName"], Targets=[{"Id": "1", "Arn": arn}])

    sealed()

    (message,) = eventually(lambda: aws("sqs").receive_message(QueueUrl=queue).get("Messages"))
    detail = json.loads(message["Body"])["detail"]
    assert Checkpoint.unverified(detail["checkpoint"]).size == detail["size"] > detail["previousSize"]


def test_the_log_only_grows(api, sealed):
    sealed()
    old = Checkpoint.unverified(api("GET", "/audit-checkpoint").text)
    sealed()
    new = Checkpoint.unverified(api("GET", "/audit-checkpoint").text)

    answer = api("GET", "/audit-consistency", params={"from": old.size, "to": new.size}).json()

    path = [base64.b64decode(part) for part in answer["path"]]
    assert old.size < new.size
    assert roots_from_consistency(old.size, new.size, old.root, path) == (old.root, new.root)


def test_a_tile_over_http_is_the_object_under_lock(api, aws, sealed):
    sealed()
    bucket = resource(aws, "LogBucket")
    size = Checkpoint.unverified(api("GET", "/audit-tiles/tenant-acme/checkpoint").text).size
    last = tile_at(0, (size - 1) // WIDTH, size).path
    for path in (last, last.replace("tile/0/", "tile/entries/")):
        answer = api("GET", f"/audit-tiles/tenant-acme/{path}")
        stored = aws("s3").get_object(Bucket=bucket, Key=f"logs/tenant-acme/{path}")

        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.content == stored["Body"].read()
        with pytest.raises(ClientError, match="AccessDenied"):
            aws("s3").delete_object(Bucket=bucket, Key=f"logs/tenant-acme/{path}", VersionId=stored["VersionId"])


def test_the_proving_function_can_neither_write_a_log_nor_sign(aws, as_function):
    as_prover = partial(as_function, "ProveAuditLogs")
    bucket, key = resource(aws, "LogBucket"), resource(aws, "SigningKey")
    assert as_prover("kms").get_public_key(KeyId=key)["PublicKey"]
    for refused in (
        lambda: as_prover("s3").put_object(Bucket=bucket, Key="logs/tenant-acme/checkpoint", Body=b""),
        lambda: as_prover("kms").sign(KeyId=key, Message=b"x", MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"),
    ):
        with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
            refused()


def test_the_deployed_self_audit_finds_an_edited_record(aws, stack, sealed):
    ref_id = sealed("super_admin", tenantId="edited")
    function = resource(aws, "CheckAuditIntegrity")

    def findings() -> int:
        return json.loads(aws("lambda").invoke(FunctionName=function, Payload=b"{}")["Payload"].read())["findings"]

    with MongoClient(stack["mongodb"]["admin"]) as admin:
        records = admin.chancery.audit_logs
        known = records.find_one({"refId": ref_id})
        assert findings() == 0
        records.update_one({"refId": ref_id}, {"$set": {"actorId": "somebody-else"}})
        assert findings() == 1
        records.replace_one({"refId": ref_id}, known)
        assert findings() == 0

"""Contracts on the deployed stack: issued, locked, downloaded, recognised, and proved without it."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.contracts import ALL, text_of, values
from tests.e2e.deployed import resource

CHANCERY = Path(sys.executable).with_name("chancery")


@pytest.fixture(scope="module")
def contract(api):
    """A contract of acme's, issued by its portal."""
    body = {"values": values(tenantName="株式会社日本橋さくら商事 #import *b* {{plan}}")}
    answer = api("POST", "/contracts", "dm_user", json=body, headers={"Idempotency-Key": "e2e"})
    assert answer.status_code == 201, answer.text
    again = api("POST", "/contracts", "dm_user", json=body, headers={"Idempotency-Key": "e2e"})
    assert again.json() == answer.json()
    return answer.json()


@pytest.fixture(scope="module")
def pdf(api, contract) -> bytes:
    """Its file, by the link that the API gives."""
    answer = api("GET", f"/contracts/{contract['refId']}/pdf")
    assert answer.status_code == 303, answer.text
    downloaded = httpx.get(answer.headers["location"], timeout=30)
    assert downloaded.status_code == 200
    return downloaded.content


def test_the_stored_file_is_the_issued_one(contract, pdf):
    assert sha256(pdf).hexdigest() == contract["sha256"]
    assert "株式会社日本橋さくら商事 #import *b* {{plan}}" in text_of(pdf)


def test_the_file_cannot_be_deleted(aws, contract):
    bucket, s3 = resource(aws, "ContractBucket"), aws("s3")
    (version,) = s3.list_object_versions(Bucket=bucket, Prefix=contract["key"])["Versions"]

    retention = s3.get_object_retention(Bucket=bucket, Key=contract["key"], VersionId=version["VersionId"])["Retention"]
    assert retention["Mode"] == "COMPLIANCE"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=contract["key"], VersionId=version["VersionId"])


def test_the_file_is_recognised_and_its_proof_holds_without_the_stack(api, contract, pdf, eventually, tmp_path):
    def sealed():
        verdict = api("POST", "/contracts/verify", json={"sha256": sha256(pdf).hexdigest()}).json()
        return verdict if verdict["proof"] else None

    verdict = eventually(sealed)
    (tmp_path / "record.json").write_text(json.dumps(verdict["record"]))
    (tmp_path / "record.tlog-proof").write_text(verdict["proof"])
    (tmp_path / "acme.vkey").write_text(api("GET", "/audit-verifier-key").text)
    files = [str(tmp_path / name) for name in ("record.json", "record.tlog-proof")]
    checked = subprocess.run(
        [str(CHANCERY), "verify", "record", *files, "--key", str(tmp_path / "acme.vkey")],
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert verdict["contract"] == contract
    assert verdict["record"]["metadata"]["sha256"] == contract["sha256"]


def test_another_tenant_knows_nothing_of_it(api, contract):
    other = "other_tenant_user"

    assert api("POST", "/contracts/verify", other, json={"sha256": contract["sha256"]}).json() == {"known": False}
    for path in ("", "/pdf"):
        assert api("GET", f"/contracts/{contract['refId']}{path}", other).status_code == 404


def test_the_download_is_in_the_audit_trail(api, contract, pdf, eventually):
    query = {"action": "contract.downloaded", "resourceId": contract["refId"]}

    assert eventually(lambda: api("GET", "/audit-logs", params=query).json()["items"])


def test_every_tenant_of_the_demo_has_a_contract(api):
    for caller in ("user", "other_tenant_user"):
        items = api("GET", "/contracts", caller, params={"template": "service-agreement"}).json()["items"]
        assert items


def test_a_template_is_published_and_used_and_a_wrong_one_refused(api):
    body = {"name": "e2e-letter", "version": "v1.0", "title": "Letter", "format": "markdown", "source": f"# L\n\n{ALL}"}
    wrong = {**body, "version": "v1.1", "source": "{{tenantName}} {{nobody}}"}

    assert api("POST", "/contract-templates", "super_admin", json=body).status_code == 201
    refused = api("POST", "/contract-templates", "super_admin", json=wrong)
    used = api("POST", "/contracts", "dm_user", json={"template": "e2e-letter", "values": values()})

    assert refused.status_code == 422
    assert len(refused.json()["errors"]) == 6
    assert (used.status_code, used.json()["pages"]) == (201, 1)


def test_a_template_reaches_nothing(api):
    body = {"name": "e2e-bad", "version": "v1.0", "title": "Bad", "format": "typst"}
    for line, reason in (('#read("/etc/passwd")', "reads a file"), ('#import "@preview/a:1.0.0"', "imports a package")):
        answer = api("POST", "/contract-templates", "super_admin", json={**body, "source": f"{ALL}\n{line}"})
        assert answer.status_code == 422
        assert reason in answer.json()["errors"][0]["detail"]

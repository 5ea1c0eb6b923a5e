"""A month of the demo from MongoDB to Glacier and back, on the deployed stack, and checked without it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard
from botocore.exceptions import ClientError

from tests.e2e.deployed import resource

TOOL = Path(__file__).parents[2] / "tools" / "verify_audit.py"
REFUSED = r"AccessDenied|not authorized"
CHANCERY = Path(sys.executable).with_name("chancery")


@pytest.fixture(scope="module")
def archived(api, eventually) -> dict[str, Any]:
    """A month of acme's that is in the archive."""
    begun = api("POST", "/archives/runs", "super_admin", json={})
    assert begun.status_code == 202, begun.text

    def month() -> dict[str, Any] | None:
        listed = api("GET", "/archives", "super_admin", params={"tenantId": "acme", "limit": 500}).json()["items"]
        found = [item for item in listed if item["state"] == "archived" and not item["supplement"]]
        return found[0] if found else None

    return eventually(month)


@pytest.fixture(scope="module")
def restored(api, archived, eventually) -> dict[str, Any]:
    """The same month, restored."""
    asked = api("POST", f"/archives/{archived['id']}/restore", "super_admin", json={"tier": "Standard", "days": 2})
    assert (asked.status_code, asked.json()["restore"]["state"]) == (202, "requested")

    def there() -> dict[str, Any] | None:
        found = api("GET", f"/archives/{archived['id']}", "super_admin").json()
        restore = found["restore"]
        assert restore["state"] in ("requested", "checking", "loading", "restored"), restore["error"]
        return found if restore["state"] == "restored" else None

    return eventually(there)


@pytest.fixture(scope="module")
def files(aws, restored, tmp_path_factory) -> dict[str, Path]:
    """The month's objects, downloaded."""
    folder, stem = tmp_path_factory.mktemp("archive"), restored["key"].removesuffix(".ndjson.zst")
    found = {}
    for name in ("ndjson.zst", "manifest.json", "proof", "index.json"):
        body = aws("s3").get_object(Bucket=resource(aws, "ArchiveBucket"), Key=f"{stem}.{name}")["Body"].read()
        found[name] = folder / f"000.{name}"
        found[name].write_bytes(body)
    return found


@pytest.fixture(scope="module")
def key(api, files) -> Path:
    path = files["proof"].with_name("acme.vkey")
    path.write_text(api("GET", "/audit-verifier-key", params={"tenantId": "acme"}).text)
    return path


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120)


def test_a_restored_month_is_found_and_equals_the_live_records(api, restored):
    month = restored["month"]
    period = {"from": f"{month}-01T00:00:00Z", "to": restored["last"]["createdOn"], "limit": 500}

    back = api("GET", "/audit-logs", params={"source": "restored", **period}).json()["items"]
    live = api("GET", "/audit-logs", params=period).json()["items"]

    assert back == live
    assert len(back) == restored["records"] - 1 > 0  # `to` is the moment of the last one
    for record in back:
        path = f"/audit-logs/{record['refId']}"
        assert api("GET", path, params={"source": "restored"}).json() == api("GET", path).json()
    assert api("GET", "/audit-logs", "other_tenant_user", params={"source": "restored"}).json()["items"] == []


def test_the_month_is_located_by_its_content(api, restored):
    (record, *_) = api("GET", "/audit-logs", params={"source": "restored"}).json()["items"]
    wanted = {"actorId": record["actorId"], "resourceId": record["resourceId"], "action": record["action"]}

    items = api("GET", "/archives/locate", "super_admin", params=wanted).json()["items"]
    nothing = api("GET", "/archives/locate", "super_admin", params={"actorId": "nobody-at-all"}).json()["items"]

    assert restored["id"] in {item["id"] for item in items}
    assert nothing == []
    assert api("GET", "/archives/locate", "user", params=wanted).status_code == 403


def test_the_file_holds_offline_with_the_command_line_and_the_auditors_tool(files, key):
    text = zstandard.ZstdDecompressor().stream_reader(files["ndjson.zst"].read_bytes(), read_across_frames=True).read()
    plain = files["ndjson.zst"].with_suffix("")
    plain.write_bytes(text)
    proven = ("--proof", files["proof"], "--key", key)

    ours = run(CHANCERY, "archive", "verify", files["ndjson.zst"], files["manifest.json"], *proven, "--json")
    theirs = run(sys.executable, TOOL, "archive", plain, *proven)

    assert ours.returncode == 0, ours.stderr
    assert json.loads(ours.stdout)["records"] == text.count(b"\n")
    assert theirs.returncode == 0, theirs.stdout
    plain.write_bytes(text.replace(b"sarah-acme", b"somebody", 1))
    assert run(sys.executable, TOOL, "archive", plain, *proven).returncode == 1


def test_the_month_is_in_glacier_and_all_of_its_files_are_locked(aws, restored):
    """The emulator locks no object of a multipart upload, as the file is; the manifest is one PUT."""
    bucket, s3 = resource(aws, "ArchiveBucket"), aws("s3")
    head = s3.head_object(Bucket=bucket, Key=restored["key"])
    manifest = restored["key"].replace("ndjson.zst", "manifest.json")
    version = s3.head_object(Bucket=bucket, Key=manifest)["VersionId"]

    assert head["StorageClass"] == restored["storageClass"]
    assert 'ongoing-request="false"' in head["Restore"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=manifest, VersionId=version)


def test_the_archiver_can_neither_delete_nor_shorten_a_lock(aws, as_function, restored):
    bucket, key, s3 = resource(aws, "ArchiveBucket"), restored["key"], as_function("ArchiveAuditLogs", "s3")

    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == restored["bytes"]
    refused_to_unlock(s3, bucket, key)


@pytest.mark.parametrize("function", ["CompleteRestores", "ManageArchives", "PlanArchives"])
def test_no_other_function_can_write_either(aws, as_function, restored, function):
    bucket, key, s3 = resource(aws, "ArchiveBucket"), restored["key"], as_function(function, "s3")

    if function == "CompleteRestores":
        assert s3.get_object(Bucket=bucket, Key=key)["ContentLength"] == restored["bytes"]
    refused_to_unlock(s3, bucket, key)
    with pytest.raises(ClientError, match=REFUSED):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")


def refused_to_unlock(s3, bucket: str, key: str) -> None:
    """Actions that delete a locked object or its lock, or let its key be written again."""
    version = {"VersionId": "null"}
    soon = {"Mode": "GOVERNANCE", "RetainUntilDate": "2027-01-01T00:00:00Z"}
    of_object = {"Bucket": bucket, "Key": key}
    for refused in (
        lambda: s3.delete_object(**of_object),
        lambda: s3.delete_object(**of_object, **version),
        lambda: s3.delete_object(**of_object, **version, BypassGovernanceRetention=True),
        lambda: s3.put_object_retention(**of_object, Retention=soon),
        lambda: s3.put_object_legal_hold(**of_object, LegalHold={"Status": "OFF"}),
        lambda: s3.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
        ),
        lambda: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
        lambda: s3.put_bucket_lifecycle_configuration(
            Bucket=bucket,
            LifecycleConfiguration={
                "Rules": [{"ID": "all", "Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}}]
            },
        ),
    ):
        with pytest.raises(ClientError, match=REFUSED):
            refused()


def test_a_second_restore_extends_the_expiry(api, restored, eventually):
    asked = api("POST", f"/archives/{restored['id']}/restore", "super_admin", json={"tier": "Bulk", "days": 9})
    assert asked.status_code == 202

    def longer() -> bool:
        restore = api("GET", f"/archives/{restored['id']}", "super_admin").json()["restore"]
        return restore["state"] == "restored" and restore["expiresOn"] > restored["restore"]["expiresOn"]

    assert eventually(longer)

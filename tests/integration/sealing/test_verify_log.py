"""`chancery verify log --database`: the published log compared with the records in MongoDB."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chancery.cli import database_audit as stored
from chancery.cli.errors import Unreachable, UsageError
from chancery.cli.main import app
from chancery.core.formats.times import now
from chancery.sealing.models import log_name
from local.ports import free_port
from tests.builders import record, writer
from tests.integration.sealing.conftest import BUCKET
from tests.sealed import again_sealed

Verify = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def publish(make_sealer, s3, tmp_path) -> Callable[..., str]:
    """Seals a tenant's records and copies its log from S3, as an auditor would: the folder."""

    def copy(tenant_id: str | None = "acme") -> str:
        make_sealer().seal(tenant_id)
        prefix = f"logs/{log_name(tenant_id)}/"
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
            for item in page["Contents"]:
                path = tmp_path / "logs" / item["Key"].removeprefix(prefix)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read())
        return str(tmp_path / "logs")

    return copy


@pytest.fixture
def verify(mongod, key, tmp_path) -> Verify:
    """Exit code and answer of the command, with the database as a reader."""

    def run(*more: str, tenant_id: str | None = "acme", uri: str | None = None) -> tuple[int, dict[str, Any]]:
        command = ["verify", "log", "--key", str(key.verifier(log_name(tenant_id))), "--tiles", str(tmp_path / "logs")]
        database = ["--database", uri or mongod.uri("reader"), "--database-name", mongod.database]
        done = CliRunner().invoke(app, [*command, *database, "--json", *more])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, json.loads(done.stdout)

    return run


def test_a_log_and_its_records_agree(insert, publish, verify, tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "_PAGE", 100)
    insert(count=300)
    publish()
    older = Path(tmp_path, "kept")
    older.write_text(Path(tmp_path, "logs", "checkpoint").read_text())
    insert(count=250, metadata={"at": 1_700_000_000_000, "share": 0.1, "none": None, "big": [2**53 - 1, -(2**40)]})
    insert("globex", 5)
    publish()

    code, found = verify("--since", str(older))

    assert (code, found["size"], found["since"], found["notYetSealed"]) == (0, 550, 300, 0)


@pytest.mark.parametrize("tenant_id", [None, "Björn & Söhne"])
def test_the_platforms_log_and_one_whose_name_is_a_hash(insert, publish, verify, tenant_id):
    insert(tenant_id, 3)
    insert(count=2)
    publish(tenant_id)

    named = [] if tenant_id is None else ["--tenant", tenant_id]
    assert verify(*named, tenant_id=tenant_id)[1]["size"] == 3


def test_a_record_that_was_deleted_is_named(insert, publish, verify, connect):
    ref_ids = insert(count=300)
    publish()
    connect("admin").audit_logs.delete_many({"refId": {"$in": [ref_ids[270], ref_ids[290]]}})

    code, found = verify()

    place = {"file": None, "line": None, "index": 270, "refId": ref_ids[270]}
    assert (code, found) == (1, {"holds": False, **place, "what": "the sealed record is gone"})


@pytest.mark.parametrize(
    "change",
    [
        {"$set": {"actorId": "somebody"}},
        {"$set": {"note": "x"}},
        {"$unset": {"description": ""}},
        {"$unset": {"salts.before": ""}},
        {"$set": {"createdOn": "2026-03-01T12:00:00.000Z"}},
        {"$set": {"tenantId": "globex"}},
    ],
    ids=str,
)
def test_a_record_that_was_edited_is_named(insert, publish, verify, connect, change):
    ref_ids = insert(count=10)
    publish()
    connect("admin").audit_logs.update_one({"refId": ref_ids[4]}, change, bypass_document_validation=True)

    code, found = verify()

    assert (code, found["index"], found["refId"]) == (1, 4, ref_ids[4])


def test_a_record_that_was_edited_consistently_is_named(insert, publish, verify, connect):
    ref_ids = insert(count=10)
    publish()
    logs = connect("admin").audit_logs
    edited = again_sealed(logs.find_one({"refId": ref_ids[4]}) | {"actorId": "somebody"})
    logs.replace_one({"refId": ref_ids[4]}, edited)

    assert verify()[1]["what"] == "the record is not the one that was sealed"


def test_a_record_that_got_round_the_outbox_is_named(insert, publish, verify, connect):
    insert(count=300)
    publish()
    late = now() - timedelta(hours=1)
    smuggled = [again_sealed(record() | {"recordedOn": late}) for _ in range(3)]
    connect("writer").audit_logs.insert_many(smuggled)

    code, found = verify()

    assert (code, found["what"]) == (1, "the record has no leaf in the log")
    assert found["refId"] == min(item["refId"] for item in smuggled)


def test_records_that_wait_or_were_sealed_later_are_counted(insert, publish, verify, connect, make_sealer, mongod):
    insert(count=3)
    publish()
    late = now() - timedelta(hours=1)

    def slow(count: int) -> None:  # of a transaction that took long: recorded before the last leaf, stored after it
        writer(connect("writer")).insert([again_sealed(record() | {"recordedOn": late}) for _ in range(count)])

    slow(1)
    make_sealer().seal("acme")
    slow(2)

    assert verify() == (0, verify()[1] | {"size": 3, "notYetSealed": 3})
    code, found = verify(uri=mongod.uri("writer"))  # a user without the right to read the outbox
    assert (code, found["what"]) == (1, "the record has no leaf in the log")


def test_an_unavailable_or_refusing_database_is_no_finding(insert, publish, verify, mongod, monkeypatch):
    monkeypatch.setattr(stored, "_TIMEOUT_MS", 500)
    insert()
    publish()

    with pytest.raises(Unreachable):
        verify(uri=f"mongodb://127.0.0.1:{free_port()}")
    with pytest.raises(UsageError, match="may read audit_logs"):
        verify(uri=f"mongodb://127.0.0.1:{mongod.port}/?replicaSet=rs0")

"""Proofs through the real handler: they verify with nothing but the verifier key."""

import base64

import orjson
import pytest

from chancery.core.aws import clients as aws
from chancery.core.formats.identifiers import new_ref_id
from chancery.sealing.signing import LogKey
from chancery.tlog.merkle import leaf_hash, root_from_inclusion, roots_from_consistency
from chancery.tlog.signed_notes import Checkpoint, Proof, VerifierKey, open_checkpoint
from chancery.tlog.tiles import unbundle
from tests.builders import http, principal, sequence
from tests.integration.sealing.conftest import BUCKET, ORIGIN


@pytest.fixture
def get(call, s3, kms, monkeypatch):
    """GET to the function that proves."""
    monkeypatch.setenv("CHANCERY_LOG_BUCKET", BUCKET)
    monkeypatch.setenv("CHANCERY_LOG_ORIGIN", ORIGIN)
    monkeypatch.setenv("CHANCERY_SIGNING_KEY", "key")
    monkeypatch.setattr(LogKey, "_kms", kms)
    aws.client.cache_clear()

    def send(path, role="user", query=None, accept="*/*", **caller):
        headers = {"Accept": accept} if accept else {}
        request = http("GET", path, caller=principal(role, **caller), query=query, headers=headers)
        return call("prove_audit_logs", request, "reader")

    yield send
    aws.client.cache_clear()


@pytest.fixture
def vkey(get) -> VerifierKey:
    return VerifierKey.parse(get("/v1/audit-verifier-key")[1])


def decoded(hashes: list[str]) -> list[bytes]:
    return [base64.b64decode(part) for part in hashes]


def test_a_proof_leads_from_the_record_to_the_signed_checkpoint(get, insert, make_sealer, vkey, key, connect):
    stored = insert(count=300)
    make_sealer().seal("acme")

    for ref_id in (stored[0], stored[255], stored[299]):
        status, text, headers = get(f"/v1/audit-logs/{ref_id}/proof")
        as_json = get(f"/v1/audit-logs/{ref_id}/proof", accept="application/json")[1]
        proof = Proof.parse(text)
        head = open_checkpoint(proof.checkpoint, vkey, key.verify)
        leaf = base64.b64decode(as_json["leaf"])

        assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert text.startswith("c2sp.org/tlog-proof@v1\nindex ")
        assert proof.index == stored.index(ref_id)
        assert root_from_inclusion(proof.index, head.size, leaf_hash(leaf), proof.path) == head.root
        assert orjson.loads(leaf)["refId"] == ref_id
        assert orjson.loads(leaf)["digest"] == connect("reader").audit_logs.find_one({"refId": ref_id})["digest"]
        assert as_json.keys() == {"index", "size", "leaf", "path", "checkpoint"}
        assert (as_json["index"], as_json["size"]) == (proof.index, 300)
        assert (decoded(as_json["path"]), as_json["checkpoint"]) == (list(proof.path), proof.checkpoint)


def test_a_record_that_waits_is_not_yet_sealed(get, insert, make_sealer):
    insert()
    make_sealer().seal("acme")
    (waiting,) = insert()

    status, problem, headers = get(f"/v1/audit-logs/{waiting}/proof")

    assert (status, problem["type"], headers["Retry-After"]) == (404, "not-yet-sealed", "1")


def test_a_leaf_that_is_sequenced_and_not_published_is_not_yet_sealed(get, insert, connect):
    (ref_id,) = insert()
    sequence(connect("sealer"), "acme")

    assert get(f"/v1/audit-logs/{ref_id}/proof")[1]["type"] == "not-yet-sealed"
    assert get("/v1/audit-checkpoint")[1]["type"] == "not-yet-sealed"


def test_the_proof_of_another_tenants_or_an_unknown_record_is_404(get, insert, make_sealer):
    (theirs,) = insert("globex")
    make_sealer().seal("globex")

    for path in (f"/v1/audit-logs/{theirs}/proof", f"/v1/audit-logs/{new_ref_id()}/proof"):
        status, problem, _ = get(path)
        assert (status, problem["type"]) == (404, "about:blank")
    assert get("/v1/audit-checkpoint", query={"tenantId": "globex"})[0] == 404
    assert get("/v1/audit-tiles/tenant-globex/checkpoint")[0] == 404


def test_a_producer_may_prove_nothing(get, insert, make_sealer):
    (ref_id,) = insert()
    make_sealer().seal("acme")

    for path in (
        f"/v1/audit-logs/{ref_id}/proof",
        "/v1/audit-checkpoint",
        "/v1/audit-consistency",
        "/v1/audit-verifier-key",
        "/v1/audit-tiles/tenant-acme/checkpoint",
    ):
        assert get(path, "producer")[0] == 403


def test_a_super_admin_proves_any_tenants_record_and_the_crossing_is_audited(get, insert, make_sealer, bus):
    (theirs,), (ours,) = insert("globex"), insert(None)
    make_sealer().seal("globex")
    make_sealer().seal(None)

    assert get(f"/v1/audit-logs/{theirs}/proof", "super_admin", tenants=())[0] == 200
    assert get(f"/v1/audit-logs/{ours}/proof", "super_admin", tenants=())[0] == 200
    assert "/platform\n" in get("/v1/audit-checkpoint", "super_admin", tenants=())[1]
    assert [event["resourceId"] for event in bus.of("Record Audit Event")] == ["globex"]


def test_an_auditors_proofs_and_walks_are_audited_but_for_the_hashes(get, insert, make_sealer, bus):
    (ref_id,) = insert()
    make_sealer().seal("acme")

    get(f"/v1/audit-logs/{ref_id}/proof", "auditor")
    for path in ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"):
        assert get(f"/v1/audit-tiles/tenant-acme/{path}", "auditor")[0] == 200

    seen = [(event["action"], event["resourceId"]) for event in bus.of("Record Audit Event")]
    assert seen == [
        ("audit_log.proved", ref_id),
        ("audit_checkpoint.viewed", "tenant-acme"),
        ("audit_log.walked", "tenant-acme/tile/entries/000.p/1"),
    ]


def test_a_consistency_proof_shows_that_a_log_has_only_grown(get, insert, make_sealer):
    notes = []
    for count in (5, 3, 300, 1):
        insert(count=count)
        make_sealer().seal("acme")
        notes.append(Checkpoint.unverified(get("/v1/audit-checkpoint")[1]))
    newest = notes[-1]

    for old in notes:
        for new in notes:
            if old.size <= new.size:
                query = {"from": str(old.size)} | ({} if new is newest else {"to": str(new.size)})
                answer = get("/v1/audit-consistency", query=query)[1]
                roots = roots_from_consistency(old.size, new.size, old.root, decoded(answer["path"]))
                assert (answer["from"], answer["to"]) == (old.size, new.size)
                assert roots == (old.root, new.root)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({}, "/from"),
        ({"from": "0"}, "/from"),
        ({"from": "x"}, "/from"),
        ({"from": "3", "to": "2"}, "/from"),
        ({"from": "1", "to": "7"}, "/to"),
        ({"from": "99999999999999999999"}, "/from"),
    ],
)
def test_an_impossible_consistency_is_422_with_its_reason(get, insert, make_sealer, query, pointer):
    insert(count=3)
    make_sealer().seal("acme")

    status, problem, _ = get("/v1/audit-consistency", query=query)

    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)


def test_the_log_is_walked_from_its_checkpoint_alone(get, insert, make_sealer, vkey, key):
    stored = insert(count=257)
    make_sealer().seal("acme")
    prefix = "/v1/audit-tiles/tenant-acme"

    def file(path: str) -> bytes:
        status, body, headers = get(f"{prefix}/{path}")
        assert (status, headers["Content-Type"]) == (200, "application/octet-stream")
        assert "immutable" in headers["Cache-Control"]
        return base64.b64decode(body)

    note = get(f"{prefix}/checkpoint")[1]
    entries = unbundle(file("tile/entries/000")) + unbundle(file("tile/entries/001.p/1"))

    assert open_checkpoint(note, vkey, key.verify).size == 257
    assert [orjson.loads(entry)["refId"] for entry in entries] == stored
    assert b"".join(map(leaf_hash, entries)) == file("tile/0/000") + file("tile/0/001.p/1")
    assert len(file("tile/1/000.p/1")) == 32


def test_a_client_that_names_no_media_type_is_sent_to_the_bucket(get, insert, make_sealer):
    insert()
    make_sealer().seal("acme")

    status, _, headers = get("/v1/audit-tiles/tenant-acme/tile/0/000.p/1", accept=None)

    assert status == 307
    assert "/logs/tenant-acme/tile/0/000.p/1?" in headers["Location"]
    assert get("/v1/audit-tiles/tenant-acme/checkpoint", accept=None)[0] == 200
    assert get("/v1/audit-tiles/tenant-acme/tile/0/001", accept=None)[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "tenant-acme/tile/0/001",
        "tenant-acme/tile/64/000",
        "tenant-acme/tile/0/../../witness/tenant-acme/1",
        "tenant-acme/",
        "tenant-acme/checkpoint/",
        "tenant-nobody/checkpoint",
        "platform/checkpoint",
    ],
)
def test_a_file_that_no_log_has_is_404(get, insert, make_sealer, path):
    insert()
    make_sealer().seal("acme")

    status, problem, _ = get(f"/v1/audit-tiles/{path}")

    assert (status, problem["title"]) == (404, "Not found")


def test_a_tenant_named_null_does_not_read_the_platforms_log(get, insert, make_sealer):
    insert(None)
    make_sealer().seal(None)

    assert get("/v1/audit-tiles/platform/checkpoint", tenants=("null",))[0] == 404


def test_known_and_unknown_tenants_have_the_same_404(get, insert, make_sealer):
    insert("globex")
    make_sealer().seal("globex")

    known, unknown = (get(f"/v1/audit-tiles/tenant-{name}/checkpoint")[1] for name in ("globex", "nobody"))

    assert {**known, "instance": None} == {**unknown, "instance": None}


def test_a_tile_that_is_gone_is_503_and_no_crash(get, insert, make_sealer, s3):
    stored = insert(count=3)
    make_sealer().seal("acme")
    s3.delete_object(Bucket=BUCKET, Key="logs/tenant-acme/tile/0/000.p/3")

    for path in (f"/v1/audit-logs/{stored[0]}/proof", "/v1/audit-consistency?from=2"):
        path, _, query = path.partition("?")
        status, _, headers = get(path, query=dict([query.split("=")]) if query else None)
        assert (status, headers["Retry-After"]) == (503, "5")

"""Reads of contracts, links to their PDFs, and the lookup of a file."""

from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from chancery.cli.verification import verify_record
from tests.builders import http, principal
from tests.contracts import values

VERIFY = "/v1/contracts/verify"


def test_lists_hold_no_values_and_one_contract_does(issue, send):
    contract = issue()[1]

    page = send("GET", "/v1/contracts", role="user")[1]

    assert [item["refId"] for item in page["items"]] == [contract["refId"]]
    assert "values" not in page["items"][0]
    assert send("GET", f"/v1/contracts/{contract['refId']}", role="user")[1] == contract


def test_lists_are_narrowed_and_paged(issue, send):
    ids = [issue()[1]["refId"] for _ in range(3)]

    first = send("GET", "/v1/contracts", role="user", query={"limit": "2", "fields": "sha256"})[1]
    second = send(
        "GET", "/v1/contracts", role="user", query={"limit": "2", "fields": "sha256", "cursor": first["nextCursor"]}
    )[1]

    assert [item["refId"] for item in (*first["items"], *second["items"])] == ids[::-1]
    assert set(first["items"][0]) == {"refId", "sha256"}
    assert second["nextCursor"] is None
    assert send("GET", "/v1/contracts", role="user", query={"template": "nda"})[1]["items"] == []


@pytest.mark.parametrize("path", ["", "/pdf"])
def test_another_tenant_s_contract_is_not_found(issue, send, path):
    contract = issue()[1]

    assert send("GET", f"/v1/contracts/{contract['refId']}{path}", role="user", tenants=("globex",))[0] == 404
    assert send("GET", "/v1/contracts", role="user", tenants=("globex",))[1]["items"] == []


@pytest.mark.parametrize("path", ["/v1/contracts", "/v1/contracts/X", "/v1/contracts/X/pdf"])
def test_producers_do_not_read(send, path):
    assert send("GET", path, role="producer")[0] == 403


def test_the_pdf_is_a_link_and_always_audited(issue, send, bus):
    contract = issue()[1]
    bus.published.clear()

    status, _, headers = send("GET", f"/v1/contracts/{contract['refId']}/pdf", role="user")

    link = urlsplit(headers["Location"])
    assert status == 303
    assert contract["sha256"] in link.path
    assert parse_qs(link.query)["response-content-disposition"] == [
        f'attachment; filename="service-agreement-{contract["refId"]}.pdf"'
    ]
    ((_, event),) = bus.published
    assert (event["action"], event["resourceId"]) == ("contract.downloaded", contract["refId"])
    assert event["metadata"] == {"sha256": contract["sha256"]}
    bus.unavailable = True
    assert send("GET", f"/v1/contracts/{contract['refId']}/pdf", role="user")[0] == 503


def test_an_auditor_reads_and_is_audited(issue, send, bus):
    contract = issue()[1]
    bus.published.clear()

    for path in ("", f"/{contract['refId']}", f"/{contract['refId']}/pdf"):
        assert send("GET", f"/v1/contracts{path}", role="auditor")[0] in (200, 303)
    assert send("POST", VERIFY, {"sha256": contract["sha256"]}, "auditor")[0] == 200

    actions = [event["action"] for _, event in bus.published]
    assert actions[:2] == ["contract.listed", "contract.viewed"]
    assert actions[3:5] == ["contract.downloaded", "contract.verified"]


def test_an_issued_file_is_found_with_a_self_contained_proof(issue, send, seal, key):
    contract = issue()[1]
    body = {"sha256": contract["sha256"]}
    unsealed = send("POST", VERIFY, body, "user")[1]
    assert (unsealed["known"], unsealed["proof"]) == (True, None)
    seal()

    status, verdict, _ = send("POST", VERIFY, body, "user")

    assert status == 200
    assert verdict["contract"] == contract
    assert verdict["record"]["metadata"]["sha256"] == contract["sha256"]
    assert verdict["record"]["action"] == "contract.issued"
    sealed = verify_record(orjson.dumps(verdict["record"]), verdict["proof"].encode(), key.verifier("tenant-acme"))
    assert sealed.ref_id == contract["auditRefId"]
    assert verdict["proofUrl"] == f"/v1/audit-logs/{contract['auditRefId']}/proof"


def test_an_unknown_file_and_another_tenants_file_have_the_same_answer(issue, send, seal):
    contract = issue()[1]
    seal()

    unknown = send("POST", VERIFY, {"sha256": "0" * 64}, "user")
    foreign = send("POST", VERIFY, {"sha256": contract["sha256"]}, "user", tenants=("globex",))

    assert unknown[:2] == foreign[:2] == (200, {"known": False})


def test_an_administrator_knows_every_tenant_s_and_the_crossing_is_audited(issue, send, seal, bus):
    contract = issue()[1]
    seal()
    bus.published.clear()

    verdict = send("POST", VERIFY, {"sha256": contract["sha256"]}, "super_admin", tenants=())[1]

    assert verdict["contract"]["tenantId"] == "acme"
    assert verdict["proof"]
    assert {event["action"] for _, event in bus.published} == {"tenant.crossed"}


@pytest.mark.parametrize("digest", ["", "xyz", "A" * 64, None, 7])
def test_an_invalid_digest_is_refused(send, digest):
    status, body, _ = send("POST", VERIFY, {"sha256": digest}, "user")

    assert status == 422
    assert body["errors"][0]["pointer"] == "/sha256"


def test_producers_do_not_verify(send):
    assert send("POST", VERIFY, {"sha256": "0" * 64}, "producer")[0] == 403


def test_contracts_are_found_by_their_trace(issue, send, call, s3):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    contract = send("POST", "/v1/contracts", {"values": values()}, headers=headers)[1]

    found = call("read_traces", http("GET", f"/v1/traces/{trace}", caller=principal("user")), "reader")[1]["items"]

    assert {(item["kind"], item["refId"]) for item in found} == {
        ("contract", contract["refId"]),
        ("audit_log", contract["auditRefId"]),
    }

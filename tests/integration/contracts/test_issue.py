"""Issuing contracts: stored, sealed, the same again, and refused with reasons."""

import io
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pikepdf
import pytest
from pymongo.errors import OperationFailure

from chancery.contracts.renderer import Renderer, RenderError
from chancery.contracts.routes import ISSUE
from chancery.core.aws.objects import Objects
from chancery.core.errors import Unavailable
from chancery.wiring import contracts as bootstrap
from tests.builders import handle, http, principal
from tests.contracts import ALL, text_of, values
from tests.integration.contracts.conftest import BUCKET


def stored(s3, contract):
    return s3.get_object(Bucket=BUCKET, Key=contract["key"])["Body"].read()


def errors(body):
    return {error["pointer"]: error["detail"] for error in body["errors"]}


def test_a_contract_is_stored_and_audited_with_its_digest(issue, s3, connect, audited):
    status, contract, headers = issue()

    pdf = stored(s3, contract)
    assert status == 201
    assert headers["Location"] == f"../v1/contracts/{contract['refId']}"
    assert contract["sha256"] == sha256(pdf).hexdigest()
    assert (contract["bytes"], contract["pages"], contract["tenantId"]) == (len(pdf), 5, "acme")
    assert contract["values"] == values()
    assert "Northwind Traders Ltd." in text_of(pdf) and contract["refId"] in text_of(pdf)
    (record,) = audited("contract.issued")
    assert record["refId"] == contract["auditRefId"]
    assert record["metadata"]["sha256"] == contract["sha256"]
    assert record["metadata"]["templateSha256"] == contract["templateSha256"]
    assert record["resourceId"] == contract["refId"]
    (entry,) = connect("admin").audit_outbox.find()
    assert record["refId"] in str(entry)


def test_defaults_fill_in_missing_values(issue):
    given = {name: value for name, value in values().items() if name not in ("generatedDate", "platformName")}

    contract = issue(given=given)[1]

    assert contract["values"]["platformName"] == "DM Agency Platform"
    assert contract["values"]["generatedDate"] == contract["createdOn"][:10]


@pytest.mark.parametrize("char", ["\0", "\x07", "\n", "\x85", "\u2028"])
@pytest.mark.parametrize("name", ["tenantName", "platformName", "plan"])
def test_a_control_character_in_a_value_is_a_space_in_pdf_and_audit_record(issue, s3, audited, name, char):
    status, contract, _ = issue(given=values(**{name: f"North{char}wind"}))

    assert (status, contract["values"][name]) == (201, f"North{char}wind")
    assert "North wind" in text_of(stored(s3, contract))
    with pikepdf.open(io.BytesIO(stored(s3, contract))) as pdf, pdf.open_metadata() as metadata:
        assert metadata["dc:creator"] == ["North wind" if name == "platformName" else values()["platformName"]]
    (record,) = audited("contract.issued")
    assert record["resourceName"] == ("North wind" if name == "tenantName" else values()["tenantName"])


def test_a_value_of_control_characters_is_refused_by_its_name(issue):
    status, problem, _ = issue(given=values(plan="\0\x07"))

    assert (status, list(errors(problem))) == (422, ["/values/plan"])


def test_the_newest_version_is_taken_unless_one_is_named(issue, send):
    body = {"name": "service-agreement", "version": "v1.10", "title": "SA", "format": "markdown", "source": f"# {ALL}"}
    assert send("POST", "/v1/contract-templates", body, "super_admin")[0] == 201

    assert issue()[1]["templateVersion"] == "v1.10"
    assert issue(templateVersion="v1.0")[1]["templateVersion"] == "v1.0"


@pytest.mark.parametrize(
    "name",
    [
        '#import "x"',
        "*bold*",
        "{{plan}}",
        "a\u202eb",
        "n" * 300,
        "$x$ <b> @ref \\ \n",
        "株式会社",
        "شركة",
        "हिन्दी",
        "😀",
    ],
)
def test_names_of_any_kind_are_issued(issue, s3, name):
    status, contract, _ = issue(given=values(tenantName=name))

    assert status == 201
    assert contract["values"]["tenantName"] == name
    with pikepdf.open(io.BytesIO(stored(s3, contract))) as pdf:
        assert 5 <= len(pdf.pages) <= 8


@pytest.mark.parametrize(
    ("changes", "pointer", "detail"),
    [
        ({"tenantName": ""}, "/values/tenantName", ""),
        ({"tenantName": "x" * 1001}, "/values/tenantName", ""),
        ({"tenantName": None}, "/values/tenantName", ""),
        ({"nobody": "x"}, "/values/nobody", ""),
        ({"generatedDate": "2026-02-30"}, "/values/generatedDate", "must be a day"),
        ({"generatedDate": "today"}, "/values/generatedDate", "must be a day"),
        ({"tenantName": "AKIAIOSFODNN7EXAMPLE"}, "/values/tenantName", "an AWS access key"),
        ({"plan": "4111 1111 1111 1111"}, "/values/plan", "a payment card"),
        ({"tenantName": "Acme \U00010380 𐎁"}, "/values/tenantName", "U+10380 UGARITIC LETTER ALPA, U+10381"),
        ({"tenantName": "\u200b\u2060"}, "/values/tenantName", "nothing that can be seen"),
        ({"tenantSlug": "\ue000"}, "/values/tenantSlug", "U+E000"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_stored(issue, connect, keys_in, changes, pointer, detail):
    status, body, _ = issue(given=values() | changes)

    assert status == 422
    assert detail in errors(body)[pointer]
    assert connect("admin").contract_pdfs.count_documents({}) == 0
    assert connect("admin").audit_logs.count_documents({}) == 0
    assert keys_in() == []


@pytest.mark.parametrize(
    ("more", "pointer"), [({"template": "nobody"}, "/template"), ({"templateVersion": "v7.0"}, "/templateVersion")]
)
def test_a_template_that_is_not_published_is_named(issue, more, pointer):
    status, body, _ = issue(**more)

    assert status == 422
    assert "not published" in errors(body)[pointer]


@pytest.mark.parametrize(("role", "status"), [("user", 403), ("auditor", 403), ("producer", 403), ("dm_user", 201)])
def test_only_portal_staff_and_administrators_issue(issue, role, status):
    assert issue(role)[0] == status


def test_an_administrator_names_the_tenant_and_its_crossing_is_audited(issue, bus):
    assert issue("super_admin", tenants=())[0] == 422

    assert issue("super_admin", tenants=(), tenantId="globex")[1]["tenantId"] == "globex"

    assert [event["action"] for kind, event in bus.published if kind == "Record Audit Event"] == ["tenant.crossed"]


def test_a_crossing_that_cannot_be_audited_does_not_happen(issue, bus, connect):
    bus.unavailable = True

    assert issue("super_admin", tenants=(), tenantId="globex")[0] == 503
    assert connect("admin").contract_pdfs.count_documents({}) == 0


def test_staff_do_not_issue_for_a_tenant_that_is_not_theirs(issue):
    assert issue(tenantId="globex")[0] == 403


def test_each_request_without_a_key_is_a_contract_of_its_own(issue):
    first, second = issue()[1], issue()[1]

    assert first["refId"] != second["refId"]
    assert first["sha256"] != second["sha256"]


def test_the_same_key_gives_the_same_contract(issue, audited, keys_in):
    first, second = issue(key="k"), issue(key="k")

    assert first[:2] == second[:2]
    assert len(audited("contract.issued")) == 1
    assert len(keys_in()) == 1
    assert issue(key="k", given=values(plan="Other"))[0] == 422


def test_two_at_once_with_a_key_make_one_contract(issue, audited, keys_in):
    issue()
    service = bootstrap.issuer()
    event = http("POST", "/v1/contracts", {"values": values()}, caller=principal("dm_user"))
    event["headers"] = {"Idempotency-Key": "k"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: handle(ISSUE, service, event).body, range(4)))

    assert len({answer["refId"] for answer in answers}) == 1
    assert all(answer == answers[0] for answer in answers)
    assert len(audited("contract.issued")) == 2
    assert len(keys_in()) == 2


def test_with_the_object_store_unavailable_nothing_is_stored(issue, monkeypatch, connect):
    def unavailable(*_, **__):
        raise Unavailable("The object store does not answer; try again.")

    monkeypatch.setattr(Objects, "create", unavailable)

    status, _, headers = issue()

    assert (status, headers["Retry-After"]) == (503, "5")
    assert connect("admin").contract_pdfs.count_documents({}) == 0
    assert connect("admin").audit_logs.count_documents({}) == 0


def test_with_the_database_unavailable_the_answer_is_503(issue, monkeypatch, s3):
    monkeypatch.setenv("CHANCERY_MONGODB_TIMEOUT_MS", "500")
    issue_event = issue
    monkeypatch.setattr("local.mongod.Mongod.uri", lambda *_: "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200")

    assert issue_event()[0] == 503


def test_with_the_bus_unavailable_the_contract_is_issued_and_its_outbox_entry_is_not_marked(issue, bus, connect):
    bus.unavailable = True

    assert issue()[0] == 201
    record = connect("admin").audit_logs.find_one({"action": "contract.issued"})
    assert connect("admin").audit_outbox.find_one()["refIds"] == [record["refId"]]
    assert connect("admin").audit_outbox_marks.count_documents({}) == 0
    assert connect("admin").contract_pdfs.count_documents({}) == 1


def test_a_body_that_is_too_large_is_refused(send):
    assert send("POST", "/v1/contracts", {"values": values(), "x": "x" * (5 << 20)})[0] == 413


def test_a_template_that_fails_with_these_values_is_422(issue, monkeypatch):
    def fails(*_):
        raise RenderError("makes 900 pages; a contract has at most 200")

    monkeypatch.setattr(Renderer, "render", fails)

    status, body, _ = issue()

    assert status == 422
    assert "makes 900 pages" in errors(body)["/values"]


def test_no_database_role_can_change_a_contract(issue, connect):
    issue()
    for change in ("update_many", "delete_many"):
        arguments = ({}, {"$set": {"sha256": "0" * 64}}) if change == "update_many" else ({},)
        with pytest.raises(OperationFailure, match="not authorized"):
            getattr(connect("writer").contract_pdfs, change)(*arguments)

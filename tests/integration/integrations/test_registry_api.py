"""CRUD of systems and endpoints: versions, audit, other tenants, and what is refused before it is stored."""

from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier

import pytest

from chancery.audit.access import AccessTrail
from chancery.core.errors import ChanceryError, PreconditionFailed, Unavailable
from chancery.core.mongo import client as mongo
from chancery.core.outbound.urls import UrlPolicy
from chancery.core.web.changes import ChangeTrail
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.integrations.registry.checks import SettingsChecks
from chancery.integrations.registry.routes import SYSTEM_EDITS
from chancery.integrations.registry.store import RegistryStore
from chancery.integrations.registry.systems import SystemEditor
from tests.builders import handle, http, principal, set_settings
from tests.credential_samples import with_crc32
from tests.fakes import FakeBus
from tests.integration.integrations.conftest import SECRET, SYSTEMS, endpoint, system

ADMIN = principal("super_admin", ())
GLOBEX = principal("dm_user", ("globex",))
AUDITOR = principal("auditor")
GITHUB_TOKEN = with_crc32("ghp_", Random(1))


def put(send, path, body, version=1, **options):
    return send("PUT", path, body, headers={"If-Match": f'"{version}"'}, **options)


def delete(send, path, version=1, **options):
    return send("DELETE", path, headers={"If-Match": f'"{version}"'}, **options)


def actions(bus):
    return [event["action"] for event in bus.of("Record Audit Event")]


def wrong(answer):
    return {error["pointer"]: error["detail"] for error in answer["errors"]}


def test_a_system_is_created_with_defaults_and_read_again(send):
    status, made, headers = send("POST", "", {"code": "ERP", **system()})

    assert (status, headers["ETag"]) == (201, '"1"')
    assert headers["Location"].endswith(f"/v1{SYSTEMS}/ERP")
    assert (made["tenantId"], made["auth"], made["deadlineSeconds"]) == ("acme", {"type": "none"}, 3600)
    status, read, headers = send("GET", "/ERP")
    assert (status, read, headers["ETag"]) == (200, made, '"1"')
    assert send("GET", "/ERP", headers={"If-None-Match": '"1"'})[0] == 304


def test_an_endpoint_is_created_read_changed_and_deleted(send, erp):
    assert (erp["systemCode"], erp["code"], erp["idempotencyHeader"]) == ("ERP", "create-po", "Idempotency-Key")

    status, changed, headers = put(send, "/ERP/endpoints/create-po", endpoint(method="PUT", timeouts={"totalMs": 5000}))

    assert (status, changed["method"], headers["ETag"]) == (200, "PUT", '"2"')
    assert send("GET", "/ERP/endpoints/create-po")[1] == changed
    assert delete(send, "/ERP/endpoints/create-po", 2)[0] == 204
    assert send("GET", "/ERP/endpoints/create-po")[0] == 404


def test_lists_have_no_transforms_code_maps_and_policies(send, erp):
    systems, endpoints = send("GET")[1]["items"], send("GET", "/ERP/endpoints")[1]["items"]

    assert [item["code"] for item in systems] == ["ERP"]
    assert [item["code"] for item in endpoints] == ["create-po"]
    assert not {"codeMaps", "retryPolicy", "breaker", "headers"} & systems[0].keys()
    assert not {"requestTransform", "responseTransform", "retryPolicy"} & endpoints[0].keys()
    assert send("GET", query={"fields": "code"})[1]["items"] == [{"code": "ERP", "refId": systems[0]["refId"]}]


def test_pages_follow_each_other(send):
    for code in ("a", "b", "c"):
        send("POST", "", {"code": code, **system()})

    first = send("GET", query={"limit": "2"})[1]
    second = send("GET", query={"limit": "2", "cursor": first["nextCursor"]})[1]

    assert [item["code"] for item in first["items"] + second["items"]] == ["c", "b", "a"]
    assert second["nextCursor"] is None


def test_a_change_is_against_the_version_that_was_read(send, erp):
    assert send("PUT", "/ERP", system())[0] == 428
    assert put(send, "/ERP", system(name="First"))[1]["version"] == 2
    assert put(send, "/ERP", system(name="Second"))[0] == 412
    assert delete(send, "/ERP/endpoints/create-po", 7)[0] == 412
    assert send("GET", "/ERP")[1]["name"] == "First"


def test_changes_are_audited_with_what_was_set_before_and_after(send, bus, erp):
    put(send, "/ERP", system(name="New", deadlineSeconds=60))
    delete(send, "/ERP/endpoints/create-po")
    delete(send, "/ERP", 2)

    events = bus.of("Record Audit Event")
    assert actions(bus) == [
        *("external_system.created", "integration_endpoint.created", "external_system.updated"),
        *("integration_endpoint.deleted", "external_system.deleted"),
    ]
    assert events[2]["metadata"] == {
        "code": "ERP",
        "before": {"name": "ERP", "deadlineSeconds": 3600},
        "after": {"name": "New", "deadlineSeconds": 60},
    }
    assert events[0]["metadata"]["after"]["baseUrl"] == "https://erp.example.com/api"
    assert events[3]["metadata"]["before"]["pathTemplate"] == "/orders"


def test_a_large_value_is_audited_by_its_hash(send, bus):
    pairs = [{"internal": f"code-{at}", "external": f"C{at}"} for at in range(1000)]

    assert send("POST", "", {"code": "ERP", **system(codeMaps=[{"name": "m", "pairs": pairs}])})[0] == 201

    after = bus.of("Record Audit Event")[0]["metadata"]["after"]
    assert after["codeMaps"].keys() == {"sha256", "bytes"}


def test_reads_of_auditors_are_audited(send, bus, erp):
    bus.published.clear()
    for path in ("", "/ERP", "/ERP/endpoints", "/ERP/endpoints/create-po"):
        assert send("GET", path, caller=AUDITOR)[0] == 200

    assert actions(bus) == [
        *("external_system.listed", "external_system.viewed"),
        *("integration_endpoint.listed", "integration_endpoint.viewed"),
    ]


@pytest.mark.parametrize("role", ["user", "auditor", "producer"])
def test_other_roles_change_nothing(send, erp, role):
    caller = principal(role)

    assert send("POST", "", {"code": "X", **system()}, caller=caller)[0] == 403
    assert put(send, "/ERP", system(), caller=caller)[0] == 403
    assert delete(send, "/ERP/endpoints/create-po", caller=caller)[0] == 403
    assert send("POST", "/ERP/endpoints/create-po/dry-run", {}, caller=caller)[0] == 403


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/ERP", "/ERP/endpoints/create-po"])
def test_another_tenants_are_not_found(send, erp, method, path):
    body = None if method != "PUT" else endpoint() if "endpoints" in path else system()

    for query in (None, {"tenantId": "acme"}):
        status, answer, _ = send(method, path, body, caller=GLOBEX, query=query, headers={"If-Match": "*"})
        assert (status, "erp.example.com" in str(answer)) == (404, False)
    assert send("GET", path)[1]["version"] == 1


def test_a_super_admin_names_the_tenant_and_the_crossing_is_audited(send, bus, erp):
    bus.published.clear()

    assert send("GET", "/ERP", caller=ADMIN)[0] == 422
    assert send("GET", "/ERP", caller=ADMIN, query={"tenantId": "acme"})[0] == 200
    assert put(send, "/ERP", system(name="X"), caller=ADMIN, query={"tenantId": "acme"})[0] == 200
    assert [item["code"] for item in send("GET", caller=ADMIN)[1]["items"]] == ["ERP"]
    assert actions(bus) == ["tenant.crossed", "external_system.updated", "tenant.crossed", "tenant.crossed"]


def test_a_code_is_taken_once_and_free_again_after_a_deletion(send, erp):
    assert send("POST", "", {"code": "ERP", **system()})[0] == 409
    assert send("POST", "/ERP/endpoints", {"code": "create-po", **endpoint()})[0] == 409
    assert delete(send, "/ERP")[0] == 409  # it has an endpoint

    delete(send, "/ERP/endpoints/create-po")
    delete(send, "/ERP")

    assert send("POST", "", {"code": "ERP", **system()})[0] == 201
    assert send("GET", "/ERP/endpoints")[1]["items"] == []


def test_the_same_request_again_has_the_same_answer(send):
    headers = {"Idempotency-Key": "k-1"}
    body = {"code": "ERP", **system()}

    first, again = (send("POST", "", body, headers=headers) for _ in range(2))

    assert (first[0], again[:2]) == (201, first[:2])


@pytest.mark.parametrize(
    ("changes", "pointer", "why"),
    [
        ({"baseUrl": "http://erp.example.com"}, "/baseUrl", "must be https"),
        ({"baseUrl": "https://10.0.0.1/"}, "/baseUrl", "no call goes to"),
        ({"baseUrl": "https://[::ffff:169.254.169.254]/"}, "/baseUrl", "no call goes to"),
        ({"baseUrl": "https://localhost/"}, "/baseUrl", "no call goes to"),
        ({"baseUrl": "https://u:p@erp.example.com"}, "/baseUrl", "user name or password"),
        ({"headers": {"Authorization": "Bearer x"}}, "/headers/Authorization", "set `auth` of the system"),
        ({"headers": {"X-Api-Key": "k8Jw2mQp9sLx"}}, "/headers/X-Api-Key", "store secrets in AWS Secrets Manager"),
        ({"description": "password: hunter2-hunter2"}, "/description", "store secrets in AWS Secrets Manager"),
        ({"auth": {"type": "bearer", "secretArn": "hunter2"}}, "/auth/secretArn", "store the secret there"),
        ({"auth": {"type": "bearer", "token": "hunter2"}}, "/auth/token", "is not known"),
        (
            {"auth": {"type": "bearer", "secretArn": SECRET.replace("tenant-acme", "tenant-globex")}},
            "/auth/secretArn",
            "begins with chancery/integrations/tenant-acme/",
        ),
        (
            {
                "auth": {
                    "type": "oauth2ClientCredentials",
                    "secretArn": SECRET,
                    "clientId": "c",
                    "tokenUrl": "https://192.168.0.1/token",
                }
            },
            "/auth/tokenUrl",
            "no call goes to",
        ),
        ({"codeMaps": [{"name": "a", "pairs": [], "unknown": "default"}]}, "/codeMaps", "has no default"),
    ],
)
def test_a_system_that_cannot_be_called_or_holds_a_secret_is_refused(send, changes, pointer, why):
    status, answer, _ = send("POST", "", {"code": "ERP", **system(**changes)})

    assert status == 422
    assert any(why in detail for place, detail in wrong(answer).items() if place.startswith(pointer)), answer
    assert "hunter2" not in str(answer)
    assert send("GET", "/ERP")[0] == 404


def test_a_tenants_own_patterns_hold_here_too(send, connect):
    set_settings(connect("writer"), redaction={"patterns": [{"name": "member number", "pattern": r"KD-\d{5}"}]})

    status, answer, _ = send("POST", "", {"code": "ERP", **system(description="of KD-12345")})

    assert (status, wrong(answer).keys()) == (422, {"/description"})


@pytest.mark.parametrize("auth", ["bearer", "basic", "apiKey", "oauth2ClientCredentials"])
def test_references_to_secrets_are_stored_shown_and_audited_as_they_are(send, bus, auth):
    more = {
        "basic": {"username": "svc"},
        "apiKey": {"parameter": "X-Api-Key", "prefix": "Key "},
        "oauth2ClientCredentials": {"clientId": "c-1", "tokenUrl": "https://login.example.com/token"},
    }
    given = {"type": auth, "secretArn": SECRET, "secretMember": "value", **more.get(auth, {})}

    status, made, _ = send("POST", "", {"code": "ERP", **system(auth=given)})

    assert (status, given.items() <= made["auth"].items()) == (201, True), made
    assert bus.of("Record Audit Event")[0]["metadata"]["after"]["auth"] == made["auth"]


@pytest.mark.parametrize(
    ("changes", "pointer", "why"),
    [
        ({"requestTransform": '{"a": '}, "/requestTransform", "(at character 6)"),
        ({"responseTransform": "$eval(x)"}, "/responseTransform", "$eval is not available (at character"),
        ({"requestTransform": "/(?=a)/"}, "/requestTransform", "look-around"),
        ({"requestTransform": "(" * 3000}, "/requestTransform", "JSONata"),
        ({"requestTransform": '{"password": "hunter2hunter2"}'}, "/requestTransform", "store secrets in"),
        ({"requestTransform": '($api_key := "k8Jw2mQp9sLx"; $)'}, "/requestTransform", "store secrets in"),
        ({"requestTransform": "$ /* password: hunter2hunter2 */"}, "/requestTransform", "store secrets in"),
        ({"requestTransform": f"{{'a': {GITHUB_TOKEN}}}"}, "/requestTransform", "store secrets in"),
        ({"requestTransform": f"{GITHUB_TOKEN} +"}, "/requestTransform", "store secrets in"),
        ({"query": {"api_key": "k8Jw2mQp9sLx"}}, "/query/api_key", "store secrets in"),
        ({"pathTemplate": "/a/../b"}, "/pathTemplate", "no . or .."),
        ({"requestTransform": "a" * 40_000}, "/requestTransform", "32768 bytes"),
    ],
)
def test_an_endpoint_that_cannot_work_or_holds_a_secret_is_refused(send, erp, changes, pointer, why):
    status, answer, _ = send("POST", "/ERP/endpoints", {"code": "x", **endpoint(**changes)})

    assert (status, why in wrong(answer).get(pointer, "")) == (422, True), answer
    assert "hunter2" not in str(answer) and GITHUB_TOKEN not in str(answer)
    assert send("GET", "/ERP/endpoints/x")[0] == 404


def test_a_transform_may_name_members_that_hold_secrets(send, erp):
    transform = '{"password": $.password, "token": user.token, "q": items[password = $.other]}'

    assert send("POST", "/ERP/endpoints", {"code": "x", **endpoint(requestTransform=transform)})[0] == 201


def test_a_body_that_is_too_large_is_refused(send):
    assert send("POST", "", {"code": "ERP", **system(description="x" * 5_000_000)})[0] == 413


@pytest.fixture
def editor(connect):
    database = connect("writer")
    checks = SettingsChecks(UrlPolicy(), transformer=None)  # systems have no transforms
    trail = ChangeTrail(AccessTrail(FakeBus()), "external_system")
    return SystemEditor(RegistryStore(database), IdempotencyKeys(database), checks, trail)


def edit(editor, method, path="", body=None, match='"1"'):
    request = http(method, f"/v1{SYSTEMS}{path}", body, caller=principal("dm_user"), headers={"If-Match": match})
    return handle(SYSTEM_EDITS, editor, request)


def test_of_writers_at_once_one_wins(editor):
    edit(editor, "POST", body={"code": "ERP", **system()})
    start = Barrier(4)

    def change(number):
        start.wait()
        try:
            return edit(editor, "PUT", "/ERP", system(name=f"{number}")).body["version"]
        except ChanceryError as exc:
            return type(exc)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(change, range(4)))

    assert sorted(map(str, results)) == sorted(map(str, [2, *[PreconditionFailed] * 3]))


def test_without_a_database_nothing_is_promised():
    with mongo.connect("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50") as client:
        away = RegistryStore(client.chancery)

        with pytest.raises(Unavailable):
            away.system("acme", "ERP")
        with pytest.raises(Unavailable):
            away.add_system({"tenantId": "acme"}, lambda: None)


def test_without_a_bus_nothing_is_changed(send, bus, erp):
    bus.unavailable = True

    assert put(send, "/ERP", system(name="X"))[0] == 503
    assert send("POST", "", {"code": "NEW", **system()})[0] == 503
    assert delete(send, "/ERP/endpoints/create-po")[0] == 503

    bus.unavailable = False
    assert send("GET", "/ERP")[1]["version"] == 1
    assert send("GET", "/NEW")[0] == 404
    assert send("GET", "/ERP/endpoints/create-po")[0] == 200

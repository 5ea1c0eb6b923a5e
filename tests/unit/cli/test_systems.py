"""`chancery integrations systems` and `endpoints` against a service of the tests."""

import json

from tests.command_line import page

ERP = {
    "refId": "01J8ZQ6V7N0000000000000000",
    "tenantId": "acme",
    "code": "ERP",
    "name": "SAP",
    "baseUrl": "https://erp.example.com",
    "auth": {"type": "bearer"},
    "isEnabled": True,
    "version": 3,
}
PO = {
    "refId": "01J8ZQ6V7N0000000000000001",
    "code": "create-po",
    "name": "Create a purchase order",
    "method": "POST",
    "pathTemplate": "/orders",
    "isEnabled": True,
    "version": 2,
}
NOT_FOUND = (404, {"title": "Not found", "detail": "There is no such system."}, {})
SYSTEMS = "/integrations/systems"


def test_systems_and_endpoints_are_listed_as_tables_and_as_json(chancery, service):
    service.on("GET", SYSTEMS, page(ERP))
    service.on("GET", f"{SYSTEMS}/ERP/endpoints", page(PO))

    systems = chancery("integrations", "systems", "list", "--tenant", "acme")
    endpoints = chancery("integrations", "endpoints", "list", "ERP", "--json")

    assert "ERP\tSAP\thttps://erp.example.com\tbearer\t" in systems.stdout
    assert json.loads(endpoints.stdout) == PO
    assert service.asked[0][2] == {"limit": "50", "tenantId": "acme"}


def test_settings_are_shown(chancery, service):
    service.on("GET", f"{SYSTEMS}/ERP", (200, ERP, {}))
    service.on("GET", f"{SYSTEMS}/ERP/endpoints/create-po", (200, PO, {}))

    assert json.loads(chancery("integrations", "systems", "show", "ERP", "--json").stdout) == ERP
    assert "pathTemplate" in chancery("integrations", "endpoints", "show", "ERP", "create-po").stdout


def test_a_system_that_is_not_there_is_added(chancery, service):
    service.on("GET", f"{SYSTEMS}/ERP", NOT_FOUND)
    service.on("POST", SYSTEMS, (201, ERP, {}))
    settings = {"name": "SAP", "baseUrl": "https://erp.example.com"}

    done = chancery("integrations", "systems", "put", "ERP", "-", "--tenant", "acme", stdin=json.dumps(settings))

    assert done.returncode == 0
    assert service.asked[1] == ("POST", f"/v1{SYSTEMS}", {}, {"code": "ERP", "tenantId": "acme", **settings})


def test_settings_of_an_endpoint_are_replaced_in_the_version_that_was_read(chancery, service):
    path = f"{SYSTEMS}/ERP/endpoints/create-po"
    service.on("GET", path, (200, PO, {}))
    service.on("PUT", path, (200, {**PO, "version": 3}, {}))

    done = chancery("integrations", "endpoints", "put", "ERP", "create-po", "-", "--json", stdin='{"name": "PO"}')

    assert json.loads(done.stdout)["version"] == 3
    assert service.asked[1] == ("PUT", f"/v1{path}", {}, {"name": "PO"})
    assert service.headers[1]["If-Match"] == '"2"'


def test_an_endpoint_that_is_not_there_is_added(chancery, service):
    service.on("GET", f"{SYSTEMS}/ERP/endpoints/create-po", NOT_FOUND)
    service.on("POST", f"{SYSTEMS}/ERP/endpoints", (201, PO, {}))

    chancery("integrations", "endpoints", "put", "ERP", "create-po", "-", "--tenant", "acme", stdin='{"name": "PO"}')

    assert service.asked[1][2:] == ({"tenantId": "acme"}, {"code": "create-po", "name": "PO"})


def test_the_version_that_was_read_is_deleted(chancery, service):
    for path, found in ((f"{SYSTEMS}/ERP", ERP), (f"{SYSTEMS}/ERP/endpoints/create-po", PO)):
        service.on("GET", path, (200, found, {}))
        service.on("DELETE", path, (204, b"", {}))

    assert chancery("integrations", "systems", "delete", "ERP").returncode == 0
    assert chancery("integrations", "endpoints", "delete", "ERP", "create-po").returncode == 0

    assert [asked[0] for asked in service.asked] == ["GET", "DELETE", "GET", "DELETE"]
    assert service.headers[1]["If-Match"] == '"3"'


def test_a_call_is_tried(chancery, service, tmp_path):
    (tmp_path / "answer.json").write_text('{"status": 201, "body": {"po": 1}}')
    path = f"{SYSTEMS}/ERP/endpoints/create-po/dry-run"
    service.on("POST", path, (200, {"method": "POST", "url": "https://x", "result": 1}, {}))

    done = chancery("integrations", "endpoints", "try", "ERP", "create-po", "-", "--path", "company=1010", "--query",
                    "a=b=c", "--response", "answer.json", "--json", stdin='{"x": 1}')  # fmt: skip

    assert json.loads(done.stdout)["method"] == "POST"
    assert service.asked[0][3] == {
        "pathParameters": {"company": "1010"},
        "query": {"a": "b=c"},
        "body": {"x": 1},
        "response": {"status": 201, "body": {"po": 1}},
    }


def test_wrong_usage_sends_nothing(chancery, service):
    assert chancery("integrations", "endpoints", "try", "ERP", "create-po", "--path", "company").returncode == 2
    assert chancery("integrations", "systems", "put", "ERP", "-", stdin="[]").returncode == 2
    assert service.asked == []

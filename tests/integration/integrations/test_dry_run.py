"""Dry runs: the request of a call as it would be sent, and the result of an answer; nothing is sent or stored."""

import pytest

from tests.builders import principal
from tests.integration.integrations.conftest import ORDER, SECRET, endpoint, system

RUN = "/ERP/endpoints/create-po/dry-run"


@pytest.fixture
def run(send):
    """Makes the system and the endpoint, and tries it."""

    def make(body=None, of_system=None, of_endpoint=None):
        send("POST", "", {"code": "ERP", **system(**(of_system or {}))})
        send("POST", "/ERP/endpoints", {"code": "create-po", **endpoint(**(of_endpoint or {}))})
        return send("POST", RUN, {"body": ORDER} if body is None else body)[:2]

    return make


def test_the_purchase_order_as_the_system_gets_it(run):
    status, answer = run()

    assert (status, answer["method"], answer["url"]) == (200, "POST", "https://erp.example.com/api/orders")
    assert answer["headers"] == {"Accept": "application/json", "Content-Type": "application/json"}
    assert answer["body"] == {
        "PurchaseOrder": {"VendorCode": "V-100", "Items": [{"Material": "M-1", "Qty": 3, "Unit": "KGM"}]}
    }
    assert (answer["bodyBytes"], answer["result"]) == (90, None)


def test_an_answer_is_transformed_with_its_status_and_headers(run):
    response = {"status": 201, "headers": {"etag": "x"}, "body": {"po_number": "4500012345", "unit": "KGM"}}
    transform = '{"po": po_number, "unit": $toInternal("uom", unit), "status": $status, "etag": $headers.etag}'

    _, answer = run({"body": ORDER, "response": response}, of_endpoint={"responseTransform": transform})

    assert answer["result"] == {"po": "4500012345", "unit": "kg", "status": 201, "etag": "x"}


def test_without_a_transform_the_body_goes_as_it_is(run):
    body = [1, None, {"ä": "😀"}]

    _, answer = run({"body": body}, of_endpoint={"requestTransform": None})

    assert answer["body"] == body


def test_a_body_of_null_sends_none(run):
    _, answer = run({}, of_endpoint={"method": "GET", "requestTransform": None})

    assert (answer["body"], answer["bodyBytes"], "Content-Type" in answer["headers"]) == (None, 0, False)


def test_parameters_are_encoded(run):
    parameters = {"pathParameters": {"plant": "a/b ?", "number": 7}, "query": {"q": "x&y=ä", "all": True}}
    of_endpoint = {"pathTemplate": "/plants/{plant}/orders/{number}", "query": {"fixed": "1"}, "requestTransform": None}

    _, answer = run(parameters, of_endpoint=of_endpoint)

    path, _, query = answer["url"].partition("?")
    assert path == "https://erp.example.com/api/plants/a%2Fb%20%3F/orders/7"
    assert query == "fixed=1&q=x%26y%3D%C3%A4&all=true"


@pytest.mark.parametrize(
    ("parameters", "pointer", "why"),
    [
        ({}, "/pathParameters/id", "is required"),
        ({"id": ""}, "/pathParameters/id", "must not be empty"),
        ({"id": ".."}, "/pathParameters/id", "must not be empty, . or .."),
        ({"id": "1", "more": "2"}, "/pathParameters/more", "is no parameter"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(run, parameters, pointer, why):
    of_endpoint = {"pathTemplate": "/orders/{id}", "requestTransform": None}

    status, answer = run({"pathParameters": parameters}, of_endpoint=of_endpoint)

    assert status == 422
    assert any(error["pointer"] == pointer and why in error["detail"] for error in answer["errors"])


def test_headers_of_the_endpoint_replace_those_of_the_system(run):
    of_system = {"headers": {"X-Client": "7", "accept": "text/plain"}}

    _, answer = run(of_system=of_system, of_endpoint={"headers": {"x-client": "8"}})

    assert answer["headers"] == {"accept": "text/plain", "Content-Type": "application/json", "x-client": "8"}


@pytest.mark.parametrize(
    ("auth", "headers", "query"),
    [
        ({"type": "bearer", "secretMember": "token"}, {"Authorization": f"Bearer <{SECRET}#token>"}, {}),
        ({"type": "basic", "username": "svc"}, {"Authorization": f"Basic <base64 of svc:<{SECRET}>>"}, {}),
        ({"type": "apiKey", "parameter": "X-Key", "prefix": "Key "}, {"X-Key": f"Key <{SECRET}>"}, {}),
        ({"type": "apiKey", "parameter": "key", "placement": "query"}, {}, {"key": f"<{SECRET}>"}),
        (
            {"type": "oauth2ClientCredentials", "clientId": "c", "tokenUrl": "https://login.example.com/t"},
            {"Authorization": f"Bearer <token of https://login.example.com/t for c and <{SECRET}>>"},
            {},
        ),
    ],
)
def test_secrets_are_shown_as_references(run, auth, headers, query):
    _, answer = run(of_system={"auth": {"secretArn": SECRET, **auth}})

    assert headers.items() <= answer["headers"].items()
    assert answer["query"] == query


@pytest.mark.parametrize(
    ("transform", "body", "why"),
    [
        ('$toExternal("uom", unit)', {"unit": "lb"}, "has no code for 'lb'"),
        ('$toExternal("plant", unit)', {"unit": "lb"}, "it has: uom"),
        ("[1..9999999]", {}, "more than 64 MB"),
        ('$pad("a", 5e7)', {}, "out of range"),
        ("$sum(items)", {"items": "x"}, "cannot be transformed"),
    ],
)
def test_a_transform_without_a_result_is_refused(run, transform, body, why):
    status, answer = run({"body": body}, of_endpoint={"requestTransform": transform})

    assert (status, answer["errors"][0]["pointer"]) == (422, "/body")
    assert why in answer["errors"][0]["detail"]


def test_a_tried_body_is_stored_nowhere(run, connect, bus):
    run({"body": {"vendor": {"external_code": "canary-7f3a"}, "items": []}})

    database = connect("admin")
    names = database.list_collection_names(filter={"type": "collection", "name": {"$not": {"$regex": "^system"}}})
    stored = [list(database[name].find()) for name in names]
    assert "canary-7f3a" not in str(stored)
    assert "canary-7f3a" not in str(bus.published)


def test_a_super_admins_trial_in_a_tenant_is_audited(run, send, bus):
    run()
    bus.published.clear()

    status, _, _ = send("POST", RUN, {"body": ORDER}, caller=principal("super_admin", ()), query={"tenantId": "acme"})

    assert status == 200
    assert [event["action"] for event in bus.of("Record Audit Event")] == ["tenant.crossed"]
    assert bus.of("Record Audit Event")[0]["metadata"]["during"] == "integration_endpoint.tried"

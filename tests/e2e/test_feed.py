"""The feed of the deployed stack: what happens arrives in it, by way of the bus, its rules and the queue."""

import pytest

from chancery.core.formats.identifiers import new_ref_id
from tests.contracts import values

TYPES = "exchange.completed,checkpoint.sealed,contract.issued"


@pytest.fixture(scope="module")
def begun(api):
    """A cursor from now on; from the first one, platform events of the tenant are stored."""
    answer = api("GET", "/feed", params={"events": TYPES, "wait": 0})
    assert answer.status_code == 200, answer.text
    return answer.json()["cursor"]


@pytest.fixture
def arrives(api, begun, eventually):
    """The first event of a type since `begun` whose data has these values."""

    def ask(event_type, **wanted):
        cursor = [begun]

        def found():
            answer = api("GET", "/feed", params={"events": TYPES, "after": cursor[0], "wait": 1, "limit": 500})
            assert answer.status_code == 200, answer.text
            cursor[0] = answer.json()["cursor"]
            return next((item for item in answer.json()["items"] if _is(item, event_type, wanted)), None)

        return eventually(found)

    return ask


def _is(item, event_type, wanted):
    return item["type"] == event_type and all(item["data"].get(name) == value for name, value in wanted.items())


def test_a_finished_exchange_arrives(api, arrives):
    name = new_ref_id()
    body = {"requestId": name, "systemCode": "crm", "httpMethod": "GET", "requestUrl": "https://crm.example/?page=1"}
    assert api("POST", "/exchanges", json=body).status_code == 201
    assert api("PATCH", f"/exchanges/{name}", json={"status": "SUCCESS", "responseStatus": 200}).status_code == 200

    item = arrives("exchange.completed", requestId=name)

    assert item["source"] == "events"
    assert (item["data"]["tenantId"], item["data"]["status"]) == ("acme", "SUCCESS")


def test_a_sealed_checkpoint_arrives(api, arrives):
    record = {"actorId": "sarah", "action": "feed.tried", "resourceType": "feed", "resourceId": new_ref_id()}
    assert api("POST", "/audit-logs", json=record).status_code == 201

    item = arrives("checkpoint.sealed", tenantId="acme")

    assert item["data"]["log"] == "tenant-acme"
    assert item["data"]["checkpoint"].splitlines()[1] == str(item["data"]["size"])


def test_an_issued_contract_arrives(api, arrives):
    answer = api("POST", "/contracts", "dm_user", json={"values": values(tenantName="Feed & Co")})
    assert answer.status_code == 201, answer.text
    contract = answer.json()

    item = arrives("contract.issued", refId=contract["refId"])

    for name in ("sha256", "bytes", "pages", "template", "templateVersion", "createdOn", "tenantId"):
        assert item["data"][name] == contract[name]
    assert "values" not in item["data"]

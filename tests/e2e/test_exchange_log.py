"""Calls of an httpx client against the local stack, through `ExchangeTransport` and the bus."""

import httpx

from chancery_client import ExchangeLog, exchange_details
from chancery_client.httpx_transport import ExchangeTransport


def test_calls_of_httpx_are_found_with_their_bodies(stack, aws, api, eventually):
    log = ExchangeLog(stack["eventBusName"], tenant_id="acme", put_events=aws("events").put_events)
    peer = httpx.MockTransport(lambda request: httpx.Response(201, json={"id": "7", "token": "4711abcdef4711"}))

    with (
        httpx.Client(base_url="https://sap.example", transport=ExchangeTransport(log, "sap-e2e", peer)) as sap,
        exchange_details(endpoint_code="orders", entity_type="order", entity_id="7") as details,
    ):
        sap.post("/orders", json={"lines": [1]}, headers={"Authorization": "Bearer abc"})
    log.close()

    assert log.stats.sent == 2
    path = f"/exchanges/{details.request_id}"
    found = eventually(lambda: (answer := api("GET", path)).status_code == 200 and _finished(answer.json()))
    assert (found["systemCode"], found["endpointCode"], found["status"]) == ("sap-e2e", "orders", "SUCCESS")
    assert (found["requestBody"], found["responseBody"]) == ({"lines": [1]}, {"id": "7", "token": "[REDACTED]"})
    assert found["requestHeaders"]["Authorization"] == "[REDACTED]"
    assert found["context"] == {"entityType": "order", "entityId": "7"}


def _finished(exchange):
    return exchange if exchange["status"] != "PENDING" else None

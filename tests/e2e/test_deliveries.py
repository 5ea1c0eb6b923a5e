"""A webhook through the deployed functions: from a record to a receiver on this machine, and what the log has of it."""

import orjson

from tests.misbehaving_peer import misbehaving_peer


def test_a_record_arrives_as_a_webhook_also_after_a_failure(api, eventually):
    with misbehaving_peer() as peer:
        peer.answer("/in", 500, 204, body=b"")
        destination = {"kind": "webhook", "name": "e2e", "url": f"{peer.url}/in", "events": ["audit.webhook_test.*"]}
        created = api("POST", "/destinations", "dm_user", json=destination)
        assert created.status_code == 201, created.text
        path = f"/destinations/{created.json()['refId']}"

        record = {"actorId": "user-1", "action": "webhook_test.posted", "resourceType": "post", "resourceId": "post-1"}
        stored = api("POST", "/audit-logs", "dm_user", json=record).json()
        delivery = eventually(lambda: _delivered(api("GET", f"{path}/deliveries", "dm_user").json()["items"]))

    first, second = peer.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery["refId"]
    assert orjson.loads(first.body)["data"]["refId"] == stored["refId"]
    attempts = api("GET", f"{path}/deliveries/{delivery['refId']}", "dm_user").json()["attempts"]
    assert [attempt["status"] for attempt in attempts] == ["FAILED", "SUCCESS"]
    ended = api("DELETE", path, "dm_user", headers={"If-Match": api("GET", path, "dm_user").headers["ETag"]})
    assert ended.status_code == 204


def _delivered(deliveries):
    return next((delivery for delivery in deliveries if delivery["status"] == "delivered"), None)

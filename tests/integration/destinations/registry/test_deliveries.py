"""Deliveries of a destination as callers read and repeat them: filters, attempts, tests, replays, health."""

from datetime import timedelta

import pytest

from chancery.core.formats.identifiers import new_ref_id
from chancery.core.formats.times import now
from chancery.wiring import destinations
from tests.builders import principal
from tests.integration.destinations.registry.conftest import settings, webhook

AUDITOR = principal("auditor")
GLOBEX = principal("dm_user", ("globex",))
NOON = now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def actions(bus):
    return [event["action"] for event in bus.of("Record Audit Event")]


@pytest.fixture
def hook(add):
    return add()


@pytest.fixture
def deliver(connect, hook):
    """Stores a delivery of the webhook as a run does; its refId."""

    def store(number=1, status="failed", **fields):
        ended = {"endedOn": NOON + timedelta(minutes=number), "expiresOn": now() + timedelta(days=30)}
        pending = {"dueOn": now() + timedelta(hours=1)}
        delivery = {
            "refId": new_ref_id(),
            "tenantId": hook["tenantId"],
            "createdBy": "chancery",
            "createdOn": NOON + timedelta(minutes=number),
            "destinationId": hook["refId"],
            "kind": "events",
            "source": "audit",
            "first": number,
            "last": number,
            "items": [{"sequence": number, "refId": new_ref_id()}],
            "types": ["audit.blog_post.approved"],
            "status": status,
            "reason": "http_500",
            "round": 0,
            "attempt": 3,
            "retries": 3,
            **(ended if status in ("failed", "delivered") else pending),
            **fields,
        }
        connect("writer").deliveries.insert_one(delivery)
        return delivery["refId"]

    return store


@pytest.fixture
def stored(connect):
    return lambda ref_id: connect("reader").deliveries.find_one({"refId": ref_id}, {"_id": 0})


@pytest.fixture
def listed(send, hook):
    """The refIds of the deliveries of a query, newest first."""

    def ids(**query):
        status, body, _ = send("GET", f"/{hook['refId']}/deliveries", query=query)
        assert status == 200, body
        return [item["refId"] for item in body["items"]]

    return ids


def test_deliveries_are_found_by_status_type_time_and_response(listed, deliver):
    first = deliver(1, "delivered", responseStatus=200)
    second = deliver(2, "failed", responseStatus=500, types=["audit.a", "audit.b"])
    third = deliver(3, "pending")

    assert listed() == [third, second, first]
    assert listed(status="failed") == listed(responseStatus="500") == listed(type="audit.b") == [second]
    assert listed(to=(NOON + timedelta(minutes=2)).isoformat()) == [first]
    assert listed(**{"from": (NOON + timedelta(minutes=3)).isoformat()}) == [third]
    assert listed(status="blocked") == []


def test_pages_of_deliveries_follow_each_other(send, hook, deliver):
    ids = [deliver(number) for number in (1, 2, 3)]
    path = f"/{hook['refId']}/deliveries"

    first = send("GET", path, query={"limit": "2", "fields": "status"})[1]
    second = send("GET", path, query={"limit": "2", "fields": "status", "cursor": first["nextCursor"]})[1]

    assert [item["refId"] for item in first["items"] + second["items"]] == ids[::-1]
    assert set(first["items"][0]) == {"refId", "status"}
    status = send("GET", path, query={"cursor": first["nextCursor"], "status": "failed"})[0]
    assert status == 422  # of another query


def test_a_delivery_is_shown_with_its_attempts(send, hook, deliver, connect):
    ref_id = deliver(1, "failed", lastError={"reason": "http_500"})
    attempts = ((0, 1, "FAILED"), (0, 2, "FAILED"), (1, 1, "SUCCESS"), (1, 2, "SUCCESS"))
    for round_, number, status in attempts:
        connect("writer").integration_logs.insert_one(
            {
                "refId": new_ref_id(),
                "tenantId": "acme",
                "createdBy": "user-1" if (round_, number) == (1, 2) else "chancery",  # of another caller: no attempt
                "createdOn": NOON + timedelta(minutes=round_, seconds=number),
                "version": 1,
                "requestId": f"{ref_id}-{round_}-{number}",
                "systemCode": "destination",
                "status": status,
                "requestHeaders": {"webhook-id": ref_id},
                "responseStatus": 200 if status == "SUCCESS" else 500,
            }
        )
    connect("writer").integration_logs.update_one(
        {"requestId": f"{ref_id}-1-1"}, {"$set": {"createdOn": NOON + timedelta(hours=1)}}
    )

    status, found, _ = send("GET", f"/{hook['refId']}/deliveries/{ref_id}")

    assert (status, found["lastError"], found["items"][0]["sequence"]) == (200, {"reason": "http_500"}, 1)
    assert [attempt["requestId"] for attempt in found["attempts"]] == [
        *(f"{ref_id}-0-1", f"{ref_id}-0-2", f"{ref_id}-1-1"),
    ]
    assert found["attempts"][2] == {
        "requestId": f"{ref_id}-1-1",
        "status": "SUCCESS",
        "responseStatus": 200,
        "exchange": f"/v1/exchanges/{ref_id}-1-1",
    }


def test_a_delivery_of_another_destination_or_tenant_does_not_exist(send, add, hook, deliver):
    ref_id, other = deliver(), add(name="Other")

    assert send("GET", f"/{other['refId']}/deliveries/{ref_id}")[0] == 404
    assert send("POST", f"/{other['refId']}/deliveries/{ref_id}/replay")[0] == 404
    assert send("GET", f"/{hook['refId']}/deliveries/{ref_id}", caller=GLOBEX)[0] == 404
    assert send("POST", f"/{hook['refId']}/deliveries/{ref_id}/replay", caller=GLOBEX)[0] == 404
    assert send("GET", f"/{hook['refId']}/deliveries/{new_ref_id()}")[0] == 404


def test_a_test_is_a_delivery_and_has_its_destination_served(send, hook, stored, retry_queue, bus, connect):
    retry_queue.sent.clear()
    connect("writer").destination_states.update_many({}, {"$unset": {"lease": "", "wakeOn": ""}})

    status, made, headers = send("POST", f"/{hook['refId']}/test", {"type": "audit.blog_post.approved"})

    assert (status, made["kind"], made["status"], made["attempt"]) == (202, "test", "pending", 0)
    assert headers["Location"].endswith(f"/{hook['refId']}/deliveries/{made['refId']}")
    assert stored(made["refId"])["content"]["requestedBy"] == "dm_user-1"
    assert "wakeOn" in connect("reader").destination_states.find_one({"refId": hook["refId"]})
    assert len(retry_queue.sent) == 1
    assert actions(bus)[-1] == "destination.tested"


def test_a_test_is_stored_when_the_queue_is_away(send, hook, retry_queue, stored, connect):
    connect("writer").destination_states.update_many({}, {"$unset": {"lease": ""}})
    retry_queue.unavailable = True

    status, made, _ = send("POST", f"/{hook['refId']}/test")

    assert (status, stored(made["refId"])["status"]) == (202, "pending")


def test_a_repeated_test_is_one_delivery(send, hook, connect):
    key = {"Idempotency-Key": "t"}
    first = send("POST", f"/{hook['refId']}/test", {}, headers=key)[1]
    connect("writer").idempotency_keys.update_many({}, {"$unset": {"answer": ""}})

    assert send("POST", f"/{hook['refId']}/test", {}, headers=key)[1] == first
    assert connect("reader").deliveries.count_documents({}) == 1


def test_a_disabled_destination_is_not_tested(send, hook, put):
    put(hook, settings(enabled=False))

    assert send("POST", f"/{hook['refId']}/test", {})[0] == 409


def test_a_caller_who_waits_gets_the_outcome(send, hook, connect, monkeypatch):
    def run(_):
        ended = {"status": "delivered", "endedOn": now(), "expiresOn": now() + timedelta(days=30)}
        connect("writer").deliveries.update_one({"status": "pending"}, {"$set": ended})

    real = destinations.DeliveryRequests
    monkeypatch.setattr(destinations, "DeliveryRequests", lambda *parts: real(*parts, run))

    status, ended, headers = send("POST", f"/{hook['refId']}/test", {}, headers={"Prefer": "wait=10"})

    assert (status, ended["status"], headers["Preference-Applied"]) == (200, "delivered", "wait=10")
    status, begun, _ = send("POST", f"/{hook['refId']}/test", {}, headers={"Prefer": "wait=0"})
    assert (status, begun["status"]) == (202, "pending")


@pytest.mark.parametrize("status", ["failed", "delivered"])
def test_an_ended_delivery_is_sent_again_under_its_id(send, hook, deliver, stored, bus, status):
    ref_id = deliver(1, status, responseStatus=500, lastError={"reason": "x"}, rejected=1)

    answered, again, _ = send("POST", f"/{hook['refId']}/deliveries/{ref_id}/replay")

    assert (answered, again["refId"], again["status"], again["round"], again["attempt"]) == (
        202,
        ref_id,
        "pending",
        1,
        0,
    )
    found = stored(ref_id)
    assert found["dueOn"] <= now() and found["retries"] == 0
    assert not {"endedOn", "expiresOn", "responseStatus", "lastError", "rejected"} & found.keys()
    assert (actions(bus)[-1], bus.of("Record Audit Event")[-1]["metadata"]) == (
        "destination.replayed",
        {"deliveryId": ref_id},
    )


def test_a_delivery_that_waits_for_a_retry_is_sent_now(send, hook, deliver, stored):
    ref_id = deliver(1, "pending")

    assert send("POST", f"/{hook['refId']}/deliveries/{ref_id}/replay")[0] == 202

    found = stored(ref_id)
    assert (found["round"], found["attempt"]) == (0, 3)
    assert found["dueOn"] <= now()


def test_an_ordered_delivery_waits_for_those_before_it(send, hook, deliver, stored):
    ended, blocked = deliver(1, "failed", orderKey="k"), deliver(2, "blocked", orderKey="k")

    assert send("POST", f"/{hook['refId']}/deliveries/{ended}/replay")[1]["status"] == "blocked"
    assert send("POST", f"/{hook['refId']}/deliveries/{blocked}/replay")[0] == 409
    assert stored(blocked)["round"] == 0


RANGES = [
    ({"failedSince": (NOON + timedelta(minutes=2)).isoformat()}, [2, 4]),
    ({"from": NOON.isoformat(), "to": (NOON + timedelta(minutes=3)).isoformat()}, [1, 2]),
    ({"source": "audit", "after": 2, "to": 4}, [3, 4]),
    ({"source": "logs", "after": 0, "to": 9}, []),
]


@pytest.mark.parametrize(("body", "numbers"), RANGES)
def test_a_range_is_sent_again(send, hook, deliver, stored, bus, body, numbers):
    ids = {1: deliver(1), 2: deliver(2), 3: deliver(3, "delivered"), 4: deliver(4), 5: deliver(5, "pending")}

    answer = send("POST", f"/{hook['refId']}/replays", body)

    assert answer[:2] == (202, {"replayed": len(numbers), "nextCursor": None})
    assert [number for number, ref_id in ids.items() if stored(ref_id)["round"]] == numbers
    assert bus.of("Record Audit Event")[-1]["metadata"]["deliveries"] == len(numbers)


def test_a_range_is_sent_again_from_its_oldest_on(send, hook, deliver, stored, monkeypatch):
    monkeypatch.setattr("chancery.destinations.registry.deliveries.MOST_REPLAYED", 2)
    ids = [deliver(number) for number in (3, 1, 2)]
    path, body = f"/{hook['refId']}/replays", {"failedSince": NOON.isoformat()}

    first = send("POST", path, body)[1]
    assert (first["replayed"], [stored(ref_id)["round"] for ref_id in ids]) == (2, [0, 1, 1])
    deliver(1, "failed", refId=new_ref_id())  # lies before the cursor
    assert send("POST", path, body | {"cursor": first["nextCursor"]})[1] == {"replayed": 1, "nextCursor": None}
    assert send("POST", path, {"failedSince": now().isoformat(), "cursor": first["nextCursor"]})[0] == 422
    assert send("POST", path, body | {"cursor": "x"})[0] == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"to": 5},
        {"from": NOON.isoformat()},
        {"from": NOON.isoformat(), "to": 5},
        {"source": "audit", "after": 1, "to": NOON.isoformat()},
        {"failedSince": NOON.isoformat(), "source": "audit"},
        {"source": "other", "after": 0, "to": 1},
    ],
)
def test_another_range_is_refused(send, hook, body):
    assert send("POST", f"/{hook['refId']}/replays", body)[0] == 422


def test_a_replay_that_cannot_be_audited_does_not_happen(send, hook, deliver, stored, bus):
    ref_id = deliver()
    bus.unavailable = True

    assert send("POST", f"/{hook['refId']}/deliveries/{ref_id}/replay")[0] == 503
    assert send("POST", f"/{hook['refId']}/replays", {"failedSince": NOON.isoformat()})[0] == 503
    assert stored(ref_id)["round"] == 0


def test_health_says_how_far_a_destination_is_and_how_its_attempts_ended(send, hook, deliver, connect):
    status, fresh, _ = send("GET", f"/{hook['refId']}/health")
    assert status == 200
    assert (fresh["status"], fresh["pending"], fresh["failed"], fresh["isDown"]) == ("ok", 0, 0, False)
    assert fresh["lag"] == {"audit": {"position": 0, "events": 0, "seconds": 0}}

    deliver(1, "failed")
    deliver(2, "pending")
    since = {"failingSince": NOON, "lastFailureOn": NOON, "lastError": {"reason": "http_500"}}
    probe = {"breaker": {"failures": 4, "probeOn": NOON + timedelta(days=2)}}
    connect("writer").destination_states.update_one({"refId": hook["refId"]}, {"$set": {**since, **probe}})

    found = send("GET", f"/{hook['refId']}/health", caller=AUDITOR)[1]

    assert (found["status"], found["pending"], found["failed"]) == ("failing", 1, 1)
    assert (found["isDown"], found["consecutiveFailures"], found["lastError"]) == (True, 4, {"reason": "http_500"})
    assert found["nextAttemptOn"].startswith((NOON + timedelta(days=2)).date().isoformat())
    assert found["lag"]["audit"]["seconds"] > 3600


def test_a_destination_begins_where_its_request_says(send, audited, audit, logged, connect):
    audited("post-1", "post-2", "post-3")
    logged("a", "b")
    assert audit.last("acme") == 3  # they have their numbers
    made = {}
    for start in ("now", "beginning", "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z"):
        body = webhook(name=start, events=["*"], startAfter=start)
        ref_id = send("POST", "", body)[1]["refId"]
        made[start] = connect("reader").destination_states.find_one({"refId": ref_id})["positions"]

    everything, nothing = {"audit": 3, "logs": 2, "events": 0}, {"audit": 0, "logs": 0, "events": 0}
    assert list(made.values()) == [everything, nothing, nothing, everything]


def test_health_counts_the_events_that_are_not_read_yet(send, hook, audited, audit):
    audited("post-1", "post-2", createdOn=NOON)
    assert audit.last("acme") == 2  # they have their numbers

    lag = send("GET", f"/{hook['refId']}/health")[1]["lag"]["audit"]

    assert (lag["position"], lag["events"]) == (0, 2)
    assert lag["seconds"] > 0


def test_a_search_by_what_has_no_index_looks_at_the_last_days(listed, deliver):
    old = deliver(1, responseStatus=500, createdOn=now() - timedelta(days=9))
    new = deliver(2, responseStatus=500)

    assert listed() == [new, old]
    assert listed(responseStatus="500") == listed(type="audit.blog_post.approved") == [new]
    since = (now() - timedelta(days=10)).isoformat()
    assert listed(**{"responseStatus": "500", "from": since}) == [new, old]
    assert listed(responseStatus="500", to=(now() - timedelta(days=8)).isoformat()) == [old]


def test_each_search_of_deliveries_has_an_index(hook, deliver, connect):
    for number in range(1, 20):
        deliver(number, "failed" if number % 2 else "delivered")
    own = {"tenantId": "acme", "destinationId": hook["refId"]}
    newest, time = [("createdOn", -1), ("refId", -1)], {"createdOn": {"$gte": NOON}}

    for query in (own, {**own, "status": "failed"}, {**own, **time}, {**own, **time, "types": "audit.a"}):
        plan = connect("admin").deliveries.find(query).sort(newest).limit(5).explain()
        winner = str(plan["queryPlanner"]["winningPlan"])
        assert "COLLSCAN" not in winner and "'SORT'" not in winner, query

"""CRUD of destinations: versions, secrets, states, audit, and other tenants."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chancery.core.formats.times import now
from chancery.wiring import destinations
from tests.builders import principal, set_settings
from tests.integration.destinations.registry.conftest import SLACK, settings, webhook, wrong

ADMIN = principal("super_admin", ())
GLOBEX = principal("dm_user", ("globex",))
AUDITOR = principal("auditor")
UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
SPLUNK = {"kind": "splunk_hec", "url": "https://splunk.example.com:8088", "token": "6a1f-splunk-token"}
ROLE = "arn:aws:iam::444455556666:role/chancery"


def actions(bus):
    return [event["action"] for event in bus.of("Record Audit Event")]


def state(connect, made):
    return connect("reader").destination_states.find_one({"refId": made["refId"]}, {"_id": 0})


def delete(send, made, **options):
    return send("DELETE", f"/{made['refId']}", headers={"If-Match": f'"{made["version"]}"'}, **options)


def test_a_webhook_is_created_with_defaults_and_read_again(send, connect, retry_queue):
    status, made, headers = send("POST", "", webhook())

    assert (status, headers["ETag"]) == (201, '"1"')
    assert headers["Location"].endswith(f"/v1/destinations/{made['refId']}")
    assert made.pop("secret").startswith("whsec_")
    assert (made["format"], made["signing"], made["enabled"], made["ratePerSecond"]) == ("json", "hmac", True, 50)
    status, read, headers = send("GET", f"/{made['refId']}")
    assert (status, read, headers["ETag"]) == (200, made, '"1"')
    assert send("GET", f"/{made['refId']}", headers={"If-None-Match": '"1"'})[0] == 304
    assert send("GET", "")[1]["items"][0]["refId"] == made["refId"]
    assert state(connect, made)["positions"] == {"audit": 0}
    assert [made["refId"] in body for body in retry_queue.sent] == [True]


def test_the_kinds_that_a_list_shows(send, add):
    add()
    status, made, _ = send("POST", "", {**webhook(**SPLUNK), "name": "SIEM"})
    assert status == 201, made

    items = send("GET", query={"kind": "splunk_hec", "fields": "name,kind"})[1]["items"]

    assert items == [{"refId": made["refId"], "name": "SIEM", "kind": "splunk_hec"}]


def test_pages_follow_each_other(send, add):
    names = ["a", "b", "c"]
    for name in names:
        add(name=name)

    first = send("GET", query={"limit": "2"})[1]
    second = send("GET", query={"limit": "2", "cursor": first["nextCursor"]})[1]

    assert [item["name"] for item in first["items"] + second["items"]] == ["c", "b", "a"]
    assert second["nextCursor"] is None


def test_ed25519_shows_its_public_key_and_no_secret(send, add):
    made = add(signing="ed25519")

    assert made["publicKey"].startswith("whpk_") and "secret" not in made
    assert send("GET", f"/{made['refId']}")[1]["publicKey"] == made["publicKey"]


def test_secrets_are_stored_encrypted_and_in_no_answer_log_event_or_document(
    send, put, connect, bus, caplog, retry_queue
):
    caplog.set_level(logging.DEBUG)
    secrets = [SLACK, SLACK.rpartition("/")[2], "hdr-Zq81mVt0aKpX", "tok-9fQw27LcRb6Y", "qry-Hb5kT2mW8sXe"]
    headers = {"Idempotency-Key": "one", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}

    hook = send("POST", "", webhook(url=SLACK, format="slack", headers={"X-Key": secrets[2]}), headers=headers)[1]
    siem = webhook(**SPLUNK | {"token": secrets[3], "url": f"https://siem.example.com/in?token={secrets[4]}"})
    stream = send("POST", "", {**siem, "name": "SIEM"})[1]
    secrets.append(hook.pop("secret").removeprefix("whsec_"))
    changed = put(hook, settings(name="Renamed", headers={"X-Key": secrets[2] + "2"}))[1]
    rotated = send("POST", f"/{hook['refId']}/secret", {})[1]
    secrets.append(rotated.pop("secret").removeprefix("whsec_"))
    send("POST", f"/{hook['refId']}/test", {})
    answers = [hook, stream, changed, rotated]
    for path in ("", f"/{hook['refId']}", f"/{stream['refId']}", f"/{hook['refId']}/deliveries"):
        answers.append(send("GET", path)[1])

    stored = b"".join(
        batch
        for name in ("destinations", "destination_states", "deliveries", "idempotency_keys")
        for batch in connect("writer")[name].find_raw_batches()
    )
    assert hook["refId"].encode() in stored
    for secret in secrets:
        assert secret.encode() not in stored
        assert all(secret not in repr(found) for found in (answers, bus.published, retry_queue.sent))
        assert secret not in caplog.text
    assert hook["url"] == "https://hooks.slack.com/services/[REDACTED]/[REDACTED]/[REDACTED]"
    assert stream["url"] == "https://siem.example.com/in?token=[REDACTED]"
    assert (hook["headerNames"], stream["headerNames"]) == (["X-Key"], [])


def test_what_is_stored_opens_to_what_was_sent(send, put, connect):
    made = send("POST", "", webhook(url=SLACK, headers={"X-Key": "v1"}))[1]
    put(made, settings(url=made["url"], filter={"action": ["a"]}))  # as it was shown

    opened = destinations.secrets().opened(connect("reader").destinations.find_one({"refId": made["refId"]}))

    assert (opened.url, opened.headers, opened.token) == (SLACK, {"X-Key": "v1"}, None)
    assert opened.secrets == [made["secret"]]


def test_the_token_of_an_otlp_destination_becomes_a_header(send, connect):
    made = send("POST", "", webhook(kind="otlp", token="t-1", url="https://otel.example.com"))[1]

    opened = destinations.secrets().opened(connect("reader").destinations.find_one({"refId": made["refId"]}))

    assert opened.headers == {"Authorization": "Bearer t-1"}


def test_a_change_replaces_settings_and_what_is_secret_only_where_it_is_given(send, put, connect):
    made = send("POST", "", webhook(**SPLUNK, headers={"X-A": "1"}, options={"index": "main"}))[1]

    status, changed, headers = put(made, settings(name="SIEM", events=["log.error"], token="other-token"))

    assert (status, headers["ETag"], changed["name"], changed["headerNames"]) == (200, '"2"', "SIEM", ["X-A"])
    assert "options" not in changed
    opened = destinations.secrets().opened(connect("reader").destinations.find_one({"refId": made["refId"]}))
    assert (opened.url, opened.headers, opened.token) == (SPLUNK["url"], {"X-A": "1"}, "other-token")
    assert put(changed, settings(name="SIEM", headers={}))[1]["headerNames"] == []
    assert state(connect, made)["positions"] == {"audit": 0, "logs": 0}  # of the source that was added


@pytest.mark.parametrize(
    "url",
    ["https://other.example.com:8088", "https://splunk.example.com:9088", "https://splunk.example.com.evil.org:8088"],
)
def test_stored_secrets_are_not_sent_to_another_host(send, put, connect, url):
    made = send("POST", "", webhook(**SPLUNK, headers={"X-A": "1"}))[1]

    status, answer, _ = put(made, settings(url=url))

    assert (status, wrong(answer).keys()) == (422, {"/token", "/headers"})
    assert wrong(put(made, settings(url=url, headers={}))[1]).keys() == {"/token"}
    assert wrong(put(made, settings(url=url, token="t-2"))[1]).keys() == {"/headers"}
    status, _, _ = put(made, settings(url=url, token="t-2", headers={}))
    assert status == 200
    opened = destinations.secrets().opened(connect("reader").destinations.find_one({"refId": made["refId"]}))
    assert (opened.url, opened.headers, opened.token) == (url, {}, "t-2")


def test_stored_secrets_are_sent_to_another_path_of_their_host(send, put):
    made = send("POST", "", webhook(**SPLUNK, headers={"X-A": "1"}))[1]

    assert put(made, settings(url="https://SPLUNK.example.com:8088/services/collector"))[0] == 200


@pytest.mark.parametrize(
    ("changes", "is_reset"),
    [({"url": "https://portal.example.com/in"}, True), ({"headers": {"X-A": "2"}}, True), ({"name": "Other"}, False)],
    ids=str,
)
def test_a_destination_that_is_down_is_served_at_once_where_it_is_corrected(send, put, add, connect, changes, is_reset):
    made = add()
    down = {"failingSince": now(), "warned": 50, "breaker": {"failures": 9, "probeOn": now() + timedelta(minutes=30)}}
    connect("writer").destination_states.update_one({"refId": made["refId"]}, {"$set": down})

    assert put(made, settings(**changes))[0] == 200

    found = state(connect, made)
    assert "wakeOn" in found
    assert down.keys() & found.keys() == (set() if is_reset else down.keys())


@pytest.mark.parametrize("is_down", [True, False])
def test_a_test_is_the_next_probe_of_a_destination_that_is_down(send, add, connect, is_down):
    made = add()
    later = now() + timedelta(minutes=30)
    breaker = {"failures": 9, "probeOn": later} if is_down else {"failures": 2}
    connect("writer").destination_states.update_one({"refId": made["refId"]}, {"$set": {"breaker": breaker}})

    assert send("POST", f"/{made['refId']}/test", {})[0] == 202

    found = state(connect, made)["breaker"]
    assert found["failures"] == breaker["failures"]
    assert ("probeOn" in found) == is_down
    assert not is_down or found["probeOn"] < later - timedelta(minutes=20)


def test_a_destination_is_disabled_and_enabled(send, put, connect, retry_queue, bus):
    made = send("POST", "", webhook(enabled=False))[1]
    assert (made["disabledReason"], retry_queue.sent) == ("created_disabled", [])
    connect("writer").destination_states.update_one(
        {"refId": made["refId"]}, {"$set": {"failingSince": now(), "breaker": {"failures": 9, "probeOn": now()}}}
    )

    enabled = put(made, settings())[1]

    assert enabled["enabled"] and "disabledReason" not in enabled and "disabledOn" not in enabled
    assert len(retry_queue.sent) == 1
    found = state(connect, made)
    assert "wakeOn" in found and not {"failingSince", "breaker"} & found.keys()
    disabled = put(enabled, settings(enabled=False))[1]
    assert (disabled["disabledReason"], len(retry_queue.sent)) == ("by_user", 1)
    assert actions(bus) == ["destination.created", "destination.enabled", "destination.disabled"]


def test_a_deleted_destination_is_gone_and_its_name_is_free(send, add, connect, retry_queue):
    made = add()

    assert delete(send, made)[0] == 204

    assert send("GET", f"/{made['refId']}")[0] == 404
    assert "wakeOn" in state(connect, made)
    assert add()["refId"] != made["refId"]


def test_each_change_is_audited_with_what_was_set_before_and_after(send, put, bus):
    made = send("POST", "", webhook(filter={"$or": [{"a": ["x"]}, {"b": ["y"]}]}))[1]
    put(made, settings(name="Other", url="https://other.example.com/in"))
    made["version"] = 2
    delete(send, made)

    created, updated, deleted = bus.of("Record Audit Event")
    assert created["metadata"]["after"]["filter"] == '{"$or":[{"a":["x"]},{"b":["y"]}]}'
    assert updated["metadata"]["before"]["name"] == "Portal"
    assert updated["metadata"]["after"]["name"] == "Other"
    assert updated["metadata"]["after"]["replaced"] == ["url"]
    assert deleted["metadata"]["before"]["name"] == "Other"
    assert [event["resourceId"] for event in (created, updated, deleted)] == [made["refId"]] * 3


def test_a_change_that_cannot_be_audited_is_not_made(send, add, put, bus, connect):
    made = add()
    bus.unavailable = True

    assert send("POST", "", webhook(name="New"))[0] == 503
    assert put(made, settings(name="New"))[0] == 503
    assert delete(send, made)[0] == 503

    assert connect("reader").destinations.count_documents({"name": "New"}) == 0
    assert connect("reader").destination_states.count_documents({}) == 1


def test_one_of_two_changes_of_the_same_version_wins(send, add, put):
    made = add()
    assert send("PUT", f"/{made['refId']}", settings())[0] == 428

    assert put(made, settings(name="First"))[0] == 200
    assert put(made, settings(name="Second"))[0] == 412
    assert delete(send, made)[0] == 412

    assert send("GET", f"/{made['refId']}")[1]["name"] == "First"


def test_changes_at_once_of_the_same_version(add):
    made = add()
    store, document = destinations.store(), destinations.store().get("acme", made["refId"])

    def change(name):
        try:
            store.change(document, {"name": name}, "u", {}, lambda: None)
        except Exception as exc:
            return type(exc).__name__
        return name

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(change, "abcd"))

    assert sorted(done)[:3] == ["PreconditionFailed"] * 3
    assert store.get("acme", made["refId"])["name"] == sorted(done)[3]


@pytest.mark.parametrize("caller", [GLOBEX, principal("dm_user", ("acme",), principalId="other")])
def test_another_tenants_destination_does_not_exist(send, put, add, caller):
    made = add()
    found = caller is not GLOBEX
    path, match = f"/{made['refId']}", {"If-Match": '"1"'}

    assert send("GET", path, caller=caller)[0] == (200 if found else 404)
    assert send("GET", f"{path}/health", caller=caller)[0] == (200 if found else 404)
    assert send("GET", f"{path}/deliveries", caller=caller)[0] == (200 if found else 404)
    assert send("POST", f"{path}/test", {}, caller=caller)[0] == (202 if found else 404)
    since = {"failedSince": "2026-01-01T00:00:00Z"}
    assert send("POST", f"{path}/replays", since, caller=caller)[0] == (202 if found else 404)
    assert send("POST", f"{path}/secret", {}, caller=caller)[0] == (200 if found else 404)
    match = {"If-Match": '"2"'}
    assert send("PUT", path, settings(), caller=caller, headers=match)[0] == (200 if found else 404)
    match = {"If-Match": '"3"'}
    assert send("DELETE", path, caller=caller, headers=match)[0] == (204 if found else 404)


@pytest.mark.parametrize("ref_id", [UNKNOWN, "x", "$where", "01ARZ3NDEKTSV4RRFFQ69G5FAV%00"])
def test_an_unknown_destination_does_not_exist(send, ref_id):
    match = {"If-Match": '"1"'}

    assert send("GET", f"/{ref_id}")[0] == 404
    assert send("PUT", f"/{ref_id}", settings(), headers=match)[0] == 404
    assert send("DELETE", f"/{ref_id}", headers=match)[0] == 404
    assert send("POST", f"/{ref_id}/test", {})[0] == 404
    assert send("POST", f"/{ref_id}/deliveries/{UNKNOWN}/replay")[0] == 404


def test_who_crosses_tenants_and_who_audits_leaves_a_trace(send, add, bus):
    made = add()
    bus.published.clear()

    assert send("GET", f"/{made['refId']}", caller=ADMIN)[0] == 200
    assert send("POST", f"/{made['refId']}/secret", {}, caller=ADMIN)[0] == 200
    assert send("POST", "", webhook(name="By admin"), caller=ADMIN)[0] == 422  # names no tenant
    assert send("POST", "", webhook(name="By admin", tenantId="acme"), caller=ADMIN)[0] == 201
    assert send("GET", "", caller=AUDITOR)[0] == send("GET", f"/{made['refId']}/health", caller=AUDITOR)[0] == 200

    assert actions(bus) == [
        *("tenant.crossed", "destination.secret_rotated", "tenant.crossed", "destination.created", "tenant.crossed"),
        *("destination.listed", "destination.health_viewed"),
    ]


def test_a_tenant_has_as_many_destinations_as_its_settings_allow(send, put, add, connect):
    set_settings(connect("writer"), limits={"destinations": {"most": 1, "ratePerSecond": 5}})
    made = add()

    assert made["ratePerSecond"] == 5
    assert send("POST", "", webhook(name="Second"))[0] == 409
    assert "/ratePerSecond" in wrong(put(made, settings(ratePerSecond=6))[1])


def test_a_name_is_the_tenants_own(send, put, add):
    add(name="A")
    second = add(name="B")

    assert send("POST", "", webhook(name="A"))[0] == 409
    assert put(second, settings(name="A"))[0] == 409
    assert send("POST", "", webhook(name="A"), caller=GLOBEX)[0] == 201


def test_a_repeated_request_is_the_same_destination_and_shows_its_secret_until_it_is_changed(send, put, connect):
    key = {"Idempotency-Key": "portal"}
    first = send("POST", "", webhook(), headers=key)[1]

    status, again, _ = send("POST", "", webhook(), headers=key)

    assert (status, again) == (201, first)
    put(first, settings(name="Portal"))
    assert "secret" not in send("POST", "", webhook(), headers=key)[1]
    assert connect("reader").destinations.count_documents({}) == 1


def test_a_request_that_died_before_its_answer_was_stored_is_answered_by_its_repetition(send, connect):
    key = {"Idempotency-Key": "portal"}
    first = send("POST", "", webhook(), headers=key)[1]
    connect("writer").idempotency_keys.update_many({}, {"$unset": {"answer": ""}})

    status, again, _ = send("POST", "", webhook(), headers=key)

    assert (status, again) == (201, first)


def test_a_rotated_secret_signs_with_the_old_one_until_the_overlap_ends(send, add, connect):
    made = add()

    def opened(clock=now):
        found = connect("reader").destinations.find_one({"refId": made["refId"]})
        secrets = destinations.secrets()
        return type(secrets)(secrets.seals, clock).opened(found).secrets

    status, rotated, headers = send("POST", f"/{made['refId']}/secret", {"overlapHours": 1})

    assert (status, headers["ETag"]) == (200, '"2"')
    assert opened() == [rotated["secret"], made["secret"]]
    assert opened(lambda: now() + timedelta(hours=1)) == [rotated["secret"]]
    last = send("POST", f"/{made['refId']}/secret", {"overlapHours": 0, "signing": "ed25519"})[1]
    assert "secret" not in last
    assert last["publicKey"].startswith("whpk_")
    assert [secret[:5] for secret in opened()] == ["whsk_"]


def test_only_webhooks_have_a_secret_to_rotate(send):
    made = send("POST", "", webhook(**SPLUNK))[1]

    assert send("POST", f"/{made['refId']}/secret", {})[0] == 409


def test_a_filter_is_stored_as_it_was_sent(send, put):
    pattern = {"$or": [{"actor": {"id.x": ["a"]}}, {"amount": [{"numeric": [">", 1.5]}]}]}
    made = send("POST", "", webhook(filter=pattern))[1]

    assert send("GET", f"/{made['refId']}")[1]["filter"] == pattern
    changed = put(made, settings(filter={"$or": [{"b": ["x"]}, {"a.c": [1]}]}))[1]
    assert changed["filter"] == {"$or": [{"b": ["x"]}, {"a.c": [1]}]}
    assert "filter" not in put(changed, settings())[1]

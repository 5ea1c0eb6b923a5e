"""`chancery destinations` against a service of the tests."""

import json

import pytest

HOOK = {
    "refId": "01J0000000000000000000000D",
    "tenantId": "acme",
    "kind": "webhook",
    "name": "Portal",
    "url": "https://portal.example.com/in",
    "events": ["audit.*", "log.error"],
    "filter": {"actorRole": ["admin"]},
    "format": "json",
    "headerNames": ["X-A"],
    "enabled": False,
    "disabledReason": "failing",
    "signing": "hmac",
    "ratePerSecond": 50,
    "version": 3,
}
DELIVERY = {
    "refId": "01J0000000000000000000000E",
    "destinationId": HOOK["refId"],
    "kind": "test",
    "types": ["audit.test.sent"],
    "status": "pending",
    "reason": "new",
    "attempt": 0,
    "createdOn": "2026-03-01T12:00:00.000Z",
}
ONE = f"/destinations/{HOOK['refId']}"
THAT = f"{ONE}/deliveries/{DELIVERY['refId']}"


def test_destinations_are_listed(chancery, service):
    service.on("GET", "/destinations", (200, {"items": [HOOK], "nextCursor": None}, {}))

    done = chancery("destinations", "list", "--tenant", "acme")

    assert "webhook\tPortal\thttps://portal.example.com/in\taudit.* log.error\tFalse\tfailing\tacme" in done.stdout
    assert service.asked[0][2]["tenantId"] == "acme"


def test_a_webhook_is_created_by_name_and_url(chancery, service):
    service.on("POST", "/destinations", (201, HOOK | {"secret": "the-secret"}, {}))

    done = chancery("destinations", "create", "Portal", HOOK["url"], "-e", "audit.*", "--slack", "--json")

    assert json.loads(done.stdout)["secret"] == "the-secret"
    hook = {"kind": "webhook", "name": "Portal", "url": HOOK["url"], "events": ["audit.*"], "format": "slack"}
    assert service.asked[0][3] == hook
    assert service.headers[0]["Idempotency-Key"]


def test_another_kind_is_created_of_a_file(chancery, service):
    service.on("POST", "/destinations", (201, HOOK, {}))

    chancery("destinations", "create", "--file", "-", "--tenant", "acme", stdin='{"kind": "otlp"}')

    assert service.asked[0][3] == {"kind": "otlp", "tenantId": "acme"}


@pytest.mark.parametrize(
    "arguments", [("create",), ("create", "Portal"), ("create", "a", "b", "--file", "-"), ("replay", "x")]
)
def test_too_little_or_too_much_is_wrong_usage(chancery, service, arguments):
    done = chancery("destinations", *arguments, stdin="{}")

    assert (done.returncode, service.asked) == (2, [])


def test_a_test_is_waited_for(chancery, service):
    service.on("POST", f"{ONE}/test", (202, DELIVERY, {}))
    service.on("GET", THAT, (200, DELIVERY, {}), (200, DELIVERY | {"status": "delivered"}, {}))

    done = chancery("destinations", "test", HOOK["refId"], "--type", "audit.a", "--json")

    assert json.loads(done.stdout)["status"] == "delivered"
    assert service.asked[0][3] == {"type": "audit.a"}


def test_a_test_that_fails_has_its_reason_and_exit_code(chancery, service):
    service.on("POST", f"{ONE}/test", (202, DELIVERY | {"status": "failed", "reason": "http_404"}, {}))

    done = chancery("destinations", "test", HOOK["refId"], "--no-wait")

    assert done.returncode == 1
    assert "http_404" in done.stderr


@pytest.mark.parametrize("command", ["enable", "disable"])
def test_a_destination_is_enabled_with_the_settings_that_it_has(chancery, service, command):
    service.on("GET", ONE, (200, HOOK, {}))
    service.on("PUT", ONE, (200, HOOK, {}))

    chancery("destinations", command, HOOK["refId"])

    kept = {name: HOOK[name] for name in ("name", "events", "filter", "format", "ratePerSecond")}
    assert service.asked[1][3] == kept | {"enabled": command == "enable"}
    assert service.headers[1]["If-Match"] == '"3"'


def test_deliveries_are_listed_and_one_is_shown(chancery, service):
    service.on("GET", f"{ONE}/deliveries", (200, {"items": [DELIVERY], "nextCursor": None}, {}))
    service.on("GET", THAT, (200, DELIVERY | {"attempts": []}, {}))

    listed = chancery("destinations", "deliveries", HOOK["refId"], "--status", "pending", "--response", "500")
    shown = chancery("destinations", "deliveries", HOOK["refId"], DELIVERY["refId"], "--json")

    assert "test\taudit.test.sent\tpending\tnew\t0" in listed.stdout
    assert (service.asked[0][2]["status"], service.asked[0][2]["responseStatus"]) == ("pending", "500")
    assert json.loads(shown.stdout)["attempts"] == []


def test_a_delivery_is_sent_again(chancery, service):
    service.on("POST", f"{THAT}/replay", (202, DELIVERY, {}))

    assert chancery("destinations", "replay", HOOK["refId"], DELIVERY["refId"]).returncode == 0


def test_a_range_is_sent_again_to_its_end(chancery, service):
    parts = ((202, {"replayed": 1000, "nextCursor": "c"}, {}), (202, {"replayed": 7, "nextCursor": None}, {}))
    service.on("POST", f"{ONE}/replays", *parts)

    done = chancery("destinations", "replay", HOOK["refId"], "--failed-since", "2026-03-01T00:00:00Z", "--json")

    assert json.loads(done.stdout) == {"replayed": 1007}
    assert [asked[3].get("cursor") for asked in service.asked] == [None, "c"]


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("failing", 1), ("disabled", 1)])
def test_health_has_an_exit_code(chancery, service, status, code):
    service.on("GET", f"{ONE}/health", (200, {"status": status, "pending": 0}, {}))

    assert chancery("destinations", "health", HOOK["refId"]).returncode == code


def test_a_secret_is_rotated_and_shown_once(chancery, service):
    service.on("POST", f"{ONE}/secret", (200, HOOK | {"secret": "new-secret"}, {}))

    done = chancery("destinations", "rotate-secret", HOOK["refId"], "--overlap-hours", "1", "--json")

    assert json.loads(done.stdout)["secret"] == "new-secret"
    assert service.asked[0][3] == {"overlapHours": 1}


def test_a_destination_is_shown_and_deleted(chancery, service):
    service.on("GET", ONE, (200, HOOK, {}))
    service.on("DELETE", ONE, (204, None, {}))

    assert "Portal" in chancery("destinations", "show", HOOK["refId"]).stdout
    assert chancery("destinations", "delete", HOOK["refId"]).returncode == 0
    assert service.headers[2]["If-Match"] == '"3"'

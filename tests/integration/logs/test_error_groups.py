"""Groups of errors through the real handlers: lines form them, people resolve, merge and split them."""

from datetime import timedelta

import pytest

from chancery.core.formats.times import now, to_rfc3339
from tests.builders import http, principal

STACK = """Traceback (most recent call last):
  File "/srv/app/main.py", line 10, in handle
  File "/usr/lib/python3.13/site-packages/lib/client.py", line 3, in call
  File "/srv/app/billing.py", line 99, in {}
ValueError: no"""


@pytest.fixture
def write(call):
    def send(*lines, kind="error", tenant="acme", status=201):
        request = http("POST", f"/v1/logs/{kind}", {"records": list(lines)}, caller=principal("producer", (tenant,)))
        found, answer, _ = call("record_logs", request)
        assert found == status
        return answer

    return send


@pytest.fixture
def groups(call):
    def ask(path="", role="user", tenants=("acme",), **query):
        request = http("GET", f"/v1/error-groups{path}", caller=principal(role, tenants), query=query)
        status, answer, headers = call("read_error_groups", request, "reader")
        ask.headers = headers
        return answer["items"] if status == 200 and "items" in answer and not path else answer

    return ask


@pytest.fixture
def edit(call):
    def send(method, path, body, match=None, role="user"):
        headers = {"If-Match": match} if match else {}
        request = http(method, f"/v1/error-groups/{path}", body, caller=principal(role), headers=headers)
        return call("manage_error_groups", request)

    return send


def error(function="charge", ago=0, **more):
    created = to_rfc3339(now() - timedelta(minutes=ago))
    return {
        "error": {"type": "ValueError", "message": "no", "stack": STACK.format(function)},
        "createdOn": created,
    } | more


def test_lines_of_the_same_fault_form_one_group(write, groups):
    write(error(ago=30, release="1.0"), error("refund"))
    write(error(ago=10, release="1.1"), error(ago=20))

    refund, charge = groups()
    assert (charge["type"], charge["message"], charge["culprit"]) == ("ValueError", "no", "billing.py:charge")
    assert (charge["status"], charge["kind"], charge["level"], charge["firstRelease"]) == (
        "open",
        "error",
        "error",
        "1.0",
    )
    assert refund["culprit"] == "billing.py:refund"
    assert charge["firstSeen"] < charge["lastSeen"] < refund["lastSeen"]
    assert groups(f"/{charge['refId']}")["releases"] == ["1.0", "1.1"]


def test_a_group_counts_its_lines_by_minute_once_each(write, groups):
    line = error(ago=5, id="line-1")
    write(line, error(ago=7), error(ago=7))
    write(line)

    counts = groups(f"/{groups()[0]['refId']}/counts")
    assert (counts["count"], counts["unit"]) == (3, "minute")
    assert [item["count"] for item in counts["items"]] == [2, 1]


def test_a_wrong_window_is_refused(write, groups):
    write(error())
    path = f"/{groups()[0]['refId']}/counts"

    assert groups(path, **{"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"})["status"] == 422
    assert groups(path, **{"from": "2025-03-01T00:00:00Z"})["errors"][0]["pointer"] == "/from"


def test_why_lines_are_in_a_group_is_explained(write, groups):
    write(error())

    items = groups(f"/{groups()[0]['refId']}/fingerprints")["items"]
    own = next(item for item in items if item["components"]["by"] == "stack")
    assert own["components"]["exceptions"] == [
        {"type": "ValueError", "frames": ["main.py:handle", "billing.py:charge"]}
    ]
    assert len(items) == 2


def test_another_version_of_a_library_comes_to_the_same_group(write, groups):
    write(error())
    newer = error()
    newer["error"]["stack"] = newer["error"]["stack"].replace("in call", "in call_v2")
    write(newer)

    assert len(groups()) == 1
    assert len(groups(f"/{groups()[0]['refId']}/fingerprints")["items"]) == 3


def test_lines_without_an_error_form_no_group_and_severe_messages_do(write, groups):
    write({"message": "started"}, kind="app")
    assert groups() == []

    write(
        {"message": "user 7 not found", "level": "error"}, {"message": "user 8 not found", "level": "fatal"}, kind="app"
    )
    assert [item["message"] for item in groups()] == ["user <int> not found"]


def test_a_resolved_fault_that_is_seen_again_has_regressed(write, groups, edit):
    write(error(ago=60))
    ref_id = groups()[0]["refId"]
    status, resolved, headers = edit("PATCH", ref_id, {"status": "resolved"}, '"0"')
    assert (status, resolved["status"], headers["ETag"]) == (200, "resolved", '"1"')
    assert resolved["resolvedOn"]

    write(error(ago=30))
    assert groups()[0]["status"] == "resolved"  # a line from before it was resolved comes late

    write(error(createdOn=to_rfc3339(now() + timedelta(seconds=1))))
    again = groups()[0]
    assert (again["status"], again["regressedOn"] is not None, "resolvedOn" in again) == ("open", True, False)


def test_an_ignored_fault_is_open_again_when_its_time_is_over(write, groups, edit):
    write(error(ago=60))
    ref_id = groups()[0]["refId"]
    until = to_rfc3339(now() - timedelta(minutes=10))
    edit("PATCH", ref_id, {"status": "ignored", "ignoredUntil": until}, "*")

    write(error(ago=20))
    assert groups(status="ignored")
    write(error(ago=5))
    assert groups(status="open")
    assert groups(status="ignored") == []


def test_a_change_names_the_version_that_was_read_and_is_audited(write, groups, edit, bus):
    write(error())
    ref_id = groups()[0]["refId"]

    assert edit("PATCH", ref_id, {"status": "resolved"})[0] == 428
    assert edit("PATCH", ref_id, {"status": "resolved"}, '"7"')[0] == 412
    assert edit("PATCH", ref_id, {"status": "open", "ignoredUntil": "2030-01-01T00:00:00Z"}, "*")[0] == 422
    assert edit("PATCH", "01J8ZQ6V7N0000000000000000", {"status": "open"}, "*")[0] == 404
    assert bus.of("Record Audit Event") == []
    edit("PATCH", ref_id, {"status": "ignored"}, "*")
    (event,) = bus.of("Record Audit Event")
    assert (event["action"], event["resourceId"]) == ("error_group.updated", ref_id)


def test_groups_are_merged_and_later_lines_come_to_the_whole(write, groups, edit):
    write(error(ago=50), error("refund", ago=90))
    charge, refund = groups()

    status, merged, _ = edit("POST", f"{charge['refId']}/merge", {"groups": [refund["refId"]]})
    assert (status, merged["firstSeen"]) == (200, refund["firstSeen"])

    write(error("refund"))
    (only,) = groups()
    assert only["refId"] == charge["refId"]
    assert groups(f"/{only['refId']}/counts")["count"] == 3


def test_a_group_is_split_and_later_lines_come_to_the_new_one(write, groups, edit):
    write(error(ago=50), error("refund", ago=90))
    charge, refund = groups()
    edit("POST", f"{charge['refId']}/merge", {"groups": [refund["refId"]]})
    hashes = [
        item["hash"]
        for item in groups(f"/{charge['refId']}/fingerprints")["items"]
        if "refund" in str(item["components"]) or item["firstSeen"] == refund["firstSeen"]
    ]

    status, new, headers = edit("POST", f"{charge['refId']}/split", {"hashes": hashes})
    assert (status, headers["Location"].rpartition("/")[2]) == (201, new["refId"])

    write(error("refund"))
    assert [item["refId"] for item in groups()] == [new["refId"], charge["refId"]]
    assert groups(f"/{new['refId']}/counts")["count"] == 2


def test_what_cannot_be_merged_or_split_is_refused(write, groups, edit):
    write(error())
    ref_id = groups()[0]["refId"]
    every = [item["hash"] for item in groups(f"/{ref_id}/fingerprints")["items"]]

    assert edit("POST", f"{ref_id}/merge", {"groups": [ref_id]})[0] == 422
    assert edit("POST", f"{ref_id}/merge", {"groups": ["01J8ZQ6V7N0000000000000000"]})[0] == 422
    assert edit("POST", f"{ref_id}/split", {"hashes": every})[0] == 422
    assert edit("POST", f"{ref_id}/split", {"hashes": ["0" * 32]})[0] == 422


def test_another_tenants_groups_are_not_there(write, groups, edit):
    write(error())
    ref_id = groups()[0]["refId"]

    assert groups(tenants=("globex",)) == []
    assert groups(f"/{ref_id}", tenants=("globex",))["status"] == 404
    write(error(), tenant="globex")
    assert len(groups()) == len(groups(tenants=("globex",))) == 1


def test_pages_are_in_the_order_in_which_groups_were_seen(write, groups, call):
    write(*(error(f"step_{letter}", ago=ago) for ago, letter in enumerate("abcde")))

    seen, cursor = [], None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        _, page, _ = call(
            "read_error_groups", http("GET", "/v1/error-groups", caller=principal("user"), query=query), "reader"
        )
        seen += [item["culprit"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == [f"billing.py:step_{letter}" for letter in "abcde"]
    since = to_rfc3339(now() - timedelta(minutes=2, seconds=30))
    assert len(groups(since=since)) == 3


def test_no_more_than_fifty_releases_are_stored(write, groups):
    write(*(error(release=f"build-{at}") for at in range(60)))
    write(error(release="build-late"))

    assert len(groups(f"/{groups()[0]['refId']}")["releases"]) == 50


def test_what_a_super_admin_misses_in_another_tenant_is_audited(groups, bus):
    groups("/01J8ZQ6V7N0000000000000000", role="super_admin", tenants=(), tenantId="acme")

    assert [event["metadata"]["during"] for event in bus.of("Record Audit Event")] == ["GET /v1/error-groups/{refId}"]

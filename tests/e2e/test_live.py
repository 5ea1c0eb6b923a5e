"""The live tail of the deployed stack: connect, subscribe, receive, be cut and go on."""

import json
from contextlib import contextmanager

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

_SECONDS = 90  # for the first invocations of cold functions


@pytest.fixture
def live(stack):
    """Opens a connection with a subscription: the connection, and the answer."""

    @contextmanager
    def open_and_subscribe(caller="user", **message):
        with connect(f"{stack['liveUrl']}?token={stack['tokens'][caller]}", open_timeout=_SECONDS) as socket:
            socket.send(json.dumps({"action": "subscribe", **message}))
            yield socket, json.loads(socket.recv(timeout=_SECONDS))

    return open_and_subscribe


def records(socket, number):
    """The next records of a connection."""
    found = []
    while len(found) < number:
        found += json.loads(socket.recv(timeout=_SECONDS)).get("records", ())
    return found


def record(api, resource_id):
    body = {"actorId": "live", "action": "blog_post.approved", "resourceType": "blog_post", "resourceId": resource_id}
    assert api("POST", "/audit-logs", json=body).status_code == 201


def test_records_and_lines_arrive_and_a_client_that_was_cut_goes_on(api, live):
    filters = {"audit": {"actorId": "live"}, "logs": {"kinds": ["app"], "logger": "live"}}
    with live(**filters) as (socket, answer):
        assert answer["type"] == "subscribed"
        position = answer["position"]
        record(api, "l-1")
        assert api("POST", "/logs/app", json={"message": "seen", "logger": "live"}).status_code == 201
        assert api("POST", "/logs/app", json={"message": "not asked for"}).status_code == 201
        for item in records(socket, 2):
            assert item["record"].get("resourceId", "l-1") == "l-1"
            assert item["record"].get("message", "seen") == "seen"
            position[item["feed"]] = item["sequence"]

    record(api, "l-2")
    assert api("POST", "/logs/app", json={"message": "missed", "logger": "live"}).status_code == 201

    with live(**filters, after=position) as (socket, _):
        found = {item["feed"]: item["record"] for item in records(socket, 2)}
        assert found["audit"]["resourceId"] == "l-2"
        assert found["logs"]["message"] == "missed"
        socket.send('{"action": "ping"}')
        assert json.loads(socket.recv(timeout=_SECONDS))["type"] == "pong"


def test_a_subscription_that_cannot_be_is_refused_with_the_reason(live):
    with live(audit={"nope": 1}) as (_, answer):
        assert answer["type"] == "refused"
        assert answer["problem"]["errors"][0]["pointer"] == "/audit/nope"


def test_a_handshake_without_a_valid_token_is_refused(stack):
    with (
        pytest.raises(InvalidStatus),
        connect(f"{stack['liveUrl']}?token=invalid", open_timeout=_SECONDS),
    ):
        pass

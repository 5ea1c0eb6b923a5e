"""Requests to the functions of the feed, and what they answer."""

import pytest

from tests.builders import http, principal, sequence

CONSUMERS = "/v1/feed/consumers"


@pytest.fixture
def sequenced(connect, audited):
    """Stores audit records with their places in the log."""

    def do(*names, tenant_id="acme", **changes):
        audited(*names, tenant_id=tenant_id, **changes)
        sequence(connect("sealer"), tenant_id)

    return do


@pytest.fixture
def get(call):
    """Sends a GET below /v1/feed; status and body."""

    def send(path="", role="user", query=None, **caller):
        request = http("GET", f"/v1/feed{path}", caller=principal(role, **caller), query=query)
        return call("read_feed", request, "reader")[:2]

    return send


@pytest.fixture
def feed(get):
    """The answer of the feed without waiting."""

    def read(after="beginning", **query):
        given = {"wait": "0", **({"after": after} if after else {}), **query}
        status, answer = get(query=given)
        assert status == 200, answer
        return answer

    return read


@pytest.fixture
def change(call):
    """Sends a change of a consumer; status and body."""

    def send(method, path, body=None, role="user", query=None, **caller):
        request = http(method, f"{CONSUMERS}/{path}", body, caller=principal(role, **caller), query=query)
        return call("manage_feed", request)[:2]

    return send


def names(answer):
    return [_name(item["data"]) for item in answer["items"]]


def _name(data):
    return data.get("resourceId") or data.get("message") or data["requestId"]

"""The authorizer: its policy, where it finds the token, and the trace of a refused one."""

import json
from typing import Any

import jwt
import pytest

from chancery.core.errors import Unavailable
from chancery.core.identity import authorizer
from chancery.core.identity.authorizer import authorization_of, authorize
from chancery.core.identity.tokens import OidcSettings, TokenVerifier
from chancery.core.log_limit import LogLimit
from tests.builders import sample

HANDSHAKE = {"eventType": "CONNECT", "routeKey": "$connect", "connectionId": "c1"}


def asked(*authorization: str, name: str = "Authorization", **changes: Any) -> dict[str, Any]:
    """A request with headers `Authorization`, as API Gateway passes it to the authorizer."""
    headers = {"headers": {name: authorization[-1]} if authorization else {}}
    return sample("authorize_request/request") | headers | {"multiValueHeaders": {name: [*authorization]}} | changes


@pytest.fixture
def refused(caplog, monkeypatch, verifier):
    """Refuses events; returns the lines that were logged, of a process that has logged nothing yet."""
    monkeypatch.setattr(authorizer, "_LIMIT", LogLimit())

    def refuse(*events: dict[str, Any]) -> list[dict[str, Any]]:
        for event in events:
            with pytest.raises(Exception, match=r"^Unauthorized$"):
                authorize(verifier, event)
        return [vars(line) for line in caplog.records if line.getMessage() == "TOKEN_REFUSED"]

    return refuse


def test_the_whole_stage_is_allowed_because_the_answer_is_cached_by_token(issuer, verifier):
    token = issuer.mint("user", ["acme"], subject="sarah")

    answer = authorize(verifier, asked(f"Bearer {token}"))

    statement = answer["policyDocument"]["Statement"][0]
    assert statement["Resource"] == "arn:aws:execute-api:us-east-1:000000000000:api/local/*"
    expires_on = jwt.decode(token, options={"verify_signature": False})["exp"]
    assert answer["context"] == {"role": "user", "tenants": '["acme"]', "expiresOn": str(expires_on)}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (asked("Bearer a"), "Bearer a"),
        (asked("Bearer a", name="authorization"), "Bearer a"),
        (asked(), ""),
        (asked("Bearer a", "Bearer b"), ""),
        (asked("Bearer a", multiValueHeaders={"Authorization": ["Bearer a"], "authorization": ["Bearer b"]}), ""),
        (asked(multiValueQueryStringParameters={"token": ["b"]}), ""),
        ({"requestContext": HANDSHAKE, "multiValueQueryStringParameters": {"token": ["b"]}}, "Bearer b"),
        ({"requestContext": HANDSHAKE, "multiValueQueryStringParameters": {"token": ["b", "c"]}}, ""),
        ({"requestContext": HANDSHAKE, "queryStringParameters": {"token": "b"}}, "Bearer b"),
        ({"headers": {"authorization": "Bearer a"}, "multiValueHeaders": None}, "Bearer a"),
        ({"requestContext": HANDSHAKE, "multiValueQueryStringParameters": None}, ""),
        ({"requestContext": HANDSHAKE, "multiValueHeaders": {"Authorization": ["Bearer a"]}}, ""),
        ({}, ""),
    ],
)
def test_the_token_is_found_in_the_event_of_either_api(event, expected):
    assert authorization_of(event) == expected


def test_a_refused_token_is_logged_with_the_address_and_the_ids_of_the_request(refused):
    forged = jwt.encode({"sub": "mallory", "exp": 1}, "s" * 32, algorithm="HS256", headers={"kid": "k1"})
    traced = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}

    (line,) = refused(asked(f"Bearer {forged}", headers=traced, path="/v1/audit-logs/AKIAIOSFODNN7EXAMPLE"))

    assert (line["claimed_subject"], line["address"]) == ("mallory", "203.0.113.9")
    assert line["request_id"] == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert (line["method"], line["path"]) == ("GET", "/v1/audit-logs/[REDACTED]")
    assert forged not in str(line)


def test_the_token_of_a_refused_handshake_is_not_logged(refused):
    handshake = {
        "methodArn": "arn:aws:execute-api:us-east-1:000000000000:live/local/$connect",
        "requestContext": HANDSHAKE | {"requestId": "r1", "identity": {"sourceIp": "203.0.113.9"}},
        "multiValueQueryStringParameters": {"token": ["eyJhbGciOiJub25lIn0.e30."]},
    }

    (line,) = refused(handshake)

    assert (line["method"], line["address"], line["request_id"]) == ("$connect", "203.0.113.9", "r1")
    assert "eyJ" not in str(line)


def test_each_refused_token_is_counted_and_one_a_minute_of_an_address_and_subject_is_logged(refused):
    forged = jwt.encode({"sub": "mallory", "exp": 1}, "s" * 32, algorithm="HS256", headers={"kid": "k1"})
    elsewhere = {"requestContext": {"identity": {"sourceIp": "198.51.100.7"}}}

    events = [asked(f"Bearer {forged}")] * 3 + [asked(f"Bearer {forged}", **elsewhere)] + [asked("Bearer no")] * 2
    lines = refused(*events)

    assert [(line["address"], line["claimed_subject"]) for line in lines] == [
        ("203.0.113.9", "mallory"),
        ("198.51.100.7", "mallory"),
        ("203.0.113.9", None),
    ]


def test_another_scheme_is_logged_too(refused):
    (line,) = refused(asked("Basic c2FyYWg6c2VjcmV0"))

    assert (line["reason"], line["claimed_subject"]) == ("Unauthenticated", None)
    assert "c2FyYWg6c2VjcmV0" not in json.dumps(line, default=str)


def test_an_unavailable_issuer_raises_unavailable(issuer):
    verifier = TokenVerifier(OidcSettings(issuer.issuer, "chancery", "http://127.0.0.1:9/keys"))

    with pytest.raises(Unavailable):
        authorize(verifier, asked(f"Bearer {issuer.mint('user', ['acme'], subject='s')}"))

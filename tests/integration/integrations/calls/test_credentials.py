"""Credentials of managed calls: sent, exchanged through the guard, never logged, of no other tenant."""

import base64

import pytest


@pytest.mark.parametrize(
    ("auth", "text", "header"),
    [
        ({"type": "bearer"}, "s3cr3t-t0ken", ("authorization", "Bearer s3cr3t-t0ken")),
        ({"type": "basic", "username": "chancery"}, "pass word", ("authorization", "Basic Y2hhbmNlcnk6cGFzcyB3b3Jk")),
        ({"type": "apiKey", "parameter": "X-Sap-Key"}, "key-1", ("x-sap-key", "key-1")),
        (
            {"type": "apiKey", "parameter": "X-Sap-Key", "prefix": "k=", "secretMember": "b"},
            '{"a": "no", "b": "yes"}',
            ("x-sap-key", "k=yes"),
        ),
    ],
)
def test_credentials_are_sent_and_never_logged(endpoint, begin, work, exchanges, peer, secret, auth, text, header):
    endpoint(system={"auth": {**auth, "secretArn": secret(text)}})

    begin({})
    work()

    assert peer.requests[0].headers[header[0]] == header[1]
    (logged,) = exchanges()
    assert logged["requestHeaders"][{"authorization": "Authorization"}.get(header[0], "X-Sap-Key")] == "[REDACTED]"
    assert header[1] not in str(logged)


def test_an_api_key_of_the_query_is_sent_and_never_logged(endpoint, begin, work, exchanges, peer, secret):
    auth = {"type": "apiKey", "placement": "query", "parameter": "sapkey", "secretArn": secret("key 1")}
    endpoint(system={"auth": auth}, query={"page": "2"})

    begin({}, query={"size": 10})
    work()

    assert peer.requests[0].path == "/echo?page=2&size=10&sapkey=key+1"
    assert exchanges()[0]["requestUrl"].endswith("/echo?page=2&size=10&sapkey=[REDACTED]")


def test_a_token_is_exchanged_through_the_guard_once_and_used_until_it_is_refused(
    endpoint, begin, work, exchanges, peer, secret
):
    peer.answer("/token", 200, body=b'{"access_token": "at-1", "token_type": "Bearer", "expires_in": 3600}')
    auth = {"type": "oauth2ClientCredentials", "tokenUrl": f"{peer.url}/token", "clientId": "c 1", "scope": "orders"}
    endpoint(system={"auth": {**auth, "secretArn": secret("s3cr3t")}})

    begin({})
    work()

    token, sent = peer.requests
    assert token.body == b"grant_type=client_credentials&scope=orders"
    assert base64.b64decode(token.headers["authorization"].removeprefix("Basic ")) == b"c+1:s3cr3t"
    assert sent.headers["authorization"] == "Bearer at-1"
    assert "at-1" not in str(exchanges())


@pytest.mark.parametrize("url", ["http://169.254.169.254/token", "http://10.0.0.1/token"])
def test_a_token_url_inside_is_refused(endpoint, begin, work, exchanges, peer, secret, url):
    auth = {"type": "oauth2ClientCredentials", "tokenUrl": url, "clientId": "c1", "secretArn": secret("s")}
    endpoint(system={"auth": auth})

    begin({})
    work()

    assert exchanges()[0]["error"]["type"] == "address_refused"
    assert peer.requests == []


def test_another_tenants_secret_is_refused(endpoint, begin, work, exchanges, peer, secret):
    arn = secret("theirs", "chancery/integrations/tenant-other/sap")
    endpoint(system={"auth": {"type": "bearer", "secretArn": arn}})

    begin({})
    work()

    assert exchanges()[0]["error"]["type"] == "secret_refused"
    assert peer.requests == []

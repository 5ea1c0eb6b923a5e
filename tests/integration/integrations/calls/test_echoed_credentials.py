"""What a system repeats of the credentials in its answer: in no exchange, and in no result."""

import base64
from urllib.parse import unquote_plus

import orjson
import pytest

TEXT = 'pl4in/"s3cr3t key'


def basic(secret: str) -> str:
    return base64.b64encode(f"chancery:{secret}".encode()).decode()


@pytest.fixture
def echo(peer):
    """Has the peer answer with what it was sent, as a service for debugging does; with this status."""

    def answer(status: int) -> None:
        def respond(connection, request):
            value = request.headers.get("authorization") or request.headers.get("x-sap-key") or ""
            decoded = base64.b64decode(value[6:]).decode() if value.startswith("Basic ") else value
            seen = {"note": f"denied for {value}, which is {decoded}", "path": request.path}
            seen["query"] = unquote_plus(request.path)
            connection.respond(status, orjson.dumps(seen), f"X-Seen: {value}{request.path}\r\n")

        peer.answers["/seen"] = respond

    return answer


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize(
    "auth",
    [
        {"type": "bearer"},
        {"type": "basic", "username": "chancery"},
        {"type": "apiKey", "parameter": "X-Sap-Key", "prefix": "k="},
        {"type": "apiKey", "parameter": "sapkey", "placement": "query"},
    ],
)
def test_a_credential_that_the_answer_repeats_is_redacted(
    endpoint, begin, work, read, exchanges, echo, secret, auth, status
):
    endpoint("/seen", {"auth": {**auth, "secretArn": secret(TEXT)}})
    echo(status)

    _, begun, _ = begin({})
    work()

    (logged,) = exchanges()
    ended = read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]
    assert logged["responseStatus"] == status and "note" in logged["responseBody"]
    for place in (logged, ended):
        for form in ("pl4in", basic(TEXT), orjson.dumps(TEXT).decode()[1:-1]):
            assert form not in str(place)
    assert ("[REDACTED]" in str(ended.get("result"))) == (status == 200)


def test_a_token_that_the_answer_repeats_is_redacted(endpoint, begin, work, read, exchanges, echo, peer, secret):
    peer.answer("/token", 200, body=b'{"access_token": "opaque-at-1", "expires_in": 3600}')
    auth = {"type": "oauth2ClientCredentials", "tokenUrl": f"{peer.url}/token", "clientId": "c1"}
    endpoint("/seen", {"auth": {**auth, "secretArn": secret("cl13nt-s3cr3t")}})
    echo(200)

    _, begun, _ = begin({})
    work()

    assert peer.requests[1].headers["authorization"] == "Bearer opaque-at-1"
    for place in (exchanges(), read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]):
        assert "opaque-at-1" not in str(place) and "cl13nt" not in str(place)


def test_a_credential_in_the_headers_of_an_unusable_answer_is_redacted(endpoint, begin, work, exchanges, peer, secret):
    endpoint("/seen", {"auth": {"type": "bearer", "secretArn": secret("pl4in-s3cr3t")}})

    def respond(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nX-Seen: %b\r\n" % request.headers["authorization"].encode())
        connection.send(b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf")

    peer.answers["/seen"] = respond
    begin({})
    work()

    logged = exchanges()[0]
    assert logged["error"]["type"] == "body_damaged" and "x-seen" in logged["responseHeaders"]
    assert "pl4in" not in str(logged)


def test_a_value_that_is_too_short_for_a_secret_leaves_answers_as_they_are(
    endpoint, begin, work, read, echo, peer, secret
):
    endpoint("/echo", {"auth": {"type": "bearer", "secretArn": secret("1")}})

    _, begun, _ = begin({"quantity": 121})
    work()

    assert read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]["result"] == {"body": {"quantity": 121}}


def test_a_call_cannot_replace_parameters_that_every_call_has(endpoint, begin, secret):
    auth = {"type": "apiKey", "placement": "query", "parameter": "sapkey", "secretArn": secret("key-1-secret")}
    endpoint(system={"auth": auth}, query={"client": "100"})

    status, refused, _ = begin({}, query={"sapkey": "mine", "page": 2, "client": "999"})

    assert status == 422
    assert [error["pointer"] for error in refused["errors"]] == ["/query/sapkey", "/query/client"]


def test_a_credential_takes_the_place_of_a_header_with_its_name(endpoint, begin, work, exchanges, peer, secret):
    auth = {"type": "apiKey", "parameter": "x-sap-key", "secretArn": secret("key-1-secret")}
    endpoint(system={"auth": auth, "headers": {"X-Sap-Key": "anonymous"}})
    seen = []

    def respond(connection, request):
        seen.append(request.headers["x-sap-key"])
        connection.respond(200, b"{}")

    peer.answers["/echo"] = respond
    begin({})
    work()

    assert seen == ["key-1-secret"]
    headers = exchanges()[0]["requestHeaders"]
    assert [value for name, value in headers.items() if name.lower() == "x-sap-key"] == ["[REDACTED]"]

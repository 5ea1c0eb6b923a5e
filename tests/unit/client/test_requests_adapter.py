"""Every call of a requests session is logged, and nothing of the call changes."""

import io
import shutil
import socket

import pytest
import requests

from chancery_client.requests_adapter import ExchangeAdapter
from tests.http_server import serving
from tests.unit.client.test_httpx_transport import Peer, go_on


@pytest.fixture(scope="module")
def peer():
    with serving(Peer) as url:
        yield url


@pytest.fixture
def session(exchange_log):
    with requests.Session() as session:
        session.mount("http://", ExchangeAdapter(exchange_log, "sap"))
        yield session


def test_a_call_is_logged_with_request_and_response(session, peer, logged):
    response = session.post(f"{peer}/echo", json={"a": 1}, headers={"Cookie": "a=b"}, auth=("sarah", "hunter2"))

    (found,) = logged()
    assert (response.status_code, response.json()) == (201, {"a": 1})
    assert (found["systemCode"], found["httpMethod"], found["requestUrl"]) == ("sap", "POST", f"{peer}/echo")
    assert (found["requestBody"], found["responseBody"]) == ('{"a": 1}', '{"a": 1}')
    assert (found["responseStatus"], found["status"]) == (201, "SUCCESS")
    assert found["requestHeaders"]["Authorization"] == found["requestHeaders"]["Cookie"] == "[REDACTED]"


def test_a_compressed_response_is_logged_in_clear_and_redacted(session, peer, logged):
    assert session.get(f"{peer}/gzip").json() == {"password": "hunter2"}

    assert [each["responseBody"] for each in logged()] == ['{"password": "[REDACTED]"}']


@pytest.mark.parametrize("body", [iter([b"a", b"b"]), io.BytesIO(b"ab")], ids=["generator", "file"])
def test_a_request_that_is_streamed_is_logged_without_its_body(session, peer, logged, body):
    assert session.post(f"{peer}/echo", data=body).content == b"ab"

    assert [(each.get("requestBody"), each["responseBody"]) for each in logged()] == [(None, "ab")]


def test_each_hop_of_a_redirect_is_an_exchange(session, peer, logged):
    assert session.post(f"{peer}/moved", data=b"x").content == b"x"

    assert [(each["responseStatus"], each["requestBody"]) for each in logged()] == [(307, "x"), (201, "x")]


@pytest.mark.parametrize(
    ("path", "options", "error", "status"),
    [
        ("/slow", {"timeout": 0.2}, requests.ConnectionError, "TIMEOUT"),
        ("/half", {}, requests.exceptions.ChunkedEncodingError, "FAILED"),
    ],
)
def test_a_response_that_breaks_off_is_logged_with_what_was_read(session, peer, logged, path, options, error, status):
    go_on.clear()
    try:
        with pytest.raises(error):
            session.get(f"{peer}{path}", **options)
    finally:
        go_on.set()

    (found,) = logged()
    assert (found["status"], found["responseStatus"]) == (status, 200)


def test_a_peer_that_is_not_there_is_a_failed_exchange(session, logged):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(requests.ConnectionError):
            session.get(f"http://127.0.0.1:{nobody.getsockname()[1]}/")

    (found,) = logged()
    assert (found["status"], found["error"]["type"]) == ("FAILED", "requests.exceptions.ConnectionError")


def test_a_streamed_response_is_passed_on_as_it_comes(session, peer, logged):
    go_on.clear()
    with session.get(f"{peer}/slow", stream=True) as response:
        chunks = response.iter_content(6)
        assert next(chunks) == b"first,"
        go_on.set()
        assert [*chunks] == [b"second"]

    assert [each["responseBody"] for each in logged()] == ["first,second"]


def test_a_response_that_is_closed_early_ends_the_exchange_with_what_was_read(session, peer, logged):
    go_on.clear()
    with session.get(f"{peer}/slow", stream=True) as response:
        assert next(response.iter_content(6)) == b"first,"
    go_on.set()

    assert [(each["status"], each["responseBody"]) for each in logged()] == [("SUCCESS", "first,")]


@pytest.mark.parametrize(
    "read",
    [
        lambda raw: raw.read(),
        lambda raw: b"".join(iter(lambda: raw.read(2), b"")),
        lambda raw: b"".join(raw),
        lambda raw: shutil.copyfileobj(raw, target := io.BytesIO()) or target.getvalue(),
    ],
    ids=["whole", "parts", "lines", "copied"],
)
def test_a_body_that_the_host_reads_from_urllib3_is_logged(session, peer, logged, read):
    with session.get(f"{peer}/", stream=True) as response:
        assert read(response.raw) == b"found"

    assert [each["responseBody"] for each in logged()] == ["found"]

"""The client against a server that misbehaves: every exchange ends in bounded time and memory, with its reason."""

import socket
import tracemalloc
from ipaddress import ip_network

import pytest

from chancery.core.outbound import errors
from chancery.core.outbound.client import Limits, OutboundClient, OutboundRequest
from tests.certificates import Authority
from tests.misbehaving_peer import misbehaving_peer

LOOPBACK = (ip_network("127.0.0.0/8"),)
# One limit is short, and the others are never reached, however busy the machine is.
IDLE = Limits(connect=60, idle=0.3, total=120, body_bytes=1_000_000)
DEADLINE = Limits(connect=60, idle=60, total=1.5, body_bytes=1_000_000)
LONG = Limits(connect=60, idle=60, total=120, body_bytes=1_000_000)


class Names:
    """A resolver. `answers`: name → addresses of one lookup after the other; the last ones stay."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = answers
        self.lookups: list[str] = []

    def __call__(self, host, port, **_):
        self.lookups.append(host)
        left = self.answers[host.partition(".")[0]]
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


@pytest.fixture(scope="module")
def peer():
    with misbehaving_peer() as peer:
        yield peer


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


def send(url, limits=LONG, client=None, method="GET", **request):
    return (client or OutboundClient(LOOPBACK)).send(OutboundRequest(method, url, **request), limits)


def test_a_request_arrives_as_it_was_given(peer):
    answer = send(f"{peer.url}/echo?a=b", method="POST", headers=[("X-Own", "1")], body=b'{"a": 1}')

    assert (answer.status, answer.body, answer.text()) == (200, b'{"a": 1}', '{"a": 1}')
    received = peer.requests[-1]
    assert (received.method, received.path, received.body) == ("POST", "/echo?a=b", b'{"a": 1}')
    assert received.headers == {
        "host": f"127.0.0.1:{peer.port}",
        "connection": "close",
        "accept-encoding": "gzip",
        "user-agent": "Chancery",
        "content-length": "8",
        "x-own": "1",
    }


@pytest.mark.parametrize(
    ("path", "limits", "error", "status"),
    [
        ("/silent", IDLE, errors.ReadTimedOut, None),
        ("/slow-headers", DEADLINE, errors.DeadlineExceeded, None),
        ("/slow-body", DEADLINE, errors.DeadlineExceeded, 200),
        ("/continues", DEADLINE, errors.DeadlineExceeded, None),
        ("/reset", LONG, errors.ConnectionReset, None),
        ("/closed", LONG, errors.ConnectionClosed, None),
        ("/half-body", LONG, errors.BodyIncomplete, 200),
        ("/half-chunks", LONG, errors.BodyIncomplete, 200),
        ("/half-body-reset", LONG, errors.BodyIncomplete, 200),
        ("/huge", LONG, errors.BodyTooLarge, 200),
        ("/huge-chunks", LONG, errors.BodyTooLarge, 200),
        ("/many-headers", LONG, errors.HeadersTooLarge, 200),
        ("/long-header", LONG, errors.HeadersTooLarge, None),
        ("/no-http", LONG, errors.ProtocolViolated, None),
        ("/gzip-bomb", LONG, errors.BodyTooLarge, 200),
        ("/half-gzip", LONG, errors.BodyDamaged, 200),
        ("/brotli", LONG, errors.CodingUnsupported, 200),
    ],
)
def test_a_misbehaving_server_is_an_error_with_its_reason(peer, path, limits, error, status):
    with pytest.raises(error) as failed:
        send(peer.url + path, limits)

    assert type(failed.value) is error
    assert failed.value.status == status
    assert len(failed.value.headers) <= 200


def test_a_body_that_is_not_utf8_is_bytes_and_no_text(peer):
    answer = send(f"{peer.url}/invalid-utf8")

    assert answer.body == b'{"name": "\xff\xfe"}'
    with pytest.raises(errors.TextInvalid, match="byte 10"):
        answer.text()


@pytest.mark.parametrize(("charset", "text"), [("ISO-8859-1", "ÿþ"), ('"iso-8859-1"; x=y', "ÿþ")])
def test_text_is_read_by_its_charset(peer, charset, text):
    peer.answer("/latin", 200, headers=f"Content-Type: text/plain; charset={charset}\r\n", body=b"\xff\xfe")

    assert send(f"{peer.url}/latin").text() == text


def test_text_in_an_unknown_charset_is_refused(peer):
    peer.answer("/rot", 200, headers="Content-Type: text/plain; charset=rot13\r\n", body=b"x")

    with pytest.raises(errors.TextInvalid):
        send(f"{peer.url}/rot").text()


@pytest.mark.parametrize("path", ["/huge", "/huge-chunks", "/gzip-bomb", "/long-header"])
def test_memory_is_bounded_by_the_limit_and_not_by_the_answer(peer, path):
    tracemalloc.start()
    try:
        with pytest.raises(errors.OutboundError):
            send(peer.url + path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    served = 1_000_000 if path == "/huge-chunks" else 100_000  # by the peer, which is in this process
    assert most < 4 * LONG.body_bytes + 10 * served


@pytest.mark.parametrize(("path", "status"), [("/500", 500), ("/429", 429), ("/gzip", 200)])
def test_every_status_is_an_answer(peer, path, status):
    answer = send(peer.url + path)

    assert answer.status == status
    assert answer.header("retry-after") == ("120" if status == 429 else None)
    assert answer.body != b""


def test_a_head_request_has_the_headers_and_no_body(peer):
    peer.answers["/head"] = lambda connection, _: connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n"
    )

    assert send(f"{peer.url}/head", method="HEAD").body == b""


def test_an_answer_before_the_request_is_read_whole_is_read(peer):
    def refuse(connection, _):
        connection.respond(413, b"too large")

    with misbehaving_peer() as early:
        early.answers["/early"] = refuse
        answer = send(f"{early.url}/early", method="POST", body=bytes(8_000_000), limits=LONG)

    assert answer.status == 413


@pytest.mark.parametrize("path", ["/to-metadata", "/to-private-name"])
def test_redirects_are_answers_and_are_not_followed(peer, path):
    before = len(peer.requests)

    answer = send(peer.url + path)

    assert answer.status in (302, 307)
    assert answer.header("location").startswith("http://")
    assert len(peer.requests) == before + 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_loopback_is_refused_where_it_is_not_stated(peer, host):
    before = len(peer.requests)

    with pytest.raises(errors.AddressRefused):
        send(f"http://{host}:{peer.port}/echo", client=OutboundClient())
    assert len(peer.requests) == before


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["169.254.169.254"]]
)
def test_a_name_is_refused_for_any_of_its_addresses(peer, addresses):
    client = OutboundClient(LOOPBACK, lookup=Names(api=[addresses]))
    before = len(peer.requests)

    with pytest.raises(errors.AddressRefused):
        send(f"http://api.example.org:{peer.port}/echo", client=client)
    assert len(peer.requests) == before


def test_a_name_that_changes_its_address_is_looked_up_once_for_each_request(peer):
    names = Names(rebinding=[["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]])
    client = OutboundClient(LOOPBACK, lookup=names)
    url = f"http://rebinding.example.org:{peer.port}/echo"

    assert send(url, client=client).status == 200
    assert names.lookups == ["rebinding.example.org"]
    assert peer.requests[-1].headers["host"] == f"rebinding.example.org:{peer.port}"
    with pytest.raises(errors.AddressRefused):
        send(url, client=client)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_are_not_used(peer, monkeypatch, name):
    monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert send(f"{peer.url}/echo").status == 200


def test_a_name_that_does_not_resolve_is_a_reason():
    def lookup(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(errors.NameNotResolved) as failed:
        send("http://nowhere.example.org/", client=OutboundClient(lookup=lookup))
    assert not failed.value.is_sent


def test_a_lookup_that_does_not_end_is_left_behind(peer):
    client = OutboundClient(LOOPBACK, lookup=lambda *_, **__: peer.stopped.wait() and [])

    with pytest.raises(errors.ConnectTimedOut):
        send("http://slow.example.org/", Limits(connect=0.2), client=client)


def test_a_closed_port_is_a_reason():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(errors.ConnectFailed, match="Connection refused") as failed:
        send(f"http://127.0.0.1:{port}/")
    assert not failed.value.is_sent


def test_the_next_address_of_a_name_is_tried(peer):
    client = OutboundClient(LOOPBACK, lookup=Names(api=[["127.0.0.9", "127.0.0.1"]]))

    assert send(f"http://api.example.org:{peer.port}/echo", client=client).status == 200


@pytest.mark.parametrize(
    "request_",
    [
        {"headers": [("Host", "other")]},
        {"headers": [("transfer-encoding", "chunked")]},
        {"headers": [("X-A", "1\r\nX-B: 2")]},
        {"headers": [("X A", "1")]},
        {"headers": [("X-A", "ü\u20ac")]},
        {"method": "GET /other HTTP/1.1\r\nX: "},
        {"method": "G€T"},
    ],
)
def test_a_request_that_would_be_another_one_is_refused(peer, request_):
    before = len(peer.requests)

    with pytest.raises(errors.RequestRefused):
        send(f"{peer.url}/echo", **request_)
    assert len(peer.requests) == before


def client_for(authority, host):
    return OutboundClient(LOOPBACK, tls=authority.trusting(), lookup=Names(**{host.partition(".")[0]: [["127.0.0.1"]]}))


def test_a_certificate_is_checked_against_the_name_and_not_the_address(authority):
    with misbehaving_peer(authority.server("api.example.org")) as peer:
        client = client_for(authority, "api.example.org")

        assert send(f"https://api.example.org:{peer.port}/echo", client=client).status == 200


@pytest.mark.parametrize(("host", "days"), [("other.example.org", 30), ("api.example.org", -1)])
def test_a_certificate_of_another_name_or_time_is_refused(authority, host, days):
    with misbehaving_peer(authority.server(host, days)) as peer:
        with pytest.raises(errors.CertificateInvalid):
            send(f"https://api.example.org:{peer.port}/", client=client_for(authority, "api.example.org"))
        assert peer.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused(authority, tmp_path):
    server = Authority(tmp_path).server("api.example.org")
    with misbehaving_peer(server) as peer, pytest.raises(errors.CertificateInvalid):
        send(f"https://api.example.org:{peer.port}/", client=client_for(authority, "api.example.org"))


def test_the_deployed_client_knows_public_authorities_only(authority):
    with misbehaving_peer(authority.server("api.example.org")) as peer:
        client = OutboundClient(LOOPBACK, lookup=Names(api=[["127.0.0.1"]]))

        with pytest.raises(errors.CertificateInvalid):
            send(f"https://api.example.org:{peer.port}/", client=client)


def test_a_server_without_tls_is_a_reason(peer):
    with pytest.raises(errors.TlsFailed) as failed:
        send(f"https://127.0.0.1:{peer.port}/", IDLE)
    assert not failed.value.is_sent


def test_a_tls_handshake_that_does_not_end_is_a_reason():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(errors.ConnectTimedOut):
        send(f"https://127.0.0.1:{silent.getsockname()[1]}/", Limits(connect=0.3))


def test_a_body_whose_end_tls_does_not_confirm_is_incomplete(authority):
    def cut(connection, _):
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf")

    with misbehaving_peer(authority.server("api.example.org")) as peer:
        peer.answers["/cut"] = cut

        with pytest.raises(errors.BodyIncomplete):
            send(f"https://api.example.org:{peer.port}/cut", client=client_for(authority, "api.example.org"))


def test_a_server_that_takes_nothing_is_a_reason():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(errors.ReadTimedOut):
        send(f"http://127.0.0.1:{silent.getsockname()[1]}/", IDLE, method="POST", body=bytes(50_000_000))


def test_every_reason_has_a_code_of_its_own():
    def below(kind):
        return [kind, *(item for other in kind.__subclasses__() for item in below(other))]

    kinds = below(errors.OutboundError)
    assert len({kind.reason for kind in kinds}) == len(kinds) == 24

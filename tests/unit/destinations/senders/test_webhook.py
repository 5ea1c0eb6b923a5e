"""Webhooks over real sockets: what arrives, and what an answer means."""

import errno
import socket
from datetime import timedelta

import orjson
import pytest
from standardwebhooks import Webhook

from chancery.core.formats.times import now
from chancery.core.outbound.client import OutboundClient
from chancery.destinations.ports import OpenDestination, Unsendable
from chancery.destinations.senders.http import MESSAGE_HEADERS
from chancery.destinations.senders.signing import new_secret
from tests.certificates import Authority
from tests.messages import LOOPBACK, NOW, REF_ID, delivery_of, destination_of, event_of, senders
from tests.misbehaving_peer import misbehaving_peer

SECONDS = 25


@pytest.fixture(scope="module")
def peer():
    with misbehaving_peer() as running:
        yield running


def sent(to: OpenDestination, events=(), seconds=SECONDS, sender=None, **delivery):
    sender = sender or senders()["webhook"]
    events = events or [event_of()]
    return sender.send(to, sender.prepare(to, delivery_of(events, **delivery), events, NOW), seconds)


def test_an_event_arrives_signed_by_each_secret_with_its_place_in_the_log(peer):
    current, former = new_secret("hmac").secret, new_secret("hmac").secret
    to = destination_of("webhook", f"{peer.url}/hook?a=1", secrets=(current, former), headers={"X-Tenant": "acme"})
    sender, event, moment = senders()["webhook"], event_of(42, actorName="Sarah"), now()

    message = sender.prepare(to, delivery_of([event]), [event], moment)
    result = sender.send(to, message, SECONDS)

    received = peer.requests[-1]
    assert (result.verdict, result.reason, result.status) == ("accepted", "http_200", 200)
    assert (received.method, received.path) == ("POST", "/hook?a=1")
    assert Webhook(current).verify(received.body, received.headers) == Webhook(former).verify(
        received.body, received.headers
    )
    assert orjson.loads(received.body) == {
        "type": "audit.blog_post.updated",
        "timestamp": "2026-03-01T12:00:00.000Z",
        "source": "audit",
        "sequence": 42,
        "leafIndex": 41,
        "data": {**event.data, "tenantId": "acme"},
    }
    assert received.headers["webhook-id"] == REF_ID
    assert received.headers["webhook-timestamp"] == str(int(moment.timestamp()))
    assert received.headers["content-type"] == "application/json"
    assert received.headers["x-tenant"] == "acme"


def test_attempts_have_the_same_id_and_body_and_the_time_of_each():
    to = destination_of("webhook", "https://example.org/", secrets=(new_secret("hmac").secret,))
    event, sender = event_of(), senders()["webhook"]

    first, second = (
        sender.prepare(to, delivery_of([event]), [event], NOW + timedelta(seconds=after)) for after in (0, 5)
    )

    assert first.body == second.body
    assert dict(first.headers)["webhook-id"] == dict(second.headers)["webhook-id"]
    assert [dict(message.headers)["webhook-timestamp"] for message in (first, second)] == ["1772366400", "1772366405"]
    assert dict(first.headers)["webhook-signature"] != dict(second.headers)["webhook-signature"]


def test_what_is_logged_has_no_secret():
    secret, own = new_secret("ed25519").secret, "own-header-value"
    to = destination_of("webhook", "https://hooks.example.org/[redacted]", secrets=(secret,), headers={"X-Key": own})
    to = to._replace(url="https://hooks.example.org/T000/B000/url-secret")
    event, sender = event_of(), senders()["webhook"]
    message = sender.prepare(to, delivery_of([event]), [event], NOW)

    logged = orjson.dumps([message.logged_url, message.logged_headers, message.logged_body]).decode()

    assert message.url.endswith("url-secret")
    assert own in dict(message.headers).values()
    assert not any(secret_text in logged for secret_text in (secret, own, "url-secret", "v1a,"))
    assert message.logged_body == orjson.loads(message.body)
    assert message.logged_headers["webhook-id"] == REF_ID


@pytest.mark.parametrize("name", sorted(MESSAGE_HEADERS))
def test_own_headers_replace_none_of_the_message(name):
    to = destination_of("webhook", "https://example.org/", secrets=(new_secret("hmac").secret,))
    event, sender = event_of(), senders()["webhook"]
    expected = sender.prepare(to, delivery_of([event]), [event], NOW).headers
    with_own = to._replace(headers={name.upper(): "own"})

    headers = sender.prepare(with_own, delivery_of([event]), [event], NOW).headers

    assert [pair for pair in headers if pair[1] != "own"] == list(expected)
    assert len({header.lower() for header, _ in headers}) == len(headers)


@pytest.mark.parametrize(
    ("status", "headers", "verdict", "retry_after"),
    [
        (200, "", "accepted", None),
        (202, "", "accepted", None),
        (204, "", "accepted", None),
        (301, "Location: https://example.org/\r\n", "failed", None),
        (307, "Location: https://example.org/\r\n", "failed", None),
        (400, "", "failed", None),
        (401, "", "failed", None),
        (404, "", "failed", None),
        (410, "", "gone", None),
        (429, "Retry-After: 120\r\n", "slow_down", timedelta(seconds=120)),
        (429, "Retry-After: Sun, 01 Mar 2026 12:10:00 GMT\r\n", "slow_down", timedelta(minutes=10)),
        (429, "", "slow_down", None),
        (500, "", "failed", None),
        (502, "", "slow_down", None),
        (503, "Retry-After: 7\r\n", "failed", timedelta(seconds=7)),
        (504, "Retry-After: tomorrow\r\n", "slow_down", None),
        (500, "webhook-delivery: disable\r\n", "disable", None),
        (200, "Webhook-Delivery: Disable\r\n", "disable", None),
        (500, "webhook-delivery: abort-message\r\n", "abort", None),
        (200, "webhook-delivery: abort-message\r\n", "accepted", None),
        (500, "webhook-delivery: something\r\n", "failed", None),
    ],
)
def test_the_answer_decides(peer, status, headers, verdict, retry_after):
    peer.answer("/decides", status, headers=headers, body=b"" if status == 204 else b"answer")

    result = sent(destination_of("webhook", f"{peer.url}/decides"))

    assert (result.verdict, result.retry_after) == (verdict, retry_after)
    assert (result.status, result.reason) == (status, f"http_{status}")
    assert result.body == (b"" if status == 204 else b"answer")


def test_a_redirect_is_not_followed(peer):
    before = len(peer.requests)

    result = sent(destination_of("webhook", f"{peer.url}/to-metadata"))

    assert (result.verdict, result.status) == ("failed", 302)
    assert len(peer.requests) == before + 1


@pytest.mark.parametrize("path", ["/huge", "/half-body", "/half-chunks", "/gzip-bomb", "/brotli"])
def test_a_2xx_is_success_whatever_becomes_of_its_body(peer, path):
    result = sent(destination_of("webhook", peer.url + path))

    assert (result.verdict, result.status, result.body) == ("accepted", 200, None)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/reset", "connection_reset"),
        ("/closed", "connection_closed"),
        ("/no-http", "protocol_violated"),
    ],
)
def test_no_answer_is_a_failure_of_the_receiver(peer, path, reason):
    result = sent(destination_of("webhook", peer.url + path))

    assert (result.verdict, result.reason, result.status) == ("failed", reason, None)


def test_a_receiver_that_is_silent_is_left_when_the_time_is_over(peer):
    result = sent(destination_of("webhook", f"{peer.url}/silent"), seconds=0.3)

    assert result.verdict == "failed"
    assert result.reason in ("connect_timed_out", "read_timed_out", "deadline_exceeded")  # by the load of the machine


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://169.254.169.254/latest/meta-data", "address_refused"),
        ("https://[::1]/", "address_refused"),
        ("https://10.0.0.1/", "address_refused"),
        ("https://0x7f.1/", "url_refused"),
        ("https://user:word@example.org/", "url_refused"),
        ("ftp://example.org/", "url_refused"),
    ],
)
def test_what_the_guard_refuses_is_unsendable(url, reason):
    result = sent(destination_of("webhook", url))

    assert (result.verdict, result.reason) == ("unsendable", reason)


@pytest.mark.parametrize(
    ("failure", "verdict", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "failed", "name_not_resolved"),
        (socket.gaierror(socket.EAI_AGAIN, "no answer"), "failed", "name_not_resolved"),
        (socket.gaierror(socket.EAI_SYSTEM, "no resolver"), "own_fault", "name_not_resolved"),
        (socket.gaierror(socket.EAI_MEMORY, "no memory"), "own_fault", "name_not_resolved"),
    ],
)
def test_a_failed_lookup_is_charged_to_whose_fault_it_is(failure, verdict, reason):
    def lookup(*_args, **_options):
        raise failure

    sender = senders(client=OutboundClient(LOOPBACK, lookup=lookup))["webhook"]

    result = sent(destination_of("webhook", "https://hooks.example.org/"), sender=sender)

    assert (result.verdict, result.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (errno.ECONNREFUSED, "failed"),
        (errno.EHOSTUNREACH, "failed"),
        (errno.ENETUNREACH, "own_fault"),
        (errno.EMFILE, "own_fault"),
        (errno.EADDRNOTAVAIL, "own_fault"),
    ],
)
def test_a_failed_connection_is_charged_to_whose_fault_it_is(monkeypatch, code, verdict):
    def refuse(*_args, **_options):
        raise OSError(code, "no")

    monkeypatch.setattr(socket, "create_connection", refuse)

    result = sent(destination_of("webhook", "http://127.0.0.1:9/"))

    assert (result.verdict, result.reason) == (verdict, "connect_failed")


def test_a_certificate_of_an_unknown_authority_is_a_failure_of_the_receiver(tmp_path):
    authority = Authority(tmp_path)
    with misbehaving_peer(authority.server("127.0.0.1")) as secured:
        result = sent(destination_of("webhook", f"{secured.url}/echo"))

    assert (result.verdict, result.reason) == ("failed", "certificate_invalid")


def test_a_large_event_is_sent_without_its_large_fields_and_names_them(peer):
    event = event_of(7, changes=["x" * 1000] * 300, details={"a": "y" * 300_000}, actorName="Sarah")

    assert sent(destination_of("webhook", f"{peer.url}/large"), [event]).verdict == "accepted"

    payload = orjson.loads(peer.requests[-1].body)
    assert len(peer.requests[-1].body) <= 256 * 1024
    assert payload["omitted"] == ["changes", "details"]
    assert payload["data"]["refId"] == event.item.ref_id
    assert payload["data"]["actorName"] == "Sarah"
    assert payload["sequence"] == 7


@pytest.mark.parametrize("kind", ["test", "alert"])
def test_a_test_and_an_alert_name_themselves(kind):
    sender = senders()["webhook"]
    content = {"count": 3, "link": "https://example.org/"}
    delivery = delivery_of([], kind=kind, content=content)

    message = sender.prepare(destination_of("webhook", "https://example.org/"), delivery, [], NOW)

    assert orjson.loads(message.body) == {
        "type": f"destination.{kind}",
        "timestamp": "2026-03-01T12:00:00.000Z",
        "data": {
            "refId": REF_ID,
            **content,
            "tenantId": "acme",
            **({"types": ["log.error"]} if kind == "alert" else {}),
        },
    }


def test_a_delivery_whose_event_is_gone_cannot_be_made():
    sender, event = senders()["webhook"], event_of()

    with pytest.raises(Unsendable) as refused:
        sender.prepare(destination_of("webhook", "https://example.org/"), delivery_of([event]), [], NOW)

    assert refused.value.reason == "events_expired"

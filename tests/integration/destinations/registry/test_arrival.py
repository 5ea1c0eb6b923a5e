"""From a destination's creation over the API to what its receiver gets: handlers, database, sockets, signatures."""

import json

import boto3
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.builders import message
from tests.fakes import LambdaContext
from tests.integration.destinations.registry.conftest import webhook
from tests.misbehaving_peer import misbehaving_peer

PATH = "/hooks/chancery"


@pytest.fixture
def receiver():
    """A receiver on this machine that accepts everything."""
    with misbehaving_peer() as peer:
        peer.answer(PATH, 204)
        yield peer


@pytest.fixture
def hook(send, receiver, monkeypatch, aws):
    """A webhook that goes to the receiver."""
    kms = boto3.client("kms", region_name="us-east-1")
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="bucket")
    monkeypatch.setattr("chancery.core.aws.clients.client", {"kms": kms, "s3": s3}.__getitem__)
    for name, value in {
        "OUTBOUND_PLAIN_HTTP": "true",
        "OUTBOUND_PRIVATE_RANGES": "127.0.0.0/8",
        "LOG_BUCKET": "bucket",
        "CONTENT_BUCKET": "bucket",
        "SEAL_QUEUE_URL": "https://seal",
        "EXCHANGE_COMPLETIONS_QUEUE_URL": "https://completions.fifo",
        "MAX_RECEIVES": "3",
    }.items():
        monkeypatch.setenv(f"CHANCERY_{name}", value)
    body = webhook(url=f"{receiver.url}{PATH}", events=["audit.blog_post.*"], filter={"resourceId": [{"prefix": "p"}]})
    status, made, _ = send("POST", "", body)
    assert status == 201, made
    return made


@pytest.fixture
def run(environment, load_function, retry_queue):
    """Serves what the queue names, as the function does."""

    def serve():
        bodies = [body for body in retry_queue.sent if "former" in body]
        retry_queue.sent.clear()
        environment("deliverer")
        event = {"Records": [message(body) for body in bodies]}
        answer = load_function("deliver_events").handler(event, LambdaContext())
        assert answer == {"batchItemFailures": []}
        return len(bodies)

    return serve


def verified(secret, request):
    """The payload, where its signature is of the secret. Raises WebhookVerificationError."""
    return Webhook(secret).verify(request.body, request.headers)


def test_an_event_arrives_signed_and_its_delivery_has_its_attempt(send, hook, run, audited, receiver):
    audited("p1", "x1", action="blog_post.approved")
    audited("p2", action="contract.issued")

    assert run() == 1

    (request,) = receiver.requests
    payload = verified(hook["secret"], request)
    assert (payload["type"], payload["data"]["resourceId"]) == ("audit.blog_post.approved", "p1")
    (listed,) = send("GET", f"/{hook['refId']}/deliveries")[1]["items"]
    assert (listed["refId"], listed["status"]) == (request.headers["webhook-id"], "delivered")
    (attempt,) = send("GET", f"/{hook['refId']}/deliveries/{listed['refId']}")[1]["attempts"]
    assert (attempt["status"], attempt["responseStatus"]) == ("SUCCESS", 204)
    health = send("GET", f"/{hook['refId']}/health")[1]
    assert (health["status"], health["pending"], health["lag"]["audit"]["events"]) == ("ok", 0, 0)
    assert health["lastSuccessOn"]


def test_a_replay_arrives_under_the_same_id_and_a_test_under_its_own(send, hook, run, audited, receiver):
    audited("p1", action="blog_post.approved")
    run()
    path = f"/{hook['refId']}"
    (delivery,) = send("GET", f"{path}/deliveries")[1]["items"]

    assert send("POST", f"{path}/deliveries/{delivery['refId']}/replay")[0] == 202
    run()
    tested = send("POST", f"{path}/test", {"type": "audit.blog_post.approved"})[1]
    run()

    first, again, test = receiver.requests
    assert first.headers["webhook-id"] == again.headers["webhook-id"] == delivery["refId"]
    assert first.body == again.body
    assert test.headers["webhook-id"] == tested["refId"]
    assert verified(hook["secret"], test)["type"] == "destination.test"
    assert len(send("GET", f"{path}/deliveries/{delivery['refId']}")[1]["attempts"]) == 2


def test_both_secrets_sign_during_the_overlap(send, hook, run, receiver):
    rotated = send("POST", f"/{hook['refId']}/secret", {"overlapHours": 1})[1]
    last = send("POST", f"/{hook['refId']}/secret", {"overlapHours": 1})[1]
    send("POST", f"/{hook['refId']}/test")
    run()

    (request,) = receiver.requests
    for secret in (hook["secret"], rotated["secret"], last["secret"]):
        assert verified(secret, request)
    with pytest.raises(WebhookVerificationError):
        verified("whsec_" + "A" * 43 + "=", request)


def test_what_comes_while_a_destination_is_disabled_arrives_when_it_is_enabled(send, hook, put, run, audited, receiver):
    settings = {"name": "Portal", "events": ["audit.*"]}
    disabled = put(hook, {**settings, "enabled": False})[1]
    audited("p1", action="blog_post.approved")
    run()
    assert receiver.requests == []

    put(disabled, settings)
    run()

    assert [json.loads(request.body)["data"]["resourceId"] for request in receiver.requests] == ["p1"]


def test_own_headers_are_sent_and_not_logged(send, hook, put, run, receiver, connect):
    put(hook, {"name": "Portal", "events": ["audit.*"], "headers": {"X-Portal-Key": "hdr-Zq81mVt0aKpX"}})
    send("POST", f"/{hook['refId']}/test")
    run()

    assert receiver.requests[0].headers["x-portal-key"] == "hdr-Zq81mVt0aKpX"
    (exchange,) = connect("reader").integration_logs.find({})
    assert "hdr-Zq81mVt0aKpX" not in repr(exchange)
    assert "webhook-signature" not in {name.lower() for name in exchange["requestHeaders"]}

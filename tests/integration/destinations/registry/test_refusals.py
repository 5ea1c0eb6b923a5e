"""What is refused of a destination before it is stored, and what a deployment may allow."""

from random import Random

import pytest

from tests.credential_samples import with_crc32
from tests.integration.destinations.registry.conftest import ACCOUNT, webhook, wrong

SPLUNK = {"kind": "splunk_hec", "url": "https://splunk.example.com:8088", "token": "6a1f-splunk-token"}
ROLE = "arn:aws:iam::444455556666:role/chancery"
GITHUB_TOKEN = with_crc32("ghp_", Random(1))
BUCKET = {"kind": "s3", "url": "s3://acme-audit/chancery", "roleArn": ROLE}

REFUSED = [
    ({"url": "http://portal.example.com"}, "/url", "https"),
    ({"url": "https://user:pw@portal.example.com"}, "/url", "user name"),
    ({"url": "https://10.0.0.1/x"}, "/url", "no call goes to"),
    ({"url": "https://localhost/x"}, "/url", "no call goes to"),
    ({"url": "https://169.254.169.254/x"}, "/url", "never allowed"),
    ({"url": "https://portal.example.com/#x"}, "/url", "fragment"),
    ({"url": "s3://bucket"}, "/url", "URL"),
    ({"token": "abc"}, "/token", "webhook"),
    ({"roleArn": ROLE}, "/roleArn", "webhook"),
    ({"maxAgeSeconds": 5}, "/maxAgeSeconds", "webhook"),
    ({"options": {"index": "main"}}, "/options", "webhook"),
    ({"format": "xml"}, "/format", "json"),
    ({"headers": {"webhook-id": "1"}}, "/headers/webhook-id", "sender"),
    ({"headers": {"Content-Length": "1"}}, "/headers/Content-Length", "sender"),
    ({"headers": {"X-A": "1", "x-a": "2"}}, "/headers/x-a", "twice"),
    ({"filter": {"action": "x"}}, "/filter/action", "list"),
    ({"filter": {"a": [{"regex": "x"}]}}, "/filter/a/0", "exists"),
    ({"events": []}, "/events", "empty"),
    ({"events": ["nothing.*"]}, "/events/0", "audit."),
    ({"alert": {"count": 1, "minutes": 5}}, "/alert/count", "2"),
    ({"alert": {"count": 5, "minutes": 1441}}, "/alert/minutes", "1440"),
    ({"orderedBy": "a..b"}, "/orderedBy", "path"),
    ({"ratePerSecond": 51}, "/ratePerSecond", "50"),
    ({"name": GITHUB_TOKEN}, "/name", "encrypted"),
    ({"headers": {GITHUB_TOKEN: "x"}}, "/headers", "encrypted"),
    ({"startAfter": "yesterday"}, "/startAfter", ""),
    ({**SPLUNK, "token": None}, "/token", "required"),
    ({**SPLUNK, "headers": {"Authorization": "x"}}, "/headers/Authorization", "sender"),
    ({**SPLUNK, "alert": {"count": 5, "minutes": 5}}, "/alert", "splunk_hec"),
    ({**SPLUNK, "signing": "hmac"}, "/signing", "splunk_hec"),
    ({**SPLUNK, "options": {"tags": ["x"]}}, "/options/tags", "splunk_hec"),
    ({**BUCKET, "url": "https://s3.example.com"}, "/url", "s3://"),
    ({**BUCKET, "roleArn": None}, "/roleArn", "required"),
    ({**BUCKET, "roleArn": "role"}, "/roleArn", "ARN"),
    ({**BUCKET, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/x"}, "/roleArn", "another account"),
    ({**BUCKET, "options": {"region": "moon"}}, "/options/region", "region"),
    ({**BUCKET, "kind": "eventbridge"}, "/url", "event bus"),
]


@pytest.mark.parametrize(("changes", "pointer", "words"), REFUSED, ids=lambda item: str(item)[:50])
def test_what_no_message_could_be_sent_with_is_refused(send, connect, changes, pointer, words):
    status, answer, _ = send("POST", "", webhook(**changes))

    assert status == 422
    assert words in next(detail for place, detail in wrong(answer).items() if place.startswith(pointer))
    assert connect("reader").destinations.count_documents({}) == 0


def test_a_deployment_may_allow_plain_http_and_private_ranges_and_its_own_roles(send, monkeypatch):
    monkeypatch.setenv("CHANCERY_OUTBOUND_PLAIN_HTTP", "true")
    monkeypatch.setenv("CHANCERY_OUTBOUND_PRIVATE_RANGES", "127.0.0.0/8")
    monkeypatch.setenv("CHANCERY_OWN_ACCOUNT_ROLES", "true")

    assert send("POST", "", webhook(url="http://127.0.0.1:8000/in"))[0] == 201
    own = {**BUCKET, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/x", "name": "Files"}
    status, made, _ = send("POST", "", webhook(**own))
    assert (status, made["externalId"][:9]) == (201, "chancery-")
    assert send("POST", "", webhook(url="http://169.254.169.254/", name="Never"))[0] == 422


def test_a_credential_in_a_name_or_type_is_refused_and_not_shown(send, add, connect):
    made, token = add(), GITHUB_TOKEN
    given = [
        (f"/{made['refId']}/test", {"type": token}),
        ("", webhook(name="A", headers={token: "x"})),
        ("", webhook(name="A", headers={token: "x", token.upper(): "y"})),
        ("", webhook(name="A", filter={token: "x"})),
        ("", webhook(name="A", options={token: "x"})),
        ("", webhook(name="A", events=[f"audit.{token.lower()}"], orderedBy=token)),
    ]
    for path, body in given:
        status, answer, _ = send("POST", path, body)
        assert status == 422
        assert token not in repr(answer)
    assert connect("reader").deliveries.count_documents({}) == 0

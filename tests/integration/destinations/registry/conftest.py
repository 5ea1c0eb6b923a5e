"""The registry of destinations over the real handlers: writing as the writer, reading as the reader; moto has KMS."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.builders import http, principal

Answer = tuple[int, Any, dict[str, Any]]

SLACK = "https://hooks.slack.com/services/" + "/".join(("T0AB12CD3", "B0EF45GH6", "aB3dE5fG7hI9jK1lM2nO4pQ6"))
ACCOUNT = "111122223333"


def webhook(**changes: Any) -> dict[str, Any]:
    """A webhook as a caller adds it."""
    return {
        "kind": "webhook",
        "name": "Portal",
        "url": "https://portal.example.com/hooks/chancery",
        "events": ["audit.*"],
        **changes,
    }


def settings(**changes: Any) -> dict[str, Any]:
    """The settings of a webhook as a caller changes them."""
    return {"name": "Portal", "events": ["audit.*"], **changes}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Any:
    with mock_aws():
        kms = boto3.client("kms", region_name="us-east-1")
        monkeypatch.setattr("chancery.core.aws.clients.client", {"kms": kms}.__getitem__)
        for name, value in {
            "SENSITIVE_KEY": kms.create_key()["KeyMetadata"]["KeyId"],
            "DELIVERIES_QUEUE_URL": f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/deliveries",
        }.items():
            monkeypatch.setenv(f"CHANCERY_{name}", value)
        yield


@pytest.fixture
def send(call: Callable[..., Answer], aws: Any) -> Callable[..., Answer]:
    """Sends a request to the function that serves it, by default as a `dm_user` of acme."""

    def request(method: str, path: str = "", body: Any = None, **options: Any) -> Answer:
        caller = options.pop("caller", None) or principal("dm_user")
        event = http(method, f"/v1/destinations{path}", body, caller=caller, **options)
        return call("read_destinations", event, "reader") if method == "GET" else call("manage_destinations", event)

    return request


@pytest.fixture
def add(send: Callable[..., Answer]) -> Callable[..., dict[str, Any]]:
    """Adds a webhook; the answer."""

    def made(**changes: Any) -> dict[str, Any]:
        status, body, _ = send("POST", "", webhook(**changes))
        assert status == 201, body
        return dict(body)

    return made


@pytest.fixture
def put(send: Callable[..., Answer]) -> Callable[..., Answer]:
    """Changes a destination of the version that a caller has read."""

    def change(destination: dict[str, Any], body: dict[str, Any], **options: Any) -> Answer:
        headers = {"If-Match": f'"{destination["version"]}"'}
        return send("PUT", f"/{destination['refId']}", body, headers=headers, **options)

    return change


def wrong(answer: dict[str, Any]) -> dict[str, str]:
    """The errors of a refused request: pointer → detail."""
    return {error["pointer"]: error["detail"] for error in answer["errors"]}

"""What follows where a part is away, or what is cached is outdated, while a call is sent."""

import pytest

from chancery.core.errors import Unavailable
from chancery.core.outbound.client import OutboundResponse
from chancery.integrations.calls.attempts import Answered, Attempts
from chancery.integrations.calls.credentials import Credentials
from chancery.integrations.calls.outcomes import Outcome
from chancery.integrations.calls.sender import Sender
from chancery.integrations.registry.requests import PreparedRequest
from tests.managed_calls import START, target_of

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:chancery/integrations/tenant-acme/sap-AbCdEf"
TOKENS = {"type": "oauth2ClientCredentials", "tokenUrl": "https://sap.example.org/token", "clientId": "c1"}
REQUEST = PreparedRequest("POST", "https://sap.example.org/orders", {}, b"{}")


class Client:
    """Gives a token for the secret `new` alone."""

    def send(self, request, _limits):
        if request.url.endswith("/token"):
            is_right = b"client_secret=new" in request.body
            return OutboundResponse(200 if is_right else 401, (), b'{"access_token": "at-1"}')
        return OutboundResponse(200, (), b"{}")


@pytest.mark.parametrize(("seconds", "is_retried"), [(200, True), (10, False)])
def test_a_secret_that_was_rotated_while_it_was_cached_is_read_again(seconds, is_retried):
    clock, secrets = [0.0], ["new", "old"]
    client = Client()
    credentials = Credentials(client, lambda _: secrets.pop(), lambda: clock[0])
    sender = Sender(client, credentials, lambda *_: None)
    target = target_of(auth={**TOKENS, "clientAuthentication": "body", "secretArn": ARN})
    # cached by another endpoint of the system, which uses the secret itself
    credentials.add(target_of(auth={"type": "bearer", "secretArn": ARN}), REQUEST, None)
    clock[0] += seconds

    first = sender.send(target, REQUEST, 60, lambda: START).outcome
    second = sender.send(target, REQUEST, 60, lambda: START).outcome

    assert (first.reason, first.is_retryable) == ("token_refused", is_retried)
    assert second.reason == "http_200"


class Log:
    """An exchange log that has no S3, so that it takes no bodies."""

    def __init__(self):
        self.ends = []

    def close(self, _tenant_id, _request_id, end, _by):
        if "responseBody" in end:
            raise Unavailable("S3 is away.")
        self.ends.append(end)


def test_an_answer_that_cannot_be_stored_now_is_logged_without_its_body_and_not_asked_for_again():
    log = Log()

    Attempts(log, None).end(
        {"refId": "c1", "tenantId": "acme"},
        1,
        Outcome("SUCCESS", "http_201"),
        Answered(201, (), b"x" * 2_000_000),
        None,
    )

    assert log.ends == [{"status": "SUCCESS", "responseStatus": 201}]

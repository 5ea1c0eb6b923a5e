"""Secrets that a receiver repeats in its answer are in no result."""

import json
from urllib.parse import quote

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from chancery.destinations.senders.signing import new_secret
from tests.messages import DESTINATIONS, NOW, delivery_of, destination_of, event_of, senders
from tests.misbehaving_peer import misbehaving_peer

TOKEN, OWN, PATH = 'token "x" e/123', "own-value-456", "T0AB12CD3-secret"
OVER_HTTP = [kind for kind, fields in DESTINATIONS.items() if fields["url"].startswith("https")]


@pytest.fixture
def result_of():
    """The result of a message to a receiver that answers with a status, a text and headers."""

    def send(kind, status, answer, headers=""):
        with misbehaving_peer() as peer:
            path = f"/hooks/{PATH}"
            peer.answer(path, status, headers=headers, body=answer)
            token = TOKEN if kind in ("splunk_hec", "datadog") else None
            to = destination_of(
                kind,
                f"{peer.url}/hooks/[REDACTED]",
                token=token,
                headers={"X-Own": OWN, "X-Auth": f"Custom {OWN}-2"},
                secrets=(SECRET,),
            )
            to, sender, event = to._replace(url=peer.url + path), senders()[kind], event_of()
            return sender.send(to, sender.prepare(to, delivery_of([event]), [event], NOW), 20)

    return send


SECRET = new_secret("hmac").secret
REPEATED = {
    "token": TOKEN,
    "own header": OWN,
    "own header without its scheme": f"{OWN}-2",
    "url": PATH,
    "signing secret": SECRET,
    "signing key": SECRET.removeprefix("whsec_"),
}


@pytest.mark.parametrize("status", [200, 202, 400, 401, 500])
@pytest.mark.parametrize("form", ["plain", "json", "encoded", "header"])
@pytest.mark.parametrize("kind", OVER_HTTP)
def test_no_secret_that_is_repeated_is_in_a_result(result_of, kind, form, status):
    values = [value for name, value in REPEATED.items() if name != "token" or kind in ("splunk_hec", "datadog")]
    texts = {
        "plain": "\n".join(values).encode(),
        "json": orjson.dumps({"code": 4, "text": values[0], "all": values}),
        "encoded": "&".join(quote(value, safe="") for value in values).encode(),
        "header": b"",
    }
    headers = "".join(f"X-{at}: {value}\r\n" for at, value in enumerate(values)) if form == "header" else ""

    result = result_of(kind, status, texts[form], headers)

    found = json.dumps([result.detail, result.reason, list(result.headers), (result.body or b"").decode()])
    assert result.status == status
    for value in values:
        assert value not in found and json.dumps(value)[1:-1] not in found and quote(value, safe="") not in found
    assert "[REDACTED]" in found


def test_what_is_no_secret_stays(result_of):
    result = result_of("webhook", 500, b"hooks 127.0.0.1 failed: 42", "X-A: hooks\r\n")

    assert result.body == b"hooks 127.0.0.1 failed: 42"
    assert ("x-a", "hooks") in result.headers


def test_a_partial_success_is_read_before_its_bytes_are_redacted(result_of):
    answer = ExportLogsServiceResponse()
    answer.partial_success.rejected_log_records = 1
    answer.partial_success.error_message = f"refused {OWN}"

    result = result_of("otlp", 200, answer.SerializeToString())

    assert (result.verdict, result.rejected, result.detail) == ("accepted", 1, "refused [REDACTED]")
    assert OWN.encode() not in result.body

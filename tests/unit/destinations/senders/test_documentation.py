"""docs/destinations.md: its programs verify what is sent, its examples are what arrives."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from chancery.destinations.senders.payloads import payload_of
from chancery.destinations.senders.signing import new_secret, signatures
from tests.messages import DESTINATIONS, event_of

PAGE = (Path(__file__).parents[4] / "docs/destinations.md").read_text()
MESSAGE = "01JDELIVERY000000000000001"
BODY = orjson.dumps({"text": "é \u202e\n"})


def program(language: str) -> str:
    (found,) = re.findall(rf"```{language} verify\n(.*?)```", PAGE, re.DOTALL)
    return found


def in_python(secret: str, headers: dict[str, str], body: bytes) -> bool:
    names: dict = {}
    exec(program("python"), names)
    return names["is_genuine"](secret, headers, body)


def in_javascript(secret: str, headers: dict[str, str], body: bytes) -> bool:
    arguments = f"{json.dumps(secret)}, {json.dumps(headers)}, Buffer.from({json.dumps(list(body))})"
    text = f"{program('javascript')}\nconsole.log(isGenuine({arguments}))"
    node = Path(sys.executable).with_name("node")
    done = subprocess.run(
        [str(node), "--input-type=module", "-"], input=text, capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.strip() == "true"


@pytest.mark.parametrize("verify", [in_python, in_javascript])
def test_the_programs_of_the_page_accept_what_is_signed_and_nothing_else(verify):
    current, former, other = (new_secret("hmac").secret for _ in range(3))
    timestamp = int(time.time())
    value = signatures([current, former], MESSAGE, timestamp, BODY)
    headers = {"webhook-id": MESSAGE, "webhook-timestamp": str(timestamp), "webhook-signature": value}

    assert verify(current, headers, BODY)
    assert verify(former, headers, BODY)
    assert not verify(other, headers, BODY)
    assert not verify(current, headers, BODY + b" ")
    old = {**headers, "webhook-timestamp": str(timestamp - 3600)}
    old["webhook-signature"] = signatures([current], MESSAGE, timestamp - 3600, BODY)
    assert not verify(current, old, BODY)


def test_the_first_example_has_the_form_of_an_event():
    example = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    sent = payload_of("acme", event_of(42, resourceType="blog_post"))

    assert list(example) == list(sent)
    assert set(example["data"]) <= set(sent["data"])
    assert example["leafIndex"] == example["sequence"] - 1


@pytest.mark.parametrize("kind", sorted(DESTINATIONS))
def test_every_kind_is_on_the_page(kind):
    assert f"[`{kind}`](#" in PAGE

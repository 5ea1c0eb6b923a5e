"""Signatures that the published verifiers accept, and secrets in the standard's form."""

from base64 import b64decode, b64encode
from datetime import UTC, datetime

import orjson
import pytest
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from chancery.destinations.senders.signing import check_secret, new_secret, public_key_of, signatures

MESSAGE = "01JDELIVERY000000000000001"


def headers_of(value: str, timestamp: int) -> dict[str, str]:
    return {"webhook-id": MESSAGE, "webhook-timestamp": str(timestamp), "webhook-signature": value}


def now() -> int:
    """The verifiers compare with the clock of the machine."""
    return int(datetime.now(UTC).timestamp())


@pytest.mark.parametrize("verifier", [Webhook, svix.webhooks.Webhook])
@given(text=st.text())
def test_the_published_verifiers_accept_an_hmac_signature_of_any_text(verifier, text):
    secret, timestamp, body = new_secret("hmac").secret, now(), orjson.dumps({"text": text})
    value = signatures([secret], MESSAGE, timestamp, body)

    verifier(secret).verify(body, headers_of(value, timestamp))


@pytest.mark.parametrize("verifier", [Webhook, svix.webhooks.Webhook])
def test_during_a_rotation_receivers_with_the_new_and_with_the_old_secret_accept(verifier):
    current, former, other = (new_secret("hmac").secret for _ in range(3))
    timestamp = now()
    headers = headers_of(signatures([current, former], MESSAGE, timestamp, b"{}"), timestamp)

    verifier(current).verify(b"{}", headers)
    verifier(former).verify(b"{}", headers)
    with pytest.raises((WebhookVerificationError, svix.webhooks.WebhookVerificationError)):
        verifier(other).verify(b"{}", headers)


def test_the_current_secret_signs_first():
    current, former = new_secret("ed25519").secret, new_secret("hmac").secret
    value = signatures([current, former], MESSAGE, 1, b"{}")

    assert [part.partition(",")[0] for part in value.split(" ")] == ["v1a", "v1"]


@pytest.mark.parametrize("changed", ["id", "timestamp", "body"])
def test_a_signature_is_of_id_time_and_body(changed):
    secret, timestamp = new_secret("hmac").secret, now()
    headers = headers_of(signatures([secret], MESSAGE, timestamp, b"{}"), timestamp)
    body = b"[]" if changed == "body" else b"{}"
    if changed == "id":
        headers["webhook-id"] = "another"
    if changed == "timestamp":
        headers["webhook-timestamp"] = str(timestamp - 1)

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


@given(body=st.binary(), timestamp=st.integers(0, 2**40))
def test_an_ed25519_signature_verifies_with_the_public_key_alone(body, timestamp):
    secret, public = new_secret("ed25519")
    version, _, signature = signatures([secret], MESSAGE, timestamp, body).partition(",")
    key = Ed25519PublicKey.from_public_bytes(b64decode(public.removeprefix("whpk_")))
    signed = f"{MESSAGE}.{timestamp}.".encode() + body

    assert version == "v1a"
    key.verify(b64decode(signature), signed)
    with pytest.raises(InvalidSignature):
        key.verify(b64decode(signature), signed + b" ")


def test_a_secret_is_new_each_time_and_has_the_form_of_the_standard():
    made = {new_secret("hmac").secret for _ in range(100)}

    assert len(made) == 100
    assert all(secret.startswith("whsec_") and 24 <= len(check_secret(secret)) <= 64 for secret in made)


def test_the_public_key_follows_from_the_private_one():
    secret, public = new_secret("ed25519")

    assert public_key_of(secret) == public
    assert public_key_of(new_secret("hmac").secret) is None


def _text(prefix: str, size: int) -> str:
    return prefix + b64encode(bytes(size)).decode()


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "secret",
        _text("", 32),
        _text("whsec_", 23),
        _text("whsec_", 65),
        _text("whpk_", 32),
        _text("whsk_", 32),
        _text("whsk_", 64),  # its second half is not the public key of the first
        "whsec_" + "*" * 40,
        "whsec_" + "é" * 40,
        _text("WHSEC_", 32),
    ],
)
def test_a_secret_of_another_form_is_refused_and_not_repeated(secret):
    with pytest.raises(ValueError, match="must") as refused:
        check_secret(secret)

    assert len(secret) < 10 or secret not in str(refused.value)

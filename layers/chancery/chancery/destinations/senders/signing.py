"""Signatures of webhooks by Standard Webhooks 1.0.0, and the secrets that they are made with.

    v1,  base64 HMAC-SHA256     secret `whsec_` + base64 of 24 to 64 bytes, which both sides have
    v1a, base64 Ed25519         private key `whsk_` + base64 of 64 bytes (seed, public key); the receiver has `whpk_`

Signed is `{webhook-id}.{webhook-timestamp}.{body}`.
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hashlib
import hmac
import secrets as random
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Sequence
from typing import NamedTuple

from chancery.destinations.models import Signing

_BYTES = 32  # of a generated HMAC secret
_PREFIXES: dict[Signing, str] = {"hmac": "whsec_", "ed25519": "whsk_"}
_PUBLIC = "whpk_"


class SigningSecret(NamedTuple):
    """A new secret. `public_key`: what receivers verify with, of Ed25519 only."""

    secret: str
    public_key: str | None


def new_secret(signing: Signing) -> SigningSecret:
    """A random secret in the form that the standard gives it."""
    if signing == "hmac":
        return SigningSecret(_text("whsec_", random.token_bytes(_BYTES)), None)
    seed = random.token_bytes(32)
    public = _public_bytes(seed)
    return SigningSecret(_text("whsk_", seed + public), _text(_PUBLIC, public))


def public_key_of(secret: str) -> str | None:
    """The public key of an Ed25519 secret, None of an HMAC secret. Raises ValueError."""
    key = check_secret(secret)
    return _text(_PUBLIC, _public_bytes(key[:32])) if secret.startswith("whsk_") else None


def check_secret(secret: str) -> bytes:
    """The bytes of a secret. Raises ValueError, without the secret in its text, where it is none of the standard's."""
    prefix = next((prefix for prefix in _PREFIXES.values() if secret.startswith(prefix)), None)
    if prefix is None:
        raise ValueError("must begin with whsec_ or whsk_")
    try:
        key = b64decode(secret.removeprefix(prefix), validate=True)
    except (Error, ValueError):
        raise ValueError(f"must be base64 after {prefix}") from None
    if prefix == "whsec_" and not 24 <= len(key) <= 64:
        raise ValueError("must have 24 to 64 bytes after whsec_")
    if prefix == "whsk_" and (len(key) != 64 or key[32:] != _public_bytes(key[:32])):
        raise ValueError("must have the 32 bytes of a seed and the 32 bytes of its public key after whsk_")
    return key


def signatures(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: a signature by each secret, in their order, separated by spaces."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(_signature(secret, signed) for secret in secrets)


def _signature(secret: str, signed: bytes) -> str:
    key = check_secret(secret)
    if secret.startswith("whsec_"):
        return f"v1,{b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return f"v1a,{b64encode(Ed25519PrivateKey.from_private_bytes(key[:32]).sign(signed)).decode()}"


def _public_bytes(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _text(prefix: str, key: bytes) -> str:
    return prefix + b64encode(key).decode()

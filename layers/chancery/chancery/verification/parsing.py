"""JSON and keys from strangers: each key once, nothing that is not asked for, one way to write the same bytes."""

import json
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chancery.tlog.merkle import HASH_BYTES
from chancery.tlog.signed_notes import Checkpoint, VerifierKey, decode, open_checkpoint


def parse(text: bytes) -> tuple[dict[str, Any], bool]:
    """A JSON object, and whether it is written as Chancery writes it. Raises ValueError, also for a repeated key."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("is not JSON") from None
    if type(value) is not dict:
        raise ValueError("is not a JSON object")
    if _as_written(value, text):
        return value, True
    json.loads(text.decode(), object_pairs_hook=_without_repeated_keys)
    return value, False


def members(value: dict[str, Any], **types: type) -> list[Any]:
    """The members of an object that must have exactly these, of these types. Raises ValueError."""
    if {name: type(member) for name, member in value.items()} != types:
        raise ValueError("must have exactly " + ", ".join(f"{name} ({kind.__name__})" for name, kind in types.items()))
    return [value[name] for name in types]


def hashes(texts: list[Any]) -> list[bytes]:
    """SHA-256 hashes in base64. Raises ValueError."""
    if not all(type(text) is str for text in texts):
        raise ValueError("has a hash that is not text")
    found = [decode(text) for text in texts]
    if any(len(part) != HASH_BYTES for part in found):
        raise ValueError("has a hash that is not of SHA-256")
    return found


def open_note(note: str, key: VerifierKey) -> Checkpoint:
    """The tree head that `key` has signed. Raises ValueError."""
    return open_checkpoint(note, key, _verify)


def _verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _as_written(value: dict[str, Any], text: bytes) -> bool:
    """What orjson writes the same way again can have no key twice: it would be shorter."""
    try:
        return orjson.dumps(value) == text
    except orjson.JSONEncodeError:  # nested deeper than it writes
        return False


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("has a key twice in one object")
    return found

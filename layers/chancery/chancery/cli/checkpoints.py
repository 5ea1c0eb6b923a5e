"""Opens signed checkpoints with a verifier key, by `cryptography`."""

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chancery.tlog.signed_notes import Checkpoint, VerifierKey, open_checkpoint


def opener(key: VerifierKey) -> Callable[[str], Checkpoint]:
    """A function that returns the tree head of a note that `key` has signed; it raises ValueError for another note."""
    return lambda note: open_checkpoint(note, key, _verify)


def _verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True

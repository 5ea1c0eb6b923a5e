"""Envelope encryption: each body has a data key of its own under KMS, and is AES-256-GCM in frames of one megabyte.

The frames are those of STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015), as the age format has it: a frame's nonce is
its number in 11 bytes and whether it is the last one in the twelfth. So a frame that is cut off, moved or repeated
does not decrypt, memory is that of a frame, and any part can be read without the rest. A data key encrypts one body,
so no nonce occurs twice. KMS opens a data key only with the encryption context that it was made with.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chancery.core.aws import clients as aws
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.observability import count

FRAME = 1024 * 1024
_TAG = 16
_REFUSED = ("InvalidCiphertextException", "IncorrectKeyException")


class NotAuthentic(ChanceryError):
    """What was encrypted has been changed, cut or moved since: a 500, counted and alarmed."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key for one body: `sealed` is it under KMS, and all that is stored."""

    plain: bytes = field(repr=False)
    sealed: bytes


@dataclass(frozen=True, slots=True)
class DataKeys:
    """Makes and opens data keys under a KMS key; `kms` is boto3's client, looked up on first use."""

    key_id: str
    kms: Any = None

    def make(self, context: Mapping[str, str]) -> DataKey:
        """A new data key for what `context` names. Raises Unavailable."""
        kms = self.kms or aws.client("kms")
        try:
            made = kms.generate_data_key(KeyId=self.key_id, KeySpec="AES_256", EncryptionContext=dict(context))
        except Exception as exc:
            raise Unavailable("The key store does not answer; try again.") from exc
        return DataKey(made["Plaintext"], made["CiphertextBlob"])

    def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes:
        """The data key that was made with this context. Raises Unavailable, NotAuthentic."""
        kms = self.kms or aws.client("kms")
        try:
            opened = kms.decrypt(KeyId=self.key_id, CiphertextBlob=sealed, EncryptionContext=dict(context))
        except Exception as exc:
            code = getattr(exc, "response", {}).get("Error", {}).get("Code")
            if code in _REFUSED:
                raise _not_authentic() from exc
            raise Unavailable("The key store does not answer; try again.") from exc
        return bytes(opened["Plaintext"])


def encrypted_length(length: int) -> int:
    """How many bytes so many become."""
    return length + max(1, -(-length // FRAME)) * _TAG


def encrypt(pieces: Iterable[bytes], key: bytes) -> Iterator[bytes]:
    """The frames of a body that comes in pieces. A data key may encrypt one body only."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher, number, buffer = AESGCM(key), 0, bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) > FRAME:  # the rest is the last frame, whole or not
            yield cipher.encrypt(_nonce(number, last=False), bytes(buffer[:FRAME]), None)
            del buffer[:FRAME]
            number += 1
    yield cipher.encrypt(_nonce(number, last=True), bytes(buffer), None)


def frames_of(start: int, end: int, length: int) -> tuple[int, int]:
    """Which bytes of an encrypted body of `length` bytes hold its bytes [start, end): whole frames."""
    first, last = start // FRAME, max(start, end - 1) // FRAME
    return first * (FRAME + _TAG), min((last + 1) * (FRAME + _TAG), encrypted_length(length))


def decrypt(frames: bytes, key: bytes, start: int, end: int, length: int) -> bytes:
    """The bytes [start, end) of a body of `length` bytes, out of what `frames_of` named. Raises NotAuthentic."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher, first, whole = AESGCM(key), start // FRAME, bytearray()
    final = max(0, length - 1) // FRAME
    for at in range(0, len(frames), FRAME + _TAG):
        number = first + at // (FRAME + _TAG)
        try:
            whole += cipher.decrypt(_nonce(number, last=number == final), frames[at : at + FRAME + _TAG], None)
        except InvalidTag as exc:
            raise _not_authentic() from exc
    begin = start - first * FRAME
    found = bytes(whole[begin : begin + end - start])
    if len(found) != end - start:
        raise _not_authentic()
    return found


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _not_authentic() -> NotAuthentic:
    count("BodiesDamaged")
    return NotAuthentic("The stored body is damaged; it has been logged.")

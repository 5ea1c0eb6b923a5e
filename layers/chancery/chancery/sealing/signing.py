"""The key that signs checkpoints: Ed25519 in KMS, never exported. To change it: docs/signing-key-rotation.md."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from chancery.core.aws import clients as aws
from chancery.core.errors import Unavailable
from chancery.tlog.signed_notes import Checkpoint, VerifierKey

ALGORITHM = "ED25519_SHA_512"  # pure Ed25519, and so over the message itself


@dataclass(frozen=True)
class LogKey:
    """A KMS key of type ECC_NIST_EDWARDS25519; `origin` begins the origin of each log. `kms` is boto3's client."""

    key_id: str
    origin: str
    kms: Any = field(default=None)

    @cached_property
    def public_key(self) -> bytes:
        """The 32 bytes of the public key. Raises Unavailable."""
        try:
            answer = self._kms.get_public_key(KeyId=self.key_id)
        except Exception as exc:
            raise Unavailable("The signing key does not answer; try again.") from exc
        return bytes(answer["PublicKey"][-32:])  # RFC 8410: the DER ends with them

    def verifier(self, log: str) -> VerifierKey:
        """The key that checks a log's checkpoints: as its origin, its name is the log's."""
        return VerifierKey(f"{self.origin}/{log}", self.public_key)

    def sign(self, log: str, size: int, root: bytes) -> str:
        """The signed note of a log's tree head. Raises Unavailable."""
        key = self.verifier(log)
        return Checkpoint(key.name, size, root).signed(key, self._signature)

    def verify(self, _public_key: bytes, signature: bytes, message: bytes) -> bool:
        """Whether a signature is this key's, asked of KMS. Raises Unavailable."""
        try:
            self._kms.verify(
                KeyId=self.key_id, Message=message, MessageType="RAW", Signature=signature, SigningAlgorithm=ALGORITHM
            )
        except Exception as exc:
            if type(exc).__name__ == "KMSInvalidSignatureException":
                return False
            raise Unavailable("The signing key does not answer; try again.") from exc
        return True

    def _signature(self, message: bytes) -> bytes:
        try:
            answer = self._kms.sign(KeyId=self.key_id, Message=message, MessageType="RAW", SigningAlgorithm=ALGORITHM)
        except Exception as exc:
            raise Unavailable("The signing key does not answer; try again.") from exc
        return bytes(answer["Signature"])

    @property
    def _kms(self) -> Any:
        return self.kms or aws.client("kms")

"""C2SP texts: signed notes, checkpoints, verifier keys and tlog-proofs.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-proof. Malformed
text raises ValueError with the reason; base64 must be canonical, so that each value has one text.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

Sign = Callable[[bytes], bytes]
VerifyEd25519 = Callable[[bytes, bytes, bytes], bool]  # public key (32 bytes), signature, message
OpenCheckpoint = Callable[[str], "Checkpoint"]  # `open_checkpoint` with the key of a log; raises ValueError

PROOF_HEADER = "c2sp.org/tlog-proof@v1"
_ED25519 = b"\x01"  # signature type
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """An Ed25519 key under a name. `name` is the origin of the log that it signs for."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode(_ED25519 + self.public_key)}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """The key in a vkey, `<name>+<hex key id>+<base64>`. Raises ValueError."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        public_key = decode(encoded)
        if not _is_key_name(name) or public_key[:1] != _ED25519 or len(public_key) != 33:
            raise ValueError("A verifier key looks like <name>+<key id>+<base64>, with an Ed25519 key.")
        key = cls(name, public_key[1:])
        if key.key_id.hex() != key_id:
            raise ValueError("The verifier key's id does not belong to its name and key.")
        return key


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the log's origin, how many leaves, their root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{encode(self.root)}\n"

    def signed(self, key: VerifierKey, sign: Sign) -> str:
        """The signed note."""
        signature = sign(self.text().encode())
        return f"{self.text()}\n— {key.name} {encode(key.key_id + signature)}\n"

    @classmethod
    def unverified(cls, note: str) -> "Checkpoint":
        """The tree head in a signed note, without verification of the signature. Raises ValueError."""
        text, separator, _ = note.rpartition("\n\n")
        lines = text.split("\n")
        if not separator or len(lines) < 3 or not all(lines):
            raise ValueError("The checkpoint is not a signed note of at least three lines.")
        origin, size, root = lines[:3]
        if not _DECIMAL.fullmatch(size):
            raise ValueError("The checkpoint's size is not a decimal number.")
        decoded = decode(root)
        if len(decoded) != 32:
            raise ValueError("The checkpoint's root is not a SHA-256 hash.")
        return cls(origin, int(size), decoded)


def open_checkpoint(note: str, key: VerifierKey, verify: VerifyEd25519) -> Checkpoint:
    """The tree head in a note that `key` has signed for its own log. Raises ValueError."""
    checkpoint = Checkpoint.unverified(note)
    text, _, signatures = note.rpartition("\n\n")
    if not signatures.endswith("\n"):
        raise ValueError("The checkpoint does not end with a newline.")
    if any(ord(char) < 0x20 and char != "\n" for char in note):
        raise ValueError("The checkpoint holds control characters.")
    signed = False
    for line in signatures[:-1].split("\n"):
        dash, name, encoded = _parts(line)
        signature = decode(encoded)
        if dash != "—" or not _is_key_name(name) or len(signature) < 5:
            raise ValueError("A signature line of the checkpoint is malformed.")
        if (name, signature[:4]) == (key.name, key.key_id):
            if not verify(key.public_key, signature[4:], f"{text}\n".encode()):
                raise ValueError("The checkpoint's signature does not hold.")
            signed = True
    if not signed:
        raise ValueError(f"The checkpoint is not signed by the key {key.name}+{key.key_id.hex()}.")
    if checkpoint.origin != key.name:
        raise ValueError(f"The checkpoint is of the log {checkpoint.origin}, not of {key.name}.")
    return checkpoint


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof that a leaf is in a log: index, inclusion path, and the checkpoint (a signed note) it leads to."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str

    def __str__(self) -> str:
        path = "".join(f"{encode(part)}\n" for part in self.path)
        return f"{PROOF_HEADER}\nindex {self.index}\n{path}\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> "Proof":
        """The proof in a tlog-proof. Raises ValueError."""
        head, separator, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines[0] != PROOF_HEADER:
            raise ValueError(f"A proof begins with {PROOF_HEADER} and ends with a checkpoint.")
        rest = lines[1:]
        if rest and rest[0].startswith("extra "):
            decode(rest.pop(0)[6:])  # opaque, but it must be base64
        if not rest or not rest[0].startswith("index ") or not _DECIMAL.fullmatch(rest[0][6:]):
            raise ValueError("The proof has no index line.")
        path = tuple(decode(line) for line in rest[1:])
        if any(len(part) != 32 for part in path):
            raise ValueError("A hash of the proof is not a SHA-256 hash.")
        return cls(int(rest[0][6:]), path, checkpoint)


def encode(data: bytes) -> str:
    """Standard base64 (RFC 4648 section 4)."""
    return base64.b64encode(data).decode()


def decode(text: str) -> bytes:
    """The bytes of canonical standard base64. Raises ValueError, also for padding bits that are not zero."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as exc:
        raise ValueError("is not base64") from exc
    if encode(data) != text:
        raise ValueError("is not canonical base64")
    return data


def encode_all(hashes: Sequence[bytes]) -> list[str]:
    return [encode(part) for part in hashes]


def _parts(line: str) -> tuple[str, str, str]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    return dash, name, encoded


def _is_key_name(name: str) -> bool:
    return bool(name) and "+" not in name and not re.search(r"\s", name)

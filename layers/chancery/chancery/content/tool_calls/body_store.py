"""Storage of bodies: small ones in the document, large ones in S3, sensitive ones encrypted.

    tool-calls/<yyyy-mm-dd>/<tenant>/<sha256>     a body, on the day of its call; the lifecycle rule deletes it by age
    uploads/<tenant>/<refId>                      an upload, empty once it is redacted; a day or two at most

With the day in its key, no body is deleted while a younger call with the same body refers to it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from chancery.content.tool_calls.models import HEAD_BYTES, Part
from chancery.core.aws.blobs import INLINE_BYTES, BlobStore, BodyDamaged
from chancery.core.aws.envelope_encryption import DataKeys, decrypt, encrypt, frames_of
from chancery.core.aws.objects import Objects
from chancery.core.body_redaction import RedactedBody
from chancery.core.formats.identifiers import tenant_folder
from chancery.core.observability import count

_BINARY = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class BodyOwner:
    """The tool call and the part of it that a body belongs to."""

    tenant_id: str
    ref_id: str
    created_on: datetime
    part: Part
    sensitive: bool

    @property
    def context(self) -> dict[str, str]:
        """The KMS encryption context of the body's data key."""
        return {"tenantId": self.tenant_id, "refId": self.ref_id, "part": self.part}


def owner_of(call: Mapping[str, Any], part: Part) -> BodyOwner:
    """The owner of a stored call's body."""
    return BodyOwner(call["tenantId"], call["refId"], call["createdOn"], part, call["sensitive"])


def upload_key(tenant_id: str, upload_id: str) -> str:
    """The S3 key of an upload."""
    return f"uploads/{tenant_folder(tenant_id)}/{upload_id}"


@dataclass(frozen=True, slots=True)
class CallBodies:
    """Stores and reads bodies of tool calls."""

    objects: Objects
    data_keys: DataKeys

    def store(self, owner: BodyOwner, body: RedactedBody) -> dict[str, Any]:
        """Stores a body; the fields of its document: `{input, inputHead, inputLocation}`. Raises Unavailable.

        A repetition or a crash leaves an object without a document, which the lifecycle rule deletes.
        """
        description: dict[str, Any] = {"state": "stored", "bytes": len(body), "contentType": body.content_type}
        location: dict[str, Any] = {}
        fields: dict[str, Any] = {owner.part: description, f"{owner.part}Location": location}
        pieces: Iterable[bytes] = body
        if owner.sensitive:
            data_key = self.data_keys.make(owner.context)
            location["dataKey"] = data_key.sealed
            pieces = _Encrypted(body, data_key.plain)
        else:
            description["sha256"] = digest_of(body)
            fields[f"{owner.part}Head"] = _text(body.head(HEAD_BYTES))
        if len(body) <= INLINE_BYTES:
            location["inline"] = b"".join(pieces)
            return fields
        location["sha256"] = description.get("sha256") or digest_of(pieces)
        location["key"] = self._bodies(owner).key(owner.tenant_id, location["sha256"])
        self.objects.write(location["key"], pieces, _BINARY if owner.sensitive else body.content_type)
        return fields

    def read(
        self, owner: BodyOwner, description: Mapping[str, Any], location: Mapping[str, Any], start: int, end: int
    ) -> bytes:
        """The bytes [start, end) of a body. Raises Unavailable, and BodyDamaged or NotAuthentic for any other bytes.

        A body that is not encrypted is read whole from S3, to check its hash.
        """
        if owner.sensitive:
            return self._decrypted(owner, description["bytes"], location, start, end)
        if "inline" in location:
            return bytes(location["inline"][start:end])
        return self._bodies(owner).read(dict(location))[start:end]

    def _decrypted(self, owner: BodyOwner, length: int, location: Mapping[str, Any], start: int, end: int) -> bytes:
        begin, stop = frames_of(start, end, length)
        if "inline" in location:
            frames = location["inline"][begin:stop]
        else:
            frames = self.objects.read_range(location["key"], begin, stop)
            if frames is None:
                count("BodiesDamaged")
                raise BodyDamaged("The body is gone.")
        return decrypt(frames, self.data_keys.open(location["dataKey"], owner.context), start, end, length)

    def link(self, description: Mapping[str, Any], location: Mapping[str, Any], seconds: int) -> str:
        """A link to a body in S3 that is not encrypted."""
        return self.objects.link(location["key"], content_type=description["contentType"], seconds=seconds)

    def _bodies(self, owner: BodyOwner) -> BlobStore:
        return BlobStore(self.objects, f"tool-calls/{owner.created_on:%Y-%m-%d}")


class _Encrypted:
    """The encrypted frames of a body; each iteration yields the same ones."""

    def __init__(self, body: RedactedBody, key: bytes) -> None:
        self._body, self._key = body, key

    def __iter__(self) -> Iterator[bytes]:
        return encrypt(self._body, self._key)


def digest_of(pieces: Iterable[bytes]) -> str:
    """The hex SHA-256 of pieces of bytes."""
    digest = sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _text(head: bytes) -> str:
    """The head as text, without a character that is cut at its end, and without NUL, which text indexes refuse."""
    return head.decode(errors="ignore").replace("\0", " ")

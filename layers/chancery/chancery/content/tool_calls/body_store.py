"""Where a body goes and how it comes back: small ones into the document, large ones into S3, sensitive ones encrypted.

    tool-calls/<yyyy-mm-dd>/<tenant>/<sha256>     a body, of the day of its call; the lifecycle removes it by age
    uploads/<tenant>/<refId>                      what was uploaded, until it is redacted; a day or two at most

The day keeps bodies of different days apart, so none goes with the lifecycle while a younger call needs it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from chancery.content.blobs import INLINE_BYTES, Bodies, BodyDamaged
from chancery.content.tool_calls.byte_stream import RedactedBody
from chancery.content.tool_calls.models import HEAD_BYTES, Part
from chancery.core.aws.envelope_encryption import DataKeys, decrypt, encrypt, frames_of
from chancery.core.aws.objects import Objects
from chancery.core.formats.identifiers import tenant_folder
from chancery.core.observability import count

_BINARY = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Place:
    """What a body belongs to."""

    tenant_id: str
    ref_id: str
    created_on: datetime
    part: Part
    sensitive: bool

    @property
    def context(self) -> dict[str, str]:
        """What KMS binds the data key of the body to."""
        return {"tenantId": self.tenant_id, "refId": self.ref_id, "part": self.part}


def place_of(call: Mapping[str, Any], part: Part) -> Place:
    """The place of a stored call's body."""
    return Place(call["tenantId"], call["refId"], call["createdOn"], part, call["sensitive"])


def upload_key(tenant_id: str, upload_id: str) -> str:
    """The S3 key of an upload."""
    return f"uploads/{tenant_folder(tenant_id)}/{upload_id}"


@dataclass(frozen=True, slots=True)
class CallBodies:
    """Keeps and reads bodies of tool calls."""

    objects: Objects
    data_keys: DataKeys

    def keep(self, place: Place, body: RedactedBody) -> dict[str, Any]:
        """The fields of a document for a body: `{input, inputHead, inputKept}`. Raises Unavailable.

        Keeping it again, or dying in between, leaves an object that nobody refers to and the lifecycle removes.
        """
        said: dict[str, Any] = {"state": "stored", "bytes": len(body), "contentType": body.content_type}
        kept: dict[str, Any] = {}
        fields: dict[str, Any] = {place.part: said, f"{place.part}Kept": kept}
        pieces: Iterable[bytes] = body
        if place.sensitive:
            data_key = self.data_keys.make(place.context)
            kept["dataKey"] = data_key.sealed
            pieces = _Encrypted(body, data_key.plain)
        else:
            said["sha256"] = digest_of(body)
            fields[f"{place.part}Head"] = _text(body.head(HEAD_BYTES))
        if len(body) <= INLINE_BYTES:
            kept["inline"] = b"".join(pieces)
            return fields
        kept["sha256"] = said.get("sha256") or digest_of(pieces)
        kept["key"] = self._bodies(place).key(place.tenant_id, kept["sha256"])
        self.objects.write(kept["key"], pieces, _BINARY if place.sensitive else body.content_type)
        return fields

    def read(self, place: Place, said: Mapping[str, Any], kept: Mapping[str, Any], start: int, end: int) -> bytes:
        """The bytes [start, end) of a body. Raises Unavailable, and BodyDamaged or NotAuthentic for any other bytes.

        Of a body in the clear in S3 all of it is read, since only so its hash can be checked.
        """
        if place.sensitive:
            return self._decrypted(place, said["bytes"], kept, start, end)
        if "inline" in kept:
            return bytes(kept["inline"][start:end])
        return self._bodies(place).read(dict(kept))[start:end]

    def _decrypted(self, place: Place, length: int, kept: Mapping[str, Any], start: int, end: int) -> bytes:
        begin, stop = frames_of(start, end, length)
        if "inline" in kept:
            frames = kept["inline"][begin:stop]
        else:
            frames = self.objects.read_range(kept["key"], begin, stop)
            if frames is None:
                count("BodiesDamaged")
                raise BodyDamaged("The body is gone.")
        return decrypt(frames, self.data_keys.open(kept["dataKey"], place.context), start, end, length)

    def link(self, said: Mapping[str, Any], kept: Mapping[str, Any], seconds: int) -> str:
        """A link to a body in the clear in S3."""
        return self.objects.link(kept["key"], content_type=said["contentType"], seconds=seconds)

    def _bodies(self, place: Place) -> Bodies:
        return Bodies(self.objects, f"tool-calls/{place.created_on:%Y-%m-%d}")


class _Encrypted:
    """A body's frames, as often as they are asked for: the same ones each time."""

    def __init__(self, body: RedactedBody, key: bytes) -> None:
        self._body, self._key = body, key

    def __iter__(self) -> Iterator[bytes]:
        return encrypt(self._body, self._key)


def digest_of(pieces: Iterable[bytes]) -> str:
    """The hex SHA-256 of what comes in pieces."""
    digest = sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _text(head: bytes) -> str:
    """The head as text: a character that is cut at the end goes, and NUL, which no text index takes."""
    return head.decode(errors="ignore").replace("\0", " ")

"""Bodies of requests and responses: read as JSON, text or bytes, redacted, and stored inline or in S3.

exchanges/<yyyy-mm-dd>/<tenant>/<sha256>      a body above a megabyte, on the day it was stored
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

import orjson

from chancery.core.aws.blobs import BlobStore
from chancery.core.aws.objects import Objects
from chancery.core.body_redaction import JSON, RedactedBody
from chancery.core.body_redaction import redact_bytes as redact_text
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.json_limits import problems
from chancery.core.formats.times import Clock
from chancery.core.redaction import Detector, redact, redact_bytes

Part = Literal["request", "response"]
PARTS: tuple[Part, ...] = ("request", "response")
INLINE_BYTES = 1024 * 1024  # larger bodies are in S3 as a whole
HEAD_BYTES = 64 * 1024  # of a larger body, in the document
BASE64 = "base64"
_BINARY = "application/octet-stream"


def redacted_body(
    body: Any, encoding: str | None, pointer: str, using: Detector | None = None, *, search: bool = True
) -> RedactedBody | None:
    """A redacted body; None where there is none. `search`: as `redact`'s `search_values`.

    A JSON value becomes compact JSON. Text stays text (and JSON where it is a JSON text), byte for byte but for what is
    redacted; so do bytes (`bytes`, or base64 with the encoding named), also where they are no UTF-8.
    Raises ValidationFailed.
    """
    if body is None:
        return None
    if encoding == BASE64:
        body = _decoded(body, pointer)
    if isinstance(body, str):
        body = body.encode("utf-8", "replace")
    try:
        if not isinstance(body, bytes):
            return _json(body, pointer, using, search=search)
        if not is_text(body):
            return RedactedBody(redact_bytes(body, using), _BINARY)
        return redact_text(body, using)
    except ValidationFailed as exc:
        errors = [FieldError(error.pointer or pointer, error.detail) for error in exc.errors]
        raise ValidationFailed("The body cannot be stored.", errors=errors) from None


def is_text(body: bytes) -> bool:
    """Whether bytes are text in UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(body: Any, pointer: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise ValidationFailed("The body cannot be read.", errors=[FieldError(pointer, "is not base64")]) from None


def _json(body: Any, pointer: str, using: Detector | None, *, search: bool) -> RedactedBody:
    if wrong := list(problems(body, pointer, in_bson=False)):
        raise ValidationFailed("The body cannot be stored.", errors=wrong)
    return RedactedBody(orjson.dumps(redact(body, search_values=search, using=using)), JSON)


@dataclass(frozen=True, slots=True)
class ExchangeBodies:
    """Stores and reads bodies."""

    objects: Objects
    clock: Clock

    def store(self, tenant_id: str, part: Part, body: RedactedBody, cut_from: int | None = None) -> dict[str, Any]:
        """Stores a body; the fields of its exchange: `{requestBody, requestBodyInfo}`, in S3 also `requestKey`.

        `cut_from`: the length of the body before its sender cut it. Raises Unavailable. A crash before the exchange is
        stored leaves an object without an exchange, which the lifecycle rule deletes.
        """
        content, is_large = body.body, len(body) > INLINE_BYTES
        info: dict[str, Any] = {
            "bytes": len(body),
            "sha256": sha256(content).hexdigest(),
            "contentType": body.content_type,
            "truncated": is_large,
        }
        if body.content_type == _BINARY:
            info["encoding"] = BASE64
        if cut_from is not None:
            info["cutFrom"] = cut_from
        fields: dict[str, Any] = {f"{part}BodyInfo": info}
        if is_large:
            blobs = BlobStore(self.objects, f"exchanges/{self.clock():%Y-%m-%d}")
            fields[f"{part}Key"] = blobs.store(tenant_id, content, body.content_type)["key"]
        inline = content[:HEAD_BYTES] if is_large else content
        fields[f"{part}Body"] = inline if body.content_type == _BINARY else inline.decode(errors="ignore")
        return fields

    def read(self, exchange: Mapping[str, Any], part: Part) -> bytes:
        """A stored exchange's whole body, byte for byte. Raises Unavailable, BodyDamaged."""
        key = exchange.get(f"{part}Key")
        if key is not None:
            return BlobStore(self.objects).read({"key": key, "sha256": exchange[f"{part}BodyInfo"]["sha256"]})
        body = exchange[f"{part}Body"]
        return body.encode() if isinstance(body, str) else bytes(body)

    def link(self, exchange: Mapping[str, Any], part: Part) -> str:
        """A link to a body in S3, for a quarter of an hour."""
        return self.objects.link(exchange[f"{part}Key"], content_type=exchange[f"{part}BodyInfo"]["contentType"])


def as_answered(exchange: Mapping[str, Any], part: Part) -> Any:
    """A stored body in an answer: a JSON value, or text, or bytes in base64; the beginning of a truncated one as text.

    A truncated body that is bytes is in base64 too.
    """
    body, info = exchange[f"{part}Body"], exchange[f"{part}BodyInfo"]
    if not isinstance(body, str):
        return base64.b64encode(body).decode()
    return orjson.loads(body) if info["contentType"] == JSON and not info["truncated"] else body

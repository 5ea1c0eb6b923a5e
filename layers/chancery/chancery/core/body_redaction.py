"""Redaction of large bodies: text or JSON in UTF-8, which stays what it is."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import orjson

from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.json_text import read_json
from chancery.core.redaction import Detector, TooMany, redact
from chancery.core.redaction import redact_bytes as redact_text_bytes

JSON, TEXT = "application/json", "text/plain; charset=utf-8"
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RedactedBody:
    """A redacted body, and its media type: JSON where it is one JSON value, else text."""

    body: bytes
    content_type: str

    def __len__(self) -> int:
        return len(self.body)

    def __iter__(self) -> Iterator[bytes]:
        """The redacted body in pieces of at most a megabyte."""
        for begin in range(0, len(self.body), _PIECE):
            yield self.body[begin : begin + _PIECE]

    def head(self, length: int) -> bytes:
        """The first bytes of the redacted body."""
        return self.body[:length]


def redact_bytes(body: bytes, using: Detector | None = None) -> RedactedBody:
    """A body that is JSON or text in UTF-8, redacted in place.

    JSON stays JSON: where a redaction in place would break it (a number that is a payment card), it is written anew.
    Raises ValidationFailed where the body is neither, or has more places to redact than may be.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for begin in range(0, len(body), _PIECE):
            decoder.decode(body[begin : begin + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _refused("is neither JSON nor text in UTF-8; nothing else can be redacted") from None
    try:
        clean = redact_text_bytes(body, using)
    except TooMany as exc:
        raise _refused(f"has {exc.most} values to redact, or more; leave them out") from None
    if not _is_json(body):
        return RedactedBody(clean, TEXT)
    if clean is not body and not _is_json(clean):
        try:
            clean = orjson.dumps(redact(read_json(body), using=using))
        except ValidationFailed:  # with a key given twice: written anew it would lose a value
            return RedactedBody(clean, TEXT)
    return RedactedBody(clean, JSON)


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)  # reads all of it, and makes no objects
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _refused(detail: str) -> ValidationFailed:
    return ValidationFailed("The body cannot be stored.", errors=[FieldError("", detail)])

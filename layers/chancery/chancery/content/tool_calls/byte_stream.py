"""Redaction of large bodies in place: memory is that of the body and of the redacted places."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.redaction import text_engine as text
from chancery.core.redaction.json_scan import MAX_LEVELS, Edit, TooDeep, TooMany

JSON, TEXT = "application/json", "text/plain; charset=utf-8"
MAX_EDITS = text.MAX_EDITS
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RedactedBody:
    """A body with its redactions, and its media type: JSON where it is one JSON value, else text."""

    source: bytes
    edits: list[Edit]
    content_type: str

    def __len__(self) -> int:
        return len(self.source) + sum(len(new) - (end - start) for start, end, new in self.edits)

    def __iter__(self) -> Iterator[bytes]:
        """The redacted body in pieces of at most a megabyte."""
        at = 0
        for start, end, new in [*self.edits, (len(self.source), len(self.source), b"")]:
            for begin in range(at, start, _PIECE):
                yield self.source[begin : min(begin + _PIECE, start)]
            yield from (new[begin : begin + _PIECE] for begin in range(0, len(new), _PIECE))
            at = end

    def head(self, length: int) -> bytes:
        """The first bytes of the redacted body."""
        found = bytearray()
        for piece in self:
            found += piece
            if len(found) >= length:
                break
        return bytes(found[:length])


def redact_bytes(body: bytes) -> RedactedBody:
    """The redactions of a body that is JSON or text in UTF-8.

    Raises ValidationFailed where it is neither, is nested deeper than `MAX_LEVELS`, or has more than `MAX_EDITS`
    places to redact.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for begin in range(0, len(body), _PIECE):
            decoder.decode(body[begin : begin + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _refused("is neither JSON nor text in UTF-8; nothing else can be redacted") from None
    try:
        edits, is_json = text.edits_in(body, most=MAX_EDITS)
    except TooDeep:
        raise _refused(f"is nested deeper than {MAX_LEVELS} levels") from None
    except TooMany:
        raise _refused(f"has {MAX_EDITS} values to redact, or more; leave them out") from None
    return RedactedBody(body, edits, JSON if is_json else TEXT)


def _refused(detail: str) -> ValidationFailed:
    return ValidationFailed("The body cannot be stored.", errors=[FieldError("", detail)])

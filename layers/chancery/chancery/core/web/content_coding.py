"""Content codings of request bodies (RFC 9110 section 8.4): gzip, decompressed up to a limit."""

import zlib

from chancery.core.errors import FieldError, TooLarge, UnsupportedMediaType, ValidationFailed

_GZIP = 16 + zlib.MAX_WBITS  # zlib reads a gzip header and trailer
_NAMES = ("gzip", "x-gzip")
_MOST_MEMBERS = 100  # of a body: each costs a copy of what follows it


def decoded(body: bytes, coding: str, most: int) -> bytes:
    """A body without its `Content-Encoding`, which is `gzip` once, or none. No more than `most` bytes are decompressed.

    Raises UnsupportedMediaType, TooLarge, and ValidationFailed where the body is damaged or cut off.
    """
    names = [name for part in coding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if not names:
        return body
    if len(names) > 1 or names[0] not in _NAMES:
        raise UnsupportedMediaType("The body has a Content-Encoding other than gzip; send it as it is, or gzipped.")
    return _gunzipped(body, most)


def _gunzipped(body: bytes, most: int) -> bytes:
    """The content of all members of a gzip file (RFC 1952 section 2.2), one after the other."""
    found = bytearray()
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(_GZIP)
        try:
            found += member.decompress(body, most + 1 - len(found))
        except zlib.error:
            raise _damaged() from None
        if len(found) > most:
            raise TooLarge(f"The body is larger than {most} bytes when it is decompressed; send fewer records.")
        if not member.eof:
            raise _damaged()
        body = member.unused_data
        if not body:
            return bytes(found)
    raise _damaged()


def _damaged() -> ValidationFailed:
    return ValidationFailed("The body cannot be read.", errors=[FieldError("", "is not valid gzip")])

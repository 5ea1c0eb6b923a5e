"""Other forms of a text in which names and values may stand: percent-encoded, escaped, with look-alike characters.

`%70assword%3Dhunter2` reads `password=hunter2`, as do `p\\u0061ssword`, `password&#61;` and full-width letters. A
view is the text with one level of this undone, and knows where in the text each of its parts comes from.
"""

import html
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from functools import cache

from .patterns import Pattern

MAX_VIEWS = 6  # levels that are undone
# What may be encoded, by a sign that texts without it do not hold.
_PERCENT = rb"%[2-7][0-9A-Fa-f]"
_ESCAPE = rb"\\(?<!\\\\)\\*+(?:u[0-9a-fA-F]{4}|x[2-7][0-9a-fA-F])"
_ENTITY = rb"&(?:quot|apos|amp|lt|gt|equals|colon|num|#0{0,4}[1-9][0-9]{1,2}|#[xX]0{0,4}[2-7][0-9a-fA-F]);"
_DOUBLED = (  # as CSV has a quote in a quotation
    rb"\"\"(?:(?=[A-Za-z_][\w.-]{1,40}\"\"[ \t]*:)|(?<=[A-Za-z0-9_]\"\")(?=[ \t]*:[ \t]*\"\")"
    rb"|(?<=:\"\")(?=[^\",\s])|(?<=: \"\")(?=[^\",\s])|(?<=[^\",\s]\"\")(?=[,}]))"
)
# Full-width forms and blanks, typographic quotes and hyphens, and characters that cannot be seen.
_LOOK_ALIKE = (
    rb"\xef\xbc[\x81-\xbf]|\xef\xbd[\x80-\x9e]|\xef\xb9[\x90-\xab]|\xe3\x80\x80|\xc2[\xa0\xad]"
    rb"|\xe2\x80[\x80-\x91\x98-\x9f\xaa-\xaf]|\xe2\x81[\xa0\x9f]|\xef\xbb\xbf"
)
_SIGNS = ((b"%", _PERCENT), (b"\\u", _ESCAPE), (b"\\x", _ESCAPE), (b"&", _ENTITY), (b'{""', _DOUBLED))
_PLAIN_SIGNS = tuple((sign, source) for sign, source in _SIGNS if b"\\" not in sign)
_LOOK_ALIKE_FIRST = (b"\xc2", b"\xe2", b"\xe3", b"\xef")
_ASCII = bytes(range(128))


@cache
def _encoded(sources: tuple[bytes, ...]) -> Pattern[bytes]:
    return Pattern(b"|".join(sources))


def _encodings(text: bytes) -> tuple[bytes, ...]:
    """The encodings that stand in a text. First a byte is looked for, which is much faster than anything longer."""
    signs = _SIGNS if b"\\" in text else _PLAIN_SIGNS
    may = dict.fromkeys(source for sign, source in signs if sign in text)
    found = [source for source in may if _encoded((source,)).search(text)]
    if _holds_look_alike(text):
        found.append(_LOOK_ALIKE)
    return tuple(found)


def _holds_look_alike(text: bytes) -> bool:
    """Whether one of the look-alikes stands in a text; none has an ASCII character, and few texts have many others."""
    if not any(first in text for first in _LOOK_ALIKE_FIRST):
        return False
    return bool(_encoded((_LOOK_ALIKE,)).search(text.translate(None, _ASCII)))


_ESCAPES = ((b'\\"', b'"'), (b"\\'", b"'"), (b"\\n", b"\n"), (b"\\r", b"\r"), (b"\\t", b"\t"), (b"\\/", b"/"))
_ANY_ESCAPE = Pattern(rb"\\[\\\"'nrt/]")
_QUOTES = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": "'",
    "\u201b": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u201f": '"',
}
_DASHES = {"\u2010": "-", "\u2011": "-"}


class View:
    """A text as it reads when one level of encoding is undone, and where its parts come from."""

    def __init__(
        self, text: bytes, parts: Callable[[], tuple[list[int], list[int]]], *, is_escaped: bool = False
    ) -> None:
        self.text = text
        self._parts, self._is_escaped = parts, is_escaped
        self._ends: list[int] | None = None
        self._sources: list[int] = []

    def source(self, at: int) -> int:
        """Where a place of the view is in the text: behind what was decoded before it."""
        if self._ends is None:
            self._ends, self._sources = self._parts()
        index = bisect_right(self._ends, at) - 1
        return at if index < 0 else self._sources[index] + at - self._ends[index]

    def encoded(self, new: bytes) -> bytes:
        """A replacement as the text has to have it."""
        return new.replace(b'"', b'\\"') if self._is_escaped else new


def may_be_encoded(text: str | bytes) -> bool:
    """Whether a text holds a sign of any encoding; asked of a str it costs a quarter of what it does of bytes."""
    if isinstance(text, str):
        return "\\" in text or "%" in text or "&" in text or not text.isascii() or '{""' in text
    return b"\\" in text or b"%" in text or b"&" in text or not text.isascii() or b'{""' in text


def decoded(text: bytes) -> View | None:
    """The text with one level of encoding undone, or None where there is none."""
    if not may_be_encoded(text):
        return None
    encodings = _encodings(text)
    if encodings:
        return _with_characters_decoded(text, _encoded(encodings))
    if b"\\" in text and any(escape in text for escape, _ in _ESCAPES):
        return _without_backslashes(text)
    return None


def _with_characters_decoded(text: bytes, encoded: Pattern[bytes]) -> View:
    parts, ends, sources = [], list[int](), list[int]()
    at = length = 0
    for match in encoded.finditer(text):
        plain = _decoded(match[0])
        parts += [text[at : match.start()], plain]
        length += match.start() - at + len(plain)
        at = match.end()
        ends.append(length)
        sources.append(at)
    parts.append(text[at:])
    return View(b"".join(parts), lambda: (ends, sources))


def _without_backslashes(text: bytes) -> View:
    """Without one level of the escapes that JSON and most languages know: each is one character instead of two."""
    plain = text.replace(b"\\\\", b"\0")
    for escape, char in _ESCAPES:
        plain = plain.replace(escape, char)

    def parts() -> tuple[list[int], list[int]]:
        sources = [match.end() for match in _ANY_ESCAPE.finditer(text)]
        return [source - count for count, source in enumerate(sources, 1)], sources

    return View(plain.replace(b"\0", b"\\"), parts, is_escaped=True)


def _decoded(token: bytes) -> bytes:
    if token[:1] == b"%":
        return bytes([int(token[1:], 16)])
    if token[:1] == b"\\":
        code = int(token.lstrip(b"\\")[1:], 16)
        return _plain(chr(code)) if code > 0x7F else bytes([code])
    if token[:1] == b"&":
        return html.unescape(token.decode()).encode()
    if token == b'""':
        return b'"'
    return _plain(token.decode())


def _plain(char: str) -> bytes:
    """A character as it looks: `\uff1d` is an equals sign, a soft hyphen is nothing."""
    if char in _QUOTES or char in _DASHES:
        return (_QUOTES.get(char) or _DASHES[char]).encode()
    if unicodedata.category(char) == "Cf":
        return b""
    return b" " if char.isspace() else unicodedata.normalize("NFKC", char).encode(errors="surrogatepass")

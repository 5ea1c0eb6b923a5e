"""The physical lines of a text file, plain or gzip'd, in bounded memory."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from chancery.cli.errors import UsageError

MAX_LINE = 1024 * 1024  # bytes: four times what the service takes, as escapes and mojibake make a line longer
_HEAD_LINES = 16  # the lines that tell a file from others
_GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)
_GZIP, _UTF8_BOM, _UTF16_BOMS = b"\x1f\x8b", b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


class Line(NamedTuple):
    """A line without its line end. `problem`: why its content is not, or not wholly, here.

    `id` is the same in every copy of the file: it depends on the file's first lines, the line's number and its content.
    So it stays the same when the file is renamed, compressed, appended to, or gets other line ends.
    """

    number: int
    data: bytes
    id: str
    is_ended: bool = True
    problem: str | None = None

    @property
    def is_blank(self) -> bool:
        return not self.problem and not self.data.strip()


class LineSource:
    """Iterates over the lines of an open file once. `bytes_read`: of the file as it is stored."""

    def __init__(self, raw: BinaryIO, text: BinaryIO) -> None:
        self._raw, self._text = raw, text

    @property
    def bytes_read(self) -> int:
        return self._raw.tell()

    def __iter__(self) -> Iterator[Line]:
        ids, number = _LineIds(), 0
        while True:
            number += 1
            try:
                data = self._text.readline(MAX_LINE + 1)
                problem = self._rest_of_long_line(data)
            except _GZIP_ERRORS:
                yield Line(number, b"", ids.next(number, b""), problem="The gzip data is damaged or ends here.")
                return
            if not data:
                return
            if number == 1:
                data = data.removeprefix(_UTF8_BOM)
            content = data.removesuffix(b"\n").removesuffix(b"\r")
            yield Line(number, content, ids.next(number, content), data.endswith(b"\n"), problem)

    def _rest_of_long_line(self, data: bytes) -> str | None:
        """Reads on to the end of a line that is too long, and returns the problem."""
        if len(data) <= MAX_LINE:
            return None
        while data and not data.endswith(b"\n"):
            data = self._text.readline(MAX_LINE)
        return f"The line is longer than {MAX_LINE} bytes; the text is its beginning."


class _LineIds:
    """Makes the ids of the lines of one file, in order."""

    def __init__(self) -> None:
        self._head, self._seen = b"", 0

    def next(self, number: int, content: bytes) -> str:
        if self._seen < _HEAD_LINES and content.strip():
            self._head = sha256(self._head + content).digest()
            self._seen += 1
        return sha256(b"%b%d\n%b" % (self._head, number, content)).hexdigest()[:32]


@contextmanager
def open_lines(file: Path) -> Iterator[LineSource]:
    """The lines of a file. Raises OSError."""
    with file.open("rb") as raw, _text(raw) as text:
        yield LineSource(raw, text)


def read_head(file: Path, size: int) -> bytes:
    """The first bytes of a file's text; none where its gzip data is damaged. Raises UsageError, OSError."""
    with file.open("rb") as raw, _text(raw) as text:
        try:
            head = text.read(size)
        except _GZIP_ERRORS:
            return b""
    if head.startswith(_UTF16_BOMS):
        raise UsageError(f"{file} is UTF-16: convert it to UTF-8, for example with iconv.")
    return head


def _text(raw: BufferedReader) -> AbstractContextManager[BinaryIO]:
    return cast(AbstractContextManager[BinaryIO], gzip.open(raw)) if raw.peek(2)[:2] == _GZIP else nullcontext(raw)

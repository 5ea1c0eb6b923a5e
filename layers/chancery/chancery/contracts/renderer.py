"""Typesetting in a process of its own, bounded in time, memory and pages, and without files or network."""

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson

from chancery.contracts.document import RenderInput
from chancery.core.child_process import ChildFailed, ChildProcess
from chancery.core.errors import ChanceryError, Unavailable

MAX_PAGES = 200
_EXHAUSTED = (-signal.SIGABRT, -signal.SIGSEGV)  # an allocation that failed, and a stack
# Errors of Typst for files and packages that a template may not open, and our messages for them.
_REASONS = (
    ("failed to download package", "imports a package; templates have none"),
    ("package not found", "imports a package; templates have none"),
    ("file not found", "reads a file; templates have none"),
    ("failed to load", "reads a file; templates have none"),
    ("would escape the project root", "reads a file; templates have none"),
)


@dataclass(frozen=True, slots=True)
class RenderedPdf:
    """A PDF/A file and its number of pages."""

    pdf: bytes
    pages: int


class RenderError(ChanceryError):
    """Why a contract cannot be rendered; `line` of its template, where Typst names one."""

    status = 422

    def __init__(self, detail: str, line: int | None = None) -> None:
        super().__init__(detail)
        self.line = line


class MissingGlyph(RenderError):
    """No font has a character."""


class Renderer:
    """Renders contracts one at a time, in a process that starts with the first one or with `start`."""

    def __init__(self, seconds: float = 10, memory_bytes: int = 1_000_000_000, max_pages: int = MAX_PAGES) -> None:
        self._seconds, self._memory_bytes, self._max_pages = seconds, memory_bytes, max_pages
        self._process = ChildProcess("chancery.contracts.render_process", (str(memory_bytes),))
        self._lock = Lock()

    @property
    def pid(self) -> int | None:
        """The id of the process, None where there is none."""
        return self._process.pid

    def start(self) -> None:
        """Starts the process if there is none; it gets ready by itself."""
        with self._lock:
            self._process.start()

    def stop(self) -> None:
        """Ends the process."""
        with self._lock:
            self._process.stop()

    def render(self, given: RenderInput) -> RenderedPdf:
        """The PDF/A of a contract. Raises RenderError, MissingGlyph; Unavailable where the process has ended."""
        job = orjson.dumps({"source": given.source, "data": given.data, "date": given.date})
        try:
            with self._lock:
                answer, pdf = self._process.exchange(job, self._seconds, answers=2)
        except ChildFailed as exc:
            raise self._failure(exc) from None
        head = orjson.loads(answer)
        if "error" in head:
            raise _refusal(head, given.preamble)
        if head["pages"] > self._max_pages:
            raise RenderError(f"makes {head['pages']:,} pages; a contract has at most {self._max_pages}")
        return RenderedPdf(pdf, head["pages"])

    def _failure(self, failed: ChildFailed) -> ChanceryError:
        """RenderError where the template is the cause, Unavailable where it is not."""
        if failed.ready and failed.late:
            return RenderError(f"is not done after {self._seconds:g} seconds; does it end at all?")
        if failed.ready and failed.status in _EXHAUSTED:
            megabytes = self._memory_bytes // 1_000_000
            return RenderError(
                f"needs more than {megabytes} MB of memory; a contract has at most {self._max_pages} pages"
            )
        return Unavailable("The typesetter has ended; try again.")


def _refusal(head: Mapping[str, Any], preamble: int) -> RenderError:
    message, line = str(head["error"]), head["line"]
    if "could not be displayed with font" in message:
        return MissingGlyph(f"has a character that no font of ours has: {_code_points(message)}")
    reason = next((reason for sign, reason in _REASONS if sign in message), "")
    detail = reason or "; ".join((message, *head["hints"]))
    return RenderError(detail, line - preamble if line and line > preamble else None)


def _code_points(message: str) -> str:
    """Those of the text that Typst quotes, as Rust writes strings."""
    quoted = re.search(r'`"(.*?)"`', message)
    text = re.sub(r"\\u\{([0-9a-f]+)\}", lambda match: chr(int(match[1], 16)), quoted[1]) if quoted else ""
    return ", ".join(f"U+{ord(char):04X}" for char in text)

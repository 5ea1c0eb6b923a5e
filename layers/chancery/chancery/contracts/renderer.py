"""Typesetting in a process of its own, bounded in time, memory and pages, and without files or network."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event, Lock, Timer
from typing import Any

import orjson

from chancery.contracts.document import RenderInput
from chancery.contracts.render_process import read_frame, write_frame
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.observability import logger

MAX_PAGES = 200
_READY_SECONDS = 20
_EXHAUSTED = (-signal.SIGABRT, -signal.SIGSEGV)  # an allocation that failed, and a stack
_AWAY = "The typesetter has ended; try again."
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
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._lock = Lock()

    def start(self) -> None:
        """Starts the process if there is none; it gets ready by itself."""
        with self._lock:
            self._started()

    def stop(self) -> None:
        """Ends the process."""
        with self._lock:
            self._end()

    def render(self, given: RenderInput) -> RenderedPdf:
        """The PDF/A of a contract. Raises RenderError, MissingGlyph; Unavailable where the process has ended."""
        job = {"source": given.source, "data": given.data, "date": given.date}
        with self._lock:
            head, pdf = self._exchange(orjson.dumps(job))
        if "error" in head:
            raise _refusal(head, given.preamble)
        if head["pages"] > self._max_pages:
            raise RenderError(f"makes {head['pages']:,} pages; a contract has at most {self._max_pages}")
        return RenderedPdf(pdf, head["pages"])

    def _exchange(self, frame: bytes) -> tuple[dict[str, Any], bytes]:
        process = self._started()
        assert process.stdin
        if not self._ready:
            self._read(process, _READY_SECONDS, rendering=False)
            self._ready = True
        try:
            write_frame(process.stdin, frame)
        except OSError as exc:
            self._end()
            raise Unavailable(_AWAY) from exc
        head = orjson.loads(self._read(process, self._seconds, rendering=True))
        return head, self._read(process, self._seconds, rendering=True)

    def _read(self, process: subprocess.Popen[bytes], seconds: float, *, rendering: bool) -> bytes:
        """The next frame. Raises Unavailable without one; RenderError where, `rendering`, the template is the cause."""
        assert process.stdout
        late = Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = Timer(seconds, end)
        timer.start()
        try:
            frame = read_frame(process.stdout)
        finally:
            timer.cancel()
        if frame is not None:
            return frame
        ended = process.wait()
        self._end()
        if rendering and late.is_set():
            raise RenderError(f"is not done after {seconds:g} seconds; does it end at all?")
        if rendering and ended in _EXHAUSTED:
            megabytes = self._memory_bytes // 1_000_000
            raise RenderError(
                f"needs more than {megabytes} MB of memory; a contract has at most {self._max_pages} pages"
            )
        raise Unavailable(_AWAY)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            command = [sys.executable, "-m", "chancery.contracts.render_process", str(self._memory_bytes)]
            # No credential of this function goes with it, only where its packages are.
            env = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **_inherited(os.environ)}
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(  # noqa: S603
                command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=env, cwd="/"
            )
        return self._process

    def _end(self) -> None:
        process, self._process, self._ready = self._process, None, False
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    try:
                        pipe.close()
                    except OSError:
                        logger.debug("PIPE_BROKEN")


def _inherited(environment: Mapping[str, str]) -> dict[str, str]:
    wanted = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE")
    return {name: environment[name] for name in wanted if name in environment}


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

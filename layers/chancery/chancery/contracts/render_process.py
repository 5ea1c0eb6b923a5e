"""The process that typesets: it has typst and the fonts, and can open nothing any more once it is ready.

Frames of four bytes of length and JSON come in on standard input; on standard output goes, for each, a frame of JSON
and one of PDF. A process that hangs, or asks for too much memory, is killed by its parent or by the limit.
"""

import json
import re
import resource
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from chancery.contracts.fonts import font_files

STANDARD = "a-2b"
_PAGES = re.compile(rb"/Type\s*/Pages\b[^<>]*?/Count (\d+)|/Count (\d+)[^<>]*?/Type\s*/Pages\b")
_LINE = re.compile(r"__typst_py_bytes__\.typ:(\d+):")


def main() -> None:
    memory_bytes = int(sys.argv[1])
    pipe_in, pipe_out = sys.stdin.buffer, sys.stdout.buffer
    with tempfile.TemporaryDirectory() as folder:
        compiler = _compiler(Path(folder))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # no file, no package, no connection
    write_frame(pipe_out, b"ready")
    while (frame := read_frame(pipe_in)) is not None:
        head, pdf = _typeset(compiler, json.loads(frame))
        write_frame(pipe_out, json.dumps(head).encode())
        write_frame(pipe_out, pdf)


def _compiler(folder: Path) -> Any:
    """A compiler that has read every font it will ever use."""
    import typst

    for number, path in enumerate(font_files()):
        (folder / f"{number:02d}{path.suffix}").symlink_to(path)
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(folder)])
    nowhere = str(folder / "nowhere")
    compiler = typst.Compiler(root=str(folder), font_paths=fonts, package_path=nowhere, package_cache_path=nowhere)
    specimen = "".join(
        f'#text(font: "{family}", weight: {weight}, style: "{style}", fallback: false)[Aא一]\n'
        for family in fonts.families()
        for weight in (400, 600, 700)
        for style in ("normal", "italic")
    )
    compiler.compile(input=specimen.encode(), format="pdf")
    return compiler


def _typeset(compiler: Any, job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    import typst

    try:
        pdf = compiler.compile(
            input=job["source"].encode(),
            format="pdf",
            sys_inputs={"contract": job["data"]},
            pdf_standards=[STANDARD],
            timestamp=datetime.fromisoformat(job["date"]),
        )
    except typst.TypstError as exc:
        place = _LINE.search(exc.diagnostic)
        return {"error": exc.message, "hints": list(exc.hints), "line": int(place[1]) if place else None}, b""
    counts = [int(match[1] or match[2]) for match in _PAGES.finditer(pdf)]
    return {"pages": max(counts, default=0)}, pdf


def read_frame(pipe: IO[bytes]) -> bytes | None:
    """The next frame, or None where the pipe ends."""
    head = pipe.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head)
    body = pipe.read(size)
    return body if len(body) == size else None


def write_frame(pipe: IO[bytes], body: bytes) -> None:
    pipe.write(len(body).to_bytes(4) + body)
    pipe.flush()


if __name__ == "__main__":
    main()

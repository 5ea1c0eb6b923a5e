"""The process that typesets: it has typst and the fonts, and can open nothing any more once it is ready.

For each frame of JSON on standard input it writes a frame of JSON and one of PDF. A process that hangs, or asks for too
much memory, is killed by its parent or by the limit.
"""

import json
import re
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from chancery.contracts.fonts import font_files
from chancery.core.frames import claim_pipes, limit_memory, read_frame, write_frame

STANDARD = "a-2b"
_PAGES = re.compile(rb"/Type\s*/Pages\b[^<>]*?/Count (\d+)|/Count (\d+)[^<>]*?/Type\s*/Pages\b")
_LINE = re.compile(r"__typst_py_bytes__\.typ:(\d+):")


def main() -> None:
    pipe_in, pipe_out = claim_pipes()
    with tempfile.TemporaryDirectory() as folder:
        compiler = _compiler(Path(folder))
    limit_memory(int(sys.argv[1]))
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


if __name__ == "__main__":
    main()

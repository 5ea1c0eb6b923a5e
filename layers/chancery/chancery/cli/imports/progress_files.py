"""The two files of an import beside its source: the rejected lines, and the checkpoint of one that is not finished."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from chancery.cli.imports.items import Item
from chancery.core.redaction import redact, redact_text


class Checkpoint:
    """The last line that was sent, in `FILE.import.json`.

    `source`: what must be the same for an import to continue.
    """

    def __init__(self, path: Path, source: list[str | None]) -> None:
        self._path, self._source = path, source

    def read(self) -> dict[str, Any]:
        """`{line, counts, rejectsBytes}`; of an import that has not begun, or of another source, the start."""
        try:
            found = json.loads(self._path.read_text())
            if found["source"] == self._source:
                return {name: found[name] for name in ("line", "counts", "rejectsBytes")}
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return {"line": 0, "counts": {}, "rejectsBytes": 0}

    def write(self, line: int, counts: dict[str, int], rejects_bytes: int) -> None:
        """Replaces the file at once, so that no kill leaves half of one."""
        progress = {"source": self._source, "line": line, "counts": counts, "rejectsBytes": rejects_bytes}
        partial = self._path.with_name(f"{self._path.name}.part")
        with partial.open("w") as file:
            json.dump(progress, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


class RejectsFile:
    """`FILE.rejects.jsonl`: each rejected entry with its line numbers, the reason and its text, redacted."""

    def __init__(self, path: Path, size: int) -> None:
        """Opens the file and cuts it to `size` bytes: what an interrupted import wrote after its checkpoint."""
        self._path = path
        path.touch()
        self._file: BinaryIO = path.open("r+b")
        self._file.truncate(size)
        self._file.seek(0, os.SEEK_END)

    def write(self, rejects: Iterable[tuple[Item, str, Sequence[dict[str, str]]]]) -> int:
        """Appends items, each with its reason and the errors of its fields; the file's size."""
        for item, reason, errors in rejects:
            rejected: dict[str, Any] = {"line": item.line, "lines": item.lines, "reason": reason}
            if errors:
                rejected["errors"] = errors
            rejected["text"] = _redacted(item.text)
            self._file.write(json.dumps(rejected).encode() + b"\n")
        self._file.flush()
        return self._file.tell()

    def close(self) -> None:
        """Removes the file where nothing was rejected."""
        is_empty = self._file.tell() == 0
        self._file.close()
        if is_empty:
            self._path.unlink()


def _redacted(text: str) -> str:
    """A rejected text without its credentials; as it was where there are none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return redact_text(text)
    clean = redact(value)
    return text if clean == value else json.dumps(clean, ensure_ascii=False)

"""The error of every verification, with the place of the mismatch."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LONGEST = 500  # characters of an explanation, which may quote from a file
_REF_ID = re.compile(r"[0-9A-Za-z]{26}")


class VerificationError(ValueError):
    """The first mismatch and its location: file, line (from 1), index in the log, refId; each where it is known.

    `file` is the file's role (`record`, `export`, `archive`, `manifest`, `proof`) or the path of a tile.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | None = None,
        line: int | None = None,
        index: int | None = None,
        ref_id: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what, self.file, self.line, self.index, self.ref_id = what[:_LONGEST], file, line, index, ref_id

    def __str__(self) -> str:
        numbers = {"line": self.line, "index": self.index, "refId": self.ref_id}
        parts = [f"{name} {value}" for name, value in numbers.items() if value is not None]
        location = ", ".join([self.file, *parts] if self.file else parts)
        return f"{location}: {self.what}" if location else self.what

    def as_json(self) -> dict[str, Any]:
        """`{file, line, index, refId, what}`, null where unknown."""
        return {"file": self.file, "line": self.line, "index": self.index, "refId": self.ref_id, "what": self.what}


@contextmanager
def located(
    file: str | None = None, line: int | None = None, index: int | None = None, ref_id: str | None = None
) -> Iterator[None]:
    """Converts LookupError, ValueError and RecursionError from malformed input to a VerificationError with a location.

    A VerificationError passes through: it has its own location.
    """
    try:
        yield
    except VerificationError:
        raise
    except (LookupError, ValueError, RecursionError) as exc:
        raise VerificationError(reason(exc), file=file, line=line, index=index, ref_id=ref_id) from exc


def reason(exc: Exception) -> str:
    """The message of an exception about malformed input."""
    if isinstance(exc, RecursionError):
        return "is nested too deeply"
    if isinstance(exc, UnicodeError):
        return "is not UTF-8"
    return str(exc.args[0] if isinstance(exc, LookupError) and exc.args else exc)  # str(KeyError) is quoted


def ref_id_of(record: Any) -> str | None:
    """The refId of a parsed JSON value, if the value is a record and the refId is printable."""
    ref_id = record.get("refId") if isinstance(record, dict) else None
    return ref_id if isinstance(ref_id, str) and _REF_ID.fullmatch(ref_id) else None

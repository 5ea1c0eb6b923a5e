"""What verification ends with when something is not as it was sealed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LONGEST = 500  # characters of an explanation: it may quote what is in a file
_REF_ID = re.compile(r"[0-9A-Za-z]{26}")


class DoesNotHold(Exception):
    """The first thing that is wrong and where: file, line of it (from 1), index in the log, refId; each where known."""

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
        parts = (self.file, _named("line", self.line), _named("index", self.index), _named("refId", self.ref_id))
        place = ", ".join(part for part in parts if part)
        return f"{place}: {self.what}" if place else self.what

    def as_json(self) -> dict[str, Any]:
        """`{file, line, index, refId, what}`, null where unknown."""
        return {"file": self.file, "line": self.line, "index": self.index, "refId": self.ref_id, "what": self.what}


@contextmanager
def at(
    file: str | None = None, line: int | None = None, index: int | None = None, ref_id: str | None = None
) -> Iterator[None]:
    """Turns every ValueError about malformed input into a DoesNotHold at this place."""
    try:
        yield
    except (ValueError, RecursionError) as exc:
        raise DoesNotHold(reason(exc), file=file, line=line, index=index, ref_id=ref_id) from exc


def reason(exc: Exception) -> str:
    """What an exception says about malformed input."""
    if isinstance(exc, RecursionError):
        return "is nested too deeply"
    return "is not UTF-8" if isinstance(exc, UnicodeError) else str(exc)


def ref_id_of(record: Any) -> str | None:
    """The refId of what may be a record, if it is one that can be printed."""
    ref_id = record.get("refId") if isinstance(record, dict) else None
    return ref_id if isinstance(ref_id, str) and _REF_ID.fullmatch(ref_id) else None


def _named(name: str, value: Any) -> str:
    return "" if value is None else f"{name} {value}"

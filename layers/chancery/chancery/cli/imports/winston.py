"""Reads a Winston file: an object a line, and what else such files have.

- An object over several lines, indented or with line ends in its texts, is one entry.
- Lines of a stack after an object belong to it; a stack of its own, with its message before it, is an error.
- Other lines are rejected, each by itself.
"""

import json
import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import tzinfo
from hashlib import sha256
from typing import Any

from chancery.cli.imports.items import BLANK, Entry, Item
from chancery.cli.imports.mojibake import decoded
from chancery.cli.imports.source_lines import Line
from chancery.cli.imports.winston_entries import NotWinston, WinstonEntries, time_of

_MOST_LINES, _MOST_BYTES = 1000, 256 * 1024  # of one entry; the service takes no longer one
_FRAME = re.compile(rb"\s+at \S|\s+\.\.\. \d+ |Caused by: |\s+\[cause\]:")
_ERROR_HEADER = re.compile(rb"(?:Uncaught )?[A-Za-z_$][\w$.]*(?:Error|Exception)\b")


class _NotJson(Exception):
    """The text is no JSON object; the message is the reason."""


def read_winston(lines: Iterable[Line], entries: WinstonEntries) -> Iterator[Item]:
    """The items of a file, in order."""
    return _Reader(lines, entries).items()


def first_time(head: bytes, zone: tzinfo) -> str | None:
    """The time of the first line of a file that has one, in RFC 3339. `head`: the beginning of the file."""
    for line in head.splitlines():
        with suppress(ValueError, RecursionError):
            value = json.loads(decoded(line).value)
            if isinstance(value, dict) and (time := time_of(value, zone)):
                return time[1]
    return None


class _Reader:
    def __init__(self, lines: Iterable[Line], entries: WinstonEntries) -> None:
        self._lines, self._ahead, self._entries = iter(lines), deque[Line](), entries

    def items(self) -> Iterator[Item]:
        while line := self._next():
            if line.problem:
                yield _rejected(line, line.problem)
            elif line.is_blank:
                yield Item(line.number, 1, "", skipped=BLANK)
            elif _begins_object(line):
                yield self._object(line)
            else:
                yield from self._text(line)

    def _next(self) -> Line | None:
        return self._ahead.popleft() if self._ahead else next(self._lines, None)

    def _take_while(self, belongs: Callable[[Line], bool], room: int) -> list[Line]:
        """The following lines that belong to an entry, up to `room` bytes."""
        taken: list[Line] = []
        while len(taken) < _MOST_LINES and (line := self._next()):
            room -= len(line.data)
            if line.problem or room < 0 or not belongs(line):
                self._ahead.appendleft(line)
                break
            taken.append(line)
        return taken

    def _object(self, first: Line) -> Item:
        """The entry of an object and of the lines that belong to it."""
        taken = [first]
        try:
            value = _parsed(taken)
        except _NotJson as exc:
            found = self._object_of_several(first)
            if found is None:
                return _rejected(first, str(exc) if first.is_ended else "The file ends within this line.")
            taken, value = found
        frames = self._take_while(_is_frame, _MOST_BYTES)
        return _entry(
            [*taken, *frames],
            lambda id_, marks: self._entries.entry(id_, value, decoded(_joined(frames)).value, marks),
        )

    def _object_of_several(self, first: Line) -> tuple[list[Line], dict[str, Any]] | None:
        """An object that begins in a line and ends in one of the next; None where there is no end."""
        if not first.data.startswith(b"{"):
            return None
        more = self._take_while(lambda line: not line.data.startswith(b"{"), _MOST_BYTES)
        for at, line in enumerate(more, 1):
            if line.data.rstrip().endswith(b"}"):
                try:
                    value = _parsed([first, *more[:at]])
                except _NotJson:
                    continue
                self._ahead.extendleft(reversed(more[at:]))
                return [first, *more[:at]], value
        self._ahead.extendleft(reversed(more))
        return None

    def _text(self, first: Line) -> Iterator[Item]:
        """A stack with its message before it, as an entry; lines that are neither are rejected."""
        before = [first, *self._take_while(_is_message, _MOST_BYTES)] if not _is_frame(first) else []
        frames = self._take_while(_is_frame, _MOST_BYTES) if before else []
        if not frames:
            for line in before or [first]:
                yield _rejected(line, "The line is not JSON.")
            return
        at = next((at for at, line in reversed(list(enumerate(before))) if _ERROR_HEADER.match(line.data)), -1)
        header = before[at:]
        for line in before[: len(before) - len(header)]:
            yield _rejected(line, "The line is not JSON.")
        message, frames_text = decoded(_joined(header)).value, decoded(_joined(frames)).value
        yield _entry(
            [*header, *frames], lambda id_, marks: self._entries.entry_of_stack(id_, message, frames_text, marks)
        )


def _entry(lines: Sequence[Line], make: Callable[[str, frozenset[str]], Entry]) -> Item:
    """The entry of these lines; its id is that of the one line, or the hash of their ids."""
    text, marks = decoded(_joined(lines))
    id_ = lines[0].id if len(lines) == 1 else sha256("".join(line.id for line in lines).encode()).hexdigest()[:32]
    try:
        return Item(lines[0].number, len(lines), text, entry=make(f"winston:{id_}", marks))
    except NotWinston as exc:
        return Item(lines[0].number, len(lines), text, reason=str(exc))


def _rejected(line: Line, reason: str) -> Item:
    return Item(line.number, 1, decoded(line.data).value, reason=reason)


def _begins_object(line: Line) -> bool:
    """Whether an object begins here: indented ones are parts of others, unless they are complete."""
    text = line.data.strip()
    return text.startswith(b"{") and (line.data.startswith(b"{") or text.endswith(b"}"))


def _is_frame(line: Line) -> bool:
    return _FRAME.match(line.data) is not None


def _is_message(line: Line) -> bool:
    return not (line.is_blank or _begins_object(line) or _is_frame(line))


def _joined(lines: Iterable[Line]) -> bytes:
    return b"\n".join(line.data for line in lines)


def _parsed(lines: Sequence[Line]) -> dict[str, Any]:
    """The object of these lines; line ends and tabs may stand in its texts. Raises _NotJson."""
    text = decoded(_joined(lines)).value
    try:
        value = json.loads(
            text, strict=False, object_pairs_hook=_object_of, parse_constant=_no_constant, parse_float=_finite
        )
    except json.JSONDecodeError as exc:
        raise _NotJson(f"The line is not valid JSON (column {exc.colno}).") from exc
    except RecursionError as exc:
        raise _NotJson("The line is nested too deeply.") from exc
    except ValueError as exc:  # an integer of thousands of digits
        raise _NotJson("The line has a number that is too large.") from exc
    if not isinstance(value, dict):
        raise _NotJson("The line is no JSON object.")
    return value


def _object_of(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise _NotJson("The line has a key twice.")
    return found


def _no_constant(name: str) -> Any:
    raise _NotJson(f"The line has {name}, which is not JSON.")


def _finite(text: str) -> float:
    if math.isinf(value := float(text)):
        raise _NotJson("The line has a number that is too large.")
    return value

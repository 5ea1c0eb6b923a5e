"""The one engine that redacts text, in place: every byte that is not redacted stays as it came.

JSON in a text, wherever it begins and breaks off, is redacted by name like any value; strings in it are texts again.
What is no JSON is searched for credentials, card numbers, and pairs of a sensitive name and a value. Nothing is parsed
into objects, and no byte is looked at more than a few times whatever the text.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice

from . import pairs
from .credentials import Take, kinds_in
from .json_scan import IN_TEXT, Edit, Gap, JsonScan, TooDeep, TooMany
from .literals import Traces

MAX_EDITS = 1_000_000
_MOST_ROUNDS = 10
_SHORTEST = 12  # bytes that may hold a credential without its name
_SUSPECT = re.compile(rb'[=:\[{"]')


def redact_text(text: str, depth: int = 0) -> str:
    """The text with its credentials replaced, and what JSON in it has under sensitive names.

    `depth`: levels around the text. A text that cannot be redacted in place is replaced whole.
    """
    body = text.encode(errors="surrogatepass")
    clean = _redacted(body, depth)
    return text if clean is body else clean.decode(errors="surrogatepass")


def _redacted(body: bytes, depth: int) -> bytes:
    """The same for UTF-8; the very same where nothing is found."""
    if not _SUSPECT.search(body) and (len(body) < _SHORTEST or not kinds_in(Traces(body))):
        return body
    try:
        edits, _ = edits_in(body, depth)
    except (TooDeep, TooMany):
        return IN_TEXT
    return b"".join(_pieces(body, edits)) if edits else body


def edits_in(body: bytes, depth: int = 0, most: int = MAX_EDITS) -> tuple[list[Edit], bool]:
    """The redactions of a text in UTF-8, in order, and whether it is one JSON value. Raises TooDeep, TooMany.

    What is redacted can bring to light what was glued to it. So text is searched until nothing more is found: then
    redacting once more changes nothing.
    """
    edits, gaps, values = _once(body, depth, most)
    is_json, found = values == 1 and not gaps, edits
    for _ in range(_MOST_ROUNDS):
        if not (gaps and found):
            break
        found, gaps, _ = _once(b"".join(_pieces(body, edits)), depth, most)
        edits = _merged([*edits, *_where_from(found, edits)]) if found else edits
    return edits, is_json


def _once(body: bytes, depth: int, most: int) -> tuple[list[Edit], list[Gap], int]:
    scan = JsonScan(body, depth, most, _redacted)
    gaps, values = scan.run()
    edits = scan.edits
    edits += islice(_in_text(body, gaps), most + 1 - len(edits))
    if len(edits) > most:
        raise TooMany
    return _merged(edits), gaps, values


def _where_from(found: list[Edit], edits: list[Edit]) -> Iterator[Edit]:
    """Where what was found in a text with its edits lies in the text itself; an edit that it touches it covers."""
    starts, ends, shifts, shift = [], [], [0], 0
    for start, end, new in edits:
        starts.append(start + shift)
        ends.append(start + shift + len(new))
        shift += len(new) - (end - start)
        shifts.append(shift)
    for begin, end, new in found:
        first, last = bisect_right(ends, begin), bisect_left(starts, end) - 1
        begin = edits[first][0] if first < len(edits) and starts[first] <= begin else begin - shifts[first]
        end = edits[last][1] if last >= 0 and ends[last] >= end else end - shifts[last + 1]
        yield begin, end, new


def _pieces(body: bytes, edits: list[Edit]) -> Iterator[bytes]:
    at = 0
    for start, end, new in edits:
        yield body[at:start]
        yield new
        at = end
    yield body[at:]


def _in_text(body: bytes, gaps: list[Gap]) -> Iterator[Edit]:
    if gaps:
        for kind in kinds_in(Traces(body)):
            yield from _found(body, gaps, kind.pattern, kind.take)
        if b"=" in body or b":" in body:
            yield from _found(body, gaps, pairs.PAIR, pairs.take)


def _found(body: bytes, gaps: list[Gap], pattern: re.Pattern[bytes], take: Take) -> Iterator[Edit]:
    """What begins in the gaps between JSON; it may go on beyond them. Each byte is searched once."""
    at, match = 0, None
    for begin, end in gaps:
        at = max(at, begin)
        while at < end:
            if match is None or match.start() < at:
                match = pattern.search(body, at)
            if match is None:
                return
            if match.start() >= end:
                break
            span, at = take(match)
            if span and body[span[0] : span[1]] != IN_TEXT:
                yield (*span, IN_TEXT)


def _merged(edits: list[Edit]) -> list[Edit]:
    """The edits in order; of those that lie in one another the outer, of those that overlap one."""
    edits.reverse()  # of two of the same place the later: it redacts whole what the other has searched
    edits.sort(key=lambda edit: (edit[0], -edit[1]))
    merged: list[Edit] = []
    for edit in edits:
        if merged and edit[0] < merged[-1][1]:
            start, end, new = merged[-1]
            if edit[1] > end:
                merged[-1] = (start, edit[1], new)
        else:
            merged.append(edit)
    return merged

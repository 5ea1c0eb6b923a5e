"""Redacts texts that are pieces of one: a secret may begin in one piece and end in another.

["the key ghp_Ab", "Cd…", " is new"]  →  ["the key [REDACTED]", "", " is new"]
"""

import re
from collections.abc import Sequence

from chancery.core.redaction import REDACTED, Detector
from chancery.core.redaction.text_engine import TooMany, edits_of_original

_GOES_ON = re.compile(r"[\w+/=-]+")


def redact_joined(pieces: Sequence[str], using: Detector) -> list[str]:
    """The pieces, redacted as the text that they make together. A marker stands where the secret begins.

    A piece behind a marker that goes on with the characters of a token goes on with the secret, and loses them.
    """
    pieces = _without_rest(pieces)
    bodies = [piece.encode(errors="surrogatepass") for piece in pieces]
    try:
        edits = edits_of_original(b"".join(bodies), using)
    except TooMany:
        return [REDACTED for _ in pieces]
    if not edits:
        return list(pieces)
    clean, start = [], 0
    for body in bodies:
        end, parts, at = start + len(body), [], start
        for edit in edits:
            if edit.end <= start or edit.start >= end:
                continue
            parts.append(body[at - start : max(edit.start, start) - start])
            if edit.start >= start:
                parts.append(edit.new)
            at = min(edit.end, end)
        clean.append(b"".join([*parts, body[at - start :]]).decode(errors="surrogatepass"))
        start = end
    return clean


def _without_rest(pieces: Sequence[str]) -> list[str]:
    """The pieces without what goes on with a secret that was redacted at the end of an earlier one."""
    clean: list[str] = []
    behind_marker = False
    for piece in pieces:
        rest = _GOES_ON.match(piece) if behind_marker else None
        shorter = piece[rest.end() :] if rest else piece
        clean.append(shorter)
        if shorter:
            behind_marker = shorter.endswith(REDACTED)
    return clean

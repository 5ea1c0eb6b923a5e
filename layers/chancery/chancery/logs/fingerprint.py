"""Fingerprints of errors, "fp/1": equal for what is the same fault, whatever its values, lines and addresses are.

    TypeError at parse < handle     in whichever release, on whichever machine, for whichever user

An error with a stack is what its exceptions are, and through which functions they came. Without a stack it is its type
and its message with the values taken out; without an exception the message template, else the message. A stack has two
hashes, of the frames in the application's own code and of all frames: an error that shares either is of the same group,
so that a new version of a library makes no new one.

The rules are those of Sentry's grouping (https://develop.sentry.dev/backend/application-domains/grouping/), but that
a stack without a frame of the application has its last frames and its message, since all faults in a library would be
one otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Any, NamedTuple

import orjson

from chancery.logs.parameters import without_values
from chancery.logs.stack_frames import Frame, frames_of

VERSION = "fp/1"
DEFAULT = "{{ default }}"  # in a caller's own fingerprint: the computed one
_LAST_FRAMES = 5
_MOST_MESSAGE = 4096  # characters that are looked at


class Fingerprint(NamedTuple):
    """The hashes of an error, 32 hexadecimal digits each, the more specific one first, and what they are made of."""

    hashes: tuple[str, ...]
    components: dict[str, Any]


def fingerprint(line: Mapping[str, Any], own: Sequence[str] | None = None) -> Fingerprint | None:
    """The fingerprint of a line of a log; None where it has neither an exception nor a message.

    `own`: the caller's, which comes first; `{{ default }}` in it stands for the computed one.
    """
    computed = _computed(line)
    if not own:
        return computed
    parts: list[Any] = [computed.components if part.strip() == DEFAULT and computed else part for part in own]
    return _made({"by": "caller", "parts": parts})


def _computed(line: Mapping[str, Any]) -> Fingerprint | None:
    error: Mapping[str, Any] = line.get("error") or {}
    chain = [error, *error.get("causes", ())] if error else []
    stacks = [frames_of(one.get("stack") or "") for one in chain]
    if any(stacks):
        return _of_stacks(chain, stacks)
    if any(one.get("type") for one in chain):
        return _made({"by": "exception", "exceptions": [_named(one, with_value=True) for one in chain]})
    text = line.get("template") or error.get("message") or line.get("message") or ""
    message = message_of(text)
    return _made({"by": "template" if line.get("template") else "message", "message": message}) if message else None


def _of_stacks(chain: Sequence[Mapping[str, Any]], stacks: Sequence[Sequence[Frame]]) -> Fingerprint:
    in_app = [[frame for frame in frames if frame.in_app] for frames in stacks]
    every = _exceptions(chain, stacks)
    if any(in_app):
        return _made({"by": "stack", "exceptions": _exceptions(chain, in_app)}, {"by": "stack", "exceptions": every})
    last = [frames[-_LAST_FRAMES:] for frames in stacks]
    return _made({"by": "last frames", "exceptions": _exceptions(chain, last, with_value=True)})


def _exceptions(
    chain: Sequence[Mapping[str, Any]], stacks: Iterable[Sequence[Frame]], *, with_value: bool = False
) -> list[dict[str, Any]]:
    """Each exception with its frames, the outermost call first; neighbours that are equal count once."""
    return [
        _named(error, with_value=with_value or not frames)
        | {"frames": [name for name, _ in groupby(f"{frame.place}:{frame.function}" for frame in frames)]}
        for error, frames in zip(chain, stacks, strict=True)
    ]


def _named(error: Mapping[str, Any], *, with_value: bool) -> dict[str, Any]:
    named = {"type": error.get("type") or ""}
    return named | {"value": message_of(error.get("message") or "")} if with_value else named


def message_of(text: str) -> str:
    """The first two lines of a message that are not blank, with values taken out: `user <int> not found`."""
    lines = [line.strip() for line in text[:_MOST_MESSAGE].splitlines() if line.strip()]
    return without_values("\n".join(lines[:2]))


def _made(*components: dict[str, Any]) -> Fingerprint:
    """The fingerprint of components: a hash of each, and the first ones to explain it."""
    hashes = dict.fromkeys(_hash(part) for part in components)
    return Fingerprint(tuple(hashes), components[0])


def _hash(components: Mapping[str, Any]) -> str:
    canonical = orjson.dumps({"version": VERSION, **components}, option=orjson.OPT_SORT_KEYS)
    return sha256(canonical).hexdigest()[:32]

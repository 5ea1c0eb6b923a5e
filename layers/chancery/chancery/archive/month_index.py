"""Which actors, actions and resources an archived month holds, in little: asked before anything is restored.

Actions are listed. Actors and resources are in Bloom filters: what a filter does not know the month does not hold; of
what it knows one in about two thousand is not there all the same.
"""

import math
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from chancery.core.mongo import Document

_BITS_EACH, _HASHES = 16, 11  # of each text; resources go in twice, with and without their type


@dataclass(slots=True)
class Bloom:
    """A Bloom filter over texts."""

    bits: bytearray
    hashes: int = _HASHES

    @classmethod
    def sized_for(cls, items: int) -> "Bloom":
        """A filter for so many."""
        return cls(bytearray(max(8, math.ceil(items * _BITS_EACH / 8))))

    def add(self, text: str) -> None:
        """Has the filter know a text."""
        for place in self._places(text):
            self.bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, text: str) -> bool:
        return all(self.bits[place >> 3] >> (place & 7) & 1 for place in self._places(text))

    def _places(self, text: str) -> Iterable[int]:
        """Double hashing (Kirsch and Mitzenmacher) of one SHA-256."""
        digest = sha256(text.encode()).digest()
        first, second = int.from_bytes(digest[:8]), int.from_bytes(digest[8:16]) | 1
        return ((first + at * second) % (len(self.bits) * 8) for at in range(self.hashes))

    def as_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return {"hashes": self.hashes, "bits": b64encode(self.bits).decode()}

    @classmethod
    def from_json(cls, shown: dict[str, Any]) -> "Bloom":
        """The filter that was written down."""
        return cls(bytearray(b64decode(shown["bits"])), shown["hashes"])


def month_index(parts: Callable[[], Iterable[Document]]) -> bytes:
    """The index of a month's file from its parts, which are gone through twice, one at a time."""
    sizes = [(len(part["actors"]), len(part["resources"])) for part in parts()]
    actors = Bloom.sized_for(sum(size[0] for size in sizes))
    resources = Bloom.sized_for(2 * sum(size[1] for size in sizes))
    actions: set[str] = set()
    for part in parts():
        actions.update(part["actions"])
        for actor in part["actors"]:
            actors.add(actor)
        for resource in part["resources"]:
            resources.add(resource)
            resources.add(resource.partition("/")[2])
    found = {"actions": sorted(actions), "actors": actors.as_json(), "resources": resources.as_json()}
    return orjson.dumps({"format": "chancery-archive-index@v1", **found}, option=orjson.OPT_SORT_KEYS)


def may_hold(index: dict[str, Any], actor_id: str | None, resource_id: str | None, action: str | None) -> bool:
    """Whether a month may hold records of all that is asked for. `action` may be a resource type's: `blog_post.*`."""
    if action is not None and not any(_matches(known, action) for known in index["actions"]):
        return False
    if actor_id is not None and actor_id not in Bloom.from_json(index["actors"]):
        return False
    return resource_id is None or resource_id in Bloom.from_json(index["resources"])


def _matches(action: str, wanted: str) -> bool:
    return action.startswith(wanted.removesuffix("*")) if wanted.endswith(".*") else action == wanted

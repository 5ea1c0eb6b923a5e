"""Code maps: a system's codes for ours, and back."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from chancery.core.documents import Document

MAX_MAPS, MAX_CODES = 50, 5000
Code = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
MapName = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class CodePair(Document):
    """A code of ours and the system's code for it."""

    internal: Code
    external: Code
    one_way: StrictBool = Field(False, description="to the system only: another pair says what its code is back")


def _unambiguous(pairs: list[CodePair]) -> list[CodePair]:
    seen: set[str] = set()
    back: set[str] = set()
    for pair in pairs:
        if pair.internal in seen:
            raise ValueError(f"must have each internal code once; {pair.internal} is there twice")
        if pair.external in back and not pair.one_way:
            raise ValueError(f"has two internal codes for {pair.external}; set oneWay on all of its pairs but one")
        seen.add(pair.internal)
        if not pair.one_way:
            back.add(pair.external)
    return pairs


class CodeMap(Document):
    """A named map; transforms use it as `$toExternal("name", code)` and `$toInternal("name", code)`.

    `unknown`: a code that is not in the map fails the transform, passes as it is, or becomes the default.
    """

    name: MapName
    pairs: Annotated[list[CodePair], AfterValidator(_unambiguous)] = Field(max_length=MAX_CODES)
    unknown: Literal["refuse", "pass", "default"] = "refuse"
    default_external: Code | None = None
    default_internal: Code | None = None

    def tables(self) -> dict[str, Any]:
        """The map as transforms take it: `{toExternal, toInternal, unknown, defaultExternal, defaultInternal}`."""
        return {
            "toExternal": {pair.internal: pair.external for pair in self.pairs},
            "toInternal": {pair.external: pair.internal for pair in self.pairs if not pair.one_way},
            "unknown": self.unknown,
            "defaultExternal": self.default_external,
            "defaultInternal": self.default_internal,
        }


def _sensible(maps: list[CodeMap]) -> list[CodeMap]:
    if len({item.name for item in maps}) < len(maps):
        raise ValueError("must have a name of its own for each map")
    if sum(len(item.pairs) for item in maps) > MAX_CODES:
        raise ValueError(f"must have at most {MAX_CODES} pairs, all maps together")
    for item in maps:
        if item.unknown == "default" and item.default_external is None and item.default_internal is None:
            raise ValueError(f"has no default in {item.name}; give defaultExternal, defaultInternal or both")
    return maps


CodeMaps = Annotated[list[CodeMap], AfterValidator(_sensible), Field(max_length=MAX_MAPS)]

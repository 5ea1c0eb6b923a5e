"""Finds many literals in a text in one pass, in time that grows with the text alone.

By `ahocorasick_rs`, an automaton in native code (3 to 8 ms a megabyte). A host of `chancery-client` may do without
that package: then a trie compiled to a regular expression finds the same (20 to 40 ms a megabyte).
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

try:
    import ahocorasick_rs
except ImportError:  # optional in chancery-client
    ahocorasick_rs = None  # type: ignore[assignment]

_CHUNK = 4 * 1024 * 1024  # bytes searched at a time: the hits of one are in memory together
Hit = tuple[int, int, int]  # index of the literal, and from where to where it stands


class Literals:
    """Literals in lower case that a text may hold in any case of ASCII letters; overlapping ones are all found."""

    def __init__(self, literals: Iterable[bytes]) -> None:
        self._literals = list(literals)
        if any(literal != literal.lower() for literal in self._literals):
            raise ValueError("literals are given in lower case")
        self._longest = max(map(len, self._literals), default=1)
        self._find_all = _automaton(self._literals) if ahocorasick_rs else _trie(self._literals)

    def hits(self, text: bytes) -> Iterator[Hit]:
        """Where the literals stand, by the end of each hit."""
        if len(text) <= _CHUNK:
            yield from self._find_all(text.lower())
            return
        for start in range(0, len(text), _CHUNK):
            begin = max(0, start - self._longest + 1)
            for index, first, end in self._find_all(text[begin : start + _CHUNK].lower()):
                if begin + end > start:
                    yield index, begin + first, begin + end


def least(literals: Iterable[bytes]) -> list[bytes]:
    """The literals without those that hold another: where a text holds one of them, it holds that."""
    every = sorted(set(literals))
    found = Literals(every)
    return [one for one in every if all(end - start == len(one) for _, start, end in found.hits(one))]


def _automaton(literals: list[bytes]) -> Any:
    automaton = ahocorasick_rs.BytesAhoCorasick(
        literals, matchkind=ahocorasick_rs.MatchKind.Standard, implementation=ahocorasick_rs.Implementation.DFA
    )
    return lambda text: automaton.find_matches_as_indexes(text, overlapping=True)


def _trie(literals: list[bytes]) -> Any:
    """All literals that begin at a place, by a regular expression for the longest and a table of its beginnings."""
    numbers = {literal: index for index, literal in enumerate(literals)}
    starts = {one: [numbers[one[:end]] for end in range(1, len(one) + 1) if one[:end] in numbers] for one in literals}
    pattern = re.compile(b"(?=(" + _alternation(literals) + b"))") if literals else re.compile(b"(?!)()")

    def find_all(text: bytes) -> list[Hit]:
        found = [
            (index, match.start(), match.start() + len(literals[index]))
            for match in pattern.finditer(text)
            for index in starts[match[1]]
        ]
        return sorted(found, key=lambda hit: (hit[2], hit[1]))

    return find_all


def _alternation(literals: Iterable[bytes]) -> bytes:
    """A regular expression of the longest literal at a place, without trying one after the other."""
    tree: dict[int, Any] = {}
    for literal in literals:
        node = tree
        for byte in literal:
            node = node.setdefault(byte, {})
        node[-1] = {}
    return _pattern(tree)


def _pattern(node: dict[int, Any]) -> bytes:
    branches = [re.escape(bytes([byte])) + _pattern(below) for byte, below in node.items() if byte >= 0]
    if not branches:
        return b""
    together = branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"
    return b"(?:" + together + b")?" if -1 in node else together

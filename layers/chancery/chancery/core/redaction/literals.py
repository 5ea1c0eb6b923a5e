"""Finds many literals in a text in one pass, in time that grows with the text alone.

By `ahocorasick_rs`, an automaton in native code (3 to 8 ms a megabyte). A host of `chancery-client` may do without
that package: then a trie compiled to a regular expression finds the same (20 to 40 ms a megabyte).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

try:
    import ahocorasick_rs
except ImportError:  # optional in chancery-client
    ahocorasick_rs = None  # type: ignore[assignment]

_CHUNK = 4 * 1024 * 1024  # bytes searched at a time: the hits of one are in memory together
SINGLE, RUN = b".|%", 24  # literals of one character, and how many characters of tokens follow these
_CLASSES = bytes(46 if byte in SINGLE else 97 if chr(byte).isalnum() or byte in b"_-" else 32 for byte in range(128))
_CLASSES += b" " * 128
_SINGLE_AND_RUN = b"." + b"a" * RUN
Hit = tuple[int, int, int]  # index of the literal, and from where to where it stands


class Literals[M]:
    """Literals in lower case that a text may hold in any case of ASCII letters; overlapping ones are all found.

    Texts are full of `.`, `|` and `%`: such a literal is found, with what follows, where that is 24 letters, digits,
    `_` or `-`. `meanings`: what each literal stands for; a hit has the index of it there.
    """

    def __init__(self, meanings: Mapping[bytes, M]) -> None:
        if any(literal != literal.lower() for literal in meanings):
            raise ValueError("literals are given in lower case")
        literals = sorted(meanings, key=SINGLE.__contains__)
        self.meanings = [meanings[literal] for literal in literals]
        self._single = {literal[0]: index for index, literal in enumerate(literals) if literal in SINGLE}
        self._longest = max(RUN + 1, max(map(len, literals), default=0))
        plain = literals[: len(literals) - len(self._single)]
        self._search = _automaton(plain) if ahocorasick_rs else _trie(plain)

    def hits(self, text: bytes) -> Iterator[Hit]:
        """Where the literals stand, by the end of each hit."""
        if len(text) <= _CHUNK:
            return iter(self._find_all(text))
        return self._in_chunks(text)

    def _in_chunks(self, text: bytes) -> Iterator[Hit]:
        for start in range(0, len(text), _CHUNK):
            begin = max(0, start - self._longest + 1)
            for index, first, end in self._find_all(text[begin : start + _CHUNK]):
                if begin + end > start:
                    yield index, begin + first, begin + end

    def _find_all(self, text: bytes) -> list[Hit]:
        found: list[Hit] = self._search(text.lower())
        if self._single and _SINGLE_AND_RUN in (classes := text.translate(_CLASSES)):
            found += self._single_hits(text, classes)
            found.sort(key=lambda hit: (hit[2], hit[1]))
        return found

    def _single_hits(self, text: bytes, classes: bytes) -> Iterator[Hit]:
        at = -1
        while (at := classes.find(_SINGLE_AND_RUN, at + 1)) >= 0:
            if (index := self._single.get(text[at])) is not None:
                yield index, at, at + len(_SINGLE_AND_RUN)


def least(literals: Iterable[bytes]) -> list[bytes]:
    """The literals without those that hold another: where a text holds one of them, it holds that."""
    every = sorted(set(literals))
    found = Literals(dict.fromkeys(every))
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

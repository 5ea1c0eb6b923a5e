"""Redacts text in place: every byte outside of a replacement is unchanged.

One pass finds literals: the beginnings of credentials (`credential_formats`) and names (`names`). Only around these is
the text read: a credential's own form, or the value behind a name (`pairs`). Then the same for what the text reads when
it is decoded (`views`). So the work grows with the text, whatever it holds.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from functools import cache
from typing import Self

from . import cards, counts
from .credential_formats import FORMATS, CompiledFormat
from .layout_patterns import MARKER
from .literals import Literals
from .name_rules import REDACTED, RULES, Rules, literals
from .pairs import Edit, Pairs
from .token_format import TokenSearch
from .views import MAX_VIEWS, View, decoded

MAX_EDITS = 1_000_000
_MOST_ROUNDS = 12
_APART = b" \t\r\n\"'`<>()[]{},;&?#*|"  # what ends a token
_NEAR = 200  # bytes behind a name in which its own value begins; members may be anywhere
_SHORTEST = 6  # bytes that may hold a secret
OWN_PATTERN, FREE_TEXT = "own pattern", "free text"  # groups of kinds, as in `own pattern: member number`
Finder = Callable[[bytes], Iterable[Edit]]


class TooMany(Exception):
    """There are more places to redact than `most`."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} places to redact")
        self.most = most


class Detector:
    """Finds what is sensitive in text: `rules` of names, the formats of credentials, and what a tenant adds."""

    def __init__(self, rules: Rules = RULES, own_literals: Iterable[bytes] = ()) -> None:
        self.rules = rules
        self._patterns: tuple[Finder, ...] = ()
        self._free_text: tuple[Finder, ...] = ()
        formats = [CompiledFormat(form) for form in FORMATS]
        by_literal: dict[bytes, list[CompiledFormat | None]] = {}
        for form in formats:
            for literal in form.format.literals:
                by_literal.setdefault(literal, []).append(form)
        for literal in dict.fromkeys((*literals(), *own_literals)):
            by_literal.setdefault(literal, []).append(None)
        self._literals = Literals(by_literal)

    def extended(self, patterns: Sequence[Finder] = (), free_text: Sequence[Finder] = ()) -> Self:
        """This detector, with what a tenant's patterns and options find besides."""
        other = copy(self)
        other._patterns, other._free_text = tuple(patterns), tuple(free_text)
        return other

    @property
    def is_own(self) -> bool:
        """Whether it finds more than the detector that all tenants share."""
        return bool(self._patterns or self._free_text) or self.rules is not RULES

    @property
    def searches_short(self) -> bool:
        """Whether it may find something in a few characters, or in a number."""
        return bool(self._patterns or self._free_text)

    @property
    def for_ids(self) -> Self:
        """This detector without what is looked for in free text only: an id is none."""
        return self.extended(self._patterns) if self._free_text else self

    def kinds(self, text: str) -> list[str]:
        """What a text holds, each kind once and without its group."""
        edits = self.edits(text.encode(errors="surrogatepass"))
        return list(dict.fromkeys(kind_and_group(edit.kind)[0] for edit in edits))

    def edits(self, text: bytes) -> list[Edit]:
        """What has to be replaced, in order and apart from each other. Raises TooMany."""
        found, views = list(self._found(text)), list[View]()
        for view in _views(text):
            views.append(view)
            for edit in self._found(view.text):
                start, end, new = edit.start, edit.end, edit.new
                for one in reversed(views):
                    start, end, new = one.source(start), one.source(end), one.encoded(new)
                found.append(edit._replace(start=start, end=end, new=new))
        if len(found) > MAX_EDITS:
            raise TooMany(MAX_EDITS)
        return _merged(found, text) if found else found

    def holds_any(self, raw: bytes, *, is_encoded: bool = True) -> bool:
        """Whether a string or number in raw JSON holds anything; its own members' names do not count.

        True where it is encoded more often than is looked at. `is_encoded`: see `may_be_encoded`.
        """
        for _ in self._found(raw, is_raw_json=True):
            return True
        levels = 0
        for view in _views(raw) if is_encoded else ():
            levels += 1
            if any(True for _ in self._found(view.text)):
                return True
        return levels == MAX_VIEWS

    def _found(self, text: bytes, *, is_raw_json: bool = False) -> Iterator[Edit]:
        if self._patterns or self._free_text:
            for find in (*self._patterns, *self._free_text):
                yield from find(text)
        if len(text) < _SHORTEST:
            return
        pairs, tokens = Pairs(text, self.rules, is_raw_json=is_raw_json), TokenSearch(text)
        meanings, done = self._literals.meanings, -1
        for index, start, end in self._literals.hits(text):
            if start < done:
                continue
            for form in meanings[index]:
                if form is None:
                    for edit in pairs.at(start, end):
                        yield edit
                        if edit.start <= end + _NEAR:
                            done = max(done, edit.end)
                elif (span := tokens.span(form, start)) is not None:
                    yield Edit(*span, MARKER, form.format.name)
                    done = max(done, span[1])
        for start, end in cards.spans(text):
            yield Edit(start, end, MARKER, "payment card")


def _views(text: bytes) -> Iterator[View]:
    """The text with one level of encoding undone, then with two, up to `MAX_VIEWS`."""
    view = decoded(text)
    for _ in range(MAX_VIEWS):
        if view is None:
            return
        yield view
        view = decoded(view.text)


def kind_and_group(kind: str) -> tuple[str, str]:
    """The kind of an edit without its group, and the group, or ""."""
    group, colon, rest = kind.partition(": ")
    return (rest, group) if colon and group in (OWN_PATTERN, FREE_TEXT) else (kind, "")


@cache
def detector() -> Detector:
    """The detector that all tenants share."""
    return Detector()


def redact_bytes(body: bytes, using: Detector | None = None) -> bytes:
    """A text in UTF-8 with everything sensitive replaced; the very same object where nothing is.

    What is redacted can bring to light what was glued to it. So text is searched until nothing more is found: then
    redacting once more changes nothing.
    """
    using = using or detector()
    for _ in range(_MOST_ROUNDS):
        edits = using.edits(body)
        if not edits:
            break
        for edit in edits:
            counts.add(edit.kind)
        glued = any(_is_glued(body, edit) for edit in edits)
        body = b"".join(pieces(body, edits))
        if not glued:
            break
    return body


def edits_of_original(body: bytes, using: Detector) -> list[Edit]:
    """What `redact_bytes` replaces in all its rounds, by places in the original text."""
    total: list[Edit] = []
    for _ in range(_MOST_ROUNDS):
        clean = b"".join(pieces(body, total))
        edits = using.edits(clean)
        if not edits:
            break
        source = _Source(total)
        moved = [edit._replace(start=source.of(edit.start), end=source.of(edit.end, end=True)) for edit in edits]
        glued = any(_is_glued(clean, edit) for edit in edits)
        total = _merged([*total, *moved], body)
        if not glued:
            break
    return total


class _Source:
    """Where a place of a redacted text was in the original text."""

    def __init__(self, edits: list[Edit]) -> None:
        self._edits, self._starts, moved = edits, list[int](), 0
        for edit in edits:
            self._starts.append(edit.start - moved)
            moved += edit.end - edit.start - len(edit.new)

    def of(self, at: int, *, end: bool = False) -> int:
        """The place; for one in what is new, the beginning or the end of what was there."""
        index = bisect_left(self._starts, at) - 1
        if index < 0:
            return at
        edit, into = self._edits[index], at - self._starts[index]
        if into < len(edit.new):
            return edit.end if end else edit.start
        return edit.end + into - len(edit.new)


def _is_glued(body: bytes, edit: Edit) -> bool:
    """Whether a character that tokens are made of stands directly before or behind what is redacted."""
    around = body[edit.start - 1 : edit.start] + body[edit.end : edit.end + 1]
    return bool(around.strip(_APART))


def redact_text(text: str, using: Detector | None = None) -> str:
    """The text with its credentials and the values of sensitive names replaced by `[REDACTED]`."""
    body = text.encode(errors="surrogatepass")
    try:
        clean = redact_bytes(body, using)
    except TooMany:
        return REDACTED
    return text if clean is body else clean.decode(errors="surrogatepass")


def pieces(body: bytes, edits: list[Edit]) -> Iterator[bytes]:
    """The redacted text in pieces."""
    at = 0
    for edit in edits:
        yield body[at : edit.start]
        yield edit.new
        at = edit.end
    yield body[at:]


def _merged(edits: list[Edit], text: bytes) -> list[Edit]:
    """The edits in order; of those that lie in one another the outer, of those that overlap one."""
    edits.sort(key=lambda edit: (edit.start, -edit.end))
    merged: list[Edit] = []
    for edit in edits:
        if merged and edit.start < merged[-1].end:
            if edit.end > merged[-1].end:
                merged[-1] = merged[-1]._replace(end=edit.end)
        elif text[edit.start : edit.end] != edit.new:
            merged.append(edit)
    return merged

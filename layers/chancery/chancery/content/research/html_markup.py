"""Finds markup in text as an HTML tokenizer does: tags, comments and declarations, and which of them belong together.

The work is linear in the length of the text: no position is scanned more than a fixed number of times, whatever is
unclosed. Rules of the tokenizer: https://html.spec.whatwg.org/multipage/parsing.html#tokenization
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from chancery.content.research.html_elements import CELLS, DROPPED, INLINE, KNOWN, LINES, RAW, VOID

COMMENT, CDATA, DECLARATION = "!--", "![cdata[", "!"

_BEGINS = re.compile(r"<(?:(/?)([A-Za-z][^\s<>/]*)(?=[\s/>])|(!--)|(!\[CDATA\[)|(!doctype|!\[|\?))", re.IGNORECASE)
_TAG_ENDS = re.compile(r"""(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')|=)*+>""")
_NEXT_BRACKET = re.compile(r"[^<>]*+>")
_COMMENT_ENDS = re.compile(r"--!?>")
_RAW_TAG = re.compile(rf"<(/?)({'|'.join(sorted(RAW))})(?=[\s/>])", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""[\s/][^<>]{0,500}?(?:\bon\w+\s*=|=\s*["'])""")
_PLAIN_ATTRIBUTES = re.compile(
    r"""(?:\s+[A-Za-z_:@][\w:.@-]{0,60}(?:\s*=\s*(?:"[^"<>]{0,2000}"|'[^'<>]{0,2000}'|[^\s"'=<>`]{1,2000}))?){0,20}\s*/?>"""
)
_INDENT = 80  # columns before an end tag in a line of its own
_CLOSED = re.compile(r"</([A-Za-z][^\s<>/]*)")


class Token(NamedTuple):
    """A piece of markup: the slice [start, end) of the text, and the name of its element in lower case."""

    start: int
    end: int
    name: str
    closing: bool = False


class Markup(NamedTuple):
    """The tokens of a text in order, and the index of the end tag by that of its start tag."""

    tokens: list[Token]
    pairs: dict[int, int]


def markup_of(text: str, *, strict: bool) -> Markup:
    """The markup in a text. Where `strict`, as in HTML, an unclosed comment or raw text element takes the rest."""
    tokens = list(_Tokenizer(text, strict=strict))
    opened, pairs = defaultdict[str, list[int]](list), dict[int, int]()
    for index, token in enumerate(tokens):
        if not token.closing:
            opened[token.name].append(index)
        elif opened[token.name]:
            pairs[opened[token.name].pop()] = index
    return Markup(tokens, pairs)


def is_html(text: str, markup: Markup) -> bool:
    """Whether the text is written in HTML, rather than about it.

    It has an element around text (`<b>so</b>`), a tag with an attribute (`<img src=x>`), or the tag of a block or a
    void element at a word (`<p>so`); a tag between spaces or punctuation (`the <br> tag`) is a mention.
    """
    if any(_surrounds(text, markup.tokens[start], markup.tokens[end]) for start, end in markup.pairs.items()):
        return True
    return any(_lays_out(text, token) for token in markup.tokens)


def is_mention(text: str, start: int, end: int) -> bool:
    """Whether the tag in a slice touches no word: `the <br> tag`."""
    return not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())


def _surrounds(text: str, start: Token, end: Token) -> bool:
    """Whether a pair of tags touches what is between them; `<b> and </b>` does not."""
    inside = text[start.end : start.end + 1], text[max(start.end, end.start - _INDENT) : end.start]
    if start.end == end.start:
        return False
    own_line = inside[1].rstrip(" \t").endswith("\n")
    return inside[0] not in " \n,.;:!?)" or own_line or inside[1][-1] not in " ("


def _lays_out(text: str, token: Token) -> bool:
    if token.closing or token.name in (COMMENT, CDATA):
        return False
    if token.name == DECLARATION:
        doctype = text[token.start : token.start + len("<!doctype")].lower() == "<!doctype"
        return doctype and not is_mention(text, token.start, token.end)
    if "=" in text[token.start : token.end]:
        return True
    return token.name in LINES | CELLS | VOID and not is_mention(text, token.start, token.end)


class _Tokenizer:
    """Iterates over the tokens of a text. The content of raw text elements has none."""

    def __init__(self, text: str, *, strict: bool) -> None:
        self._text, self._strict = text, strict
        self._ends_in_quotes = True
        self._last_bracket = text.rfind(">")
        self._last = max(self._last_bracket, text.rfind("<!--"))  # no markup begins after it
        self._closed = {name.lower() for name in _CLOSED.findall(text)}
        self._raw_tags: dict[tuple[bool, str], list[int]] = defaultdict(list)
        for match in _RAW_TAG.finditer(text):
            self._raw_tags[bool(match[1]), match[2].lower()].append(match.start())
        self._comment_ends = [match.end() for match in _COMMENT_ENDS.finditer(text)]
        self._cdata_ends = [match.end() for match in re.finditer("]]>", text)]

    def __iter__(self) -> Iterator[Token]:
        at = 0
        while at <= self._last and (match := _BEGINS.search(self._text, at)):
            token = self._token(match)
            if token is None:
                at = match.end()
                continue
            yield token
            at = token.end
            if token.name in RAW and not token.closing:
                at = self._after_raw_text(token)

    def _token(self, match: re.Match[str]) -> Token | None:
        closing, name, comment, cdata, _ = match.groups()
        start = match.start()
        if comment:
            return self._up_to(self._comment_ends, start, start + len("<!-->"), COMMENT)
        if cdata and not self._strict:
            return self._up_to(self._cdata_ends, start, match.end(), CDATA)
        if name is None:
            end = self._tag_end(match)
            return Token(start, end, DECLARATION) if end else None
        name = name.lower()
        if not self._is_tag(match, name) or (name in RAW and not closing and self._is_unclosed(match, name)):
            return None
        end = self._tag_end(match)
        return Token(start, end, name, bool(closing)) if end else None

    def _up_to(self, ends: list[int], start: int, least: int, name: str) -> Token | None:
        """Up to the first of `ends` from `least` on; without one, to the end of the text where that is strict."""
        index = bisect_left(ends, least)
        if index < len(ends):
            return Token(start, ends[index], name)
        return Token(start, len(self._text), name) if self._strict else None

    def _tag_end(self, match: re.Match[str]) -> int | None:
        """Where the tag ends. Once one is found unclosed, quotes no longer count: no rest is scanned twice."""
        if match.end() > self._last_bracket:
            return None
        if self._ends_in_quotes:
            if found := _TAG_ENDS.match(self._text, match.end()):
                return found.end()
            self._ends_in_quotes = False
        found = _NEXT_BRACKET.match(self._text, match.end())
        return found.end() if found else None

    def _is_tag(self, match: re.Match[str], name: str) -> bool:
        """Whether this is markup rather than code (`a<b`, `List<String>`) or an address in brackets.

        Of names that HTML knows it is, unless they stand like a type: `Promise<object>`, `List<Object>`, never closed.
        """
        text, end = match.string, match.end()
        if name in DROPPED or name in self._closed or _ATTRIBUTE.match(text, end):
            return True
        if name not in KNOWN:
            return False
        glued = text[match.start() - 1 : match.start()].isalnum() and text[end : end + 1] == ">"
        of_one_case = match[2].islower() or match[2].isupper()
        if glued and (name in INLINE or not of_one_case):
            return False
        return len(name) > 1 or _PLAIN_ATTRIBUTES.match(text, end) is not None

    def _is_unclosed(self, match: re.Match[str], name: str) -> bool:
        """Whether a raw text element has no end tag, or is a mention and the end tag that of a later element."""
        if self._strict:
            return False
        close = self._next_raw(match.end(), name, closing=True)
        if close is None or name == "plaintext":
            return True
        opened_again = self._next_raw(match.end(), name, closing=False)
        is_later = opened_again is not None and opened_again < close
        return is_later and self._text[match.end()] == ">" and is_mention(self._text, match.start(), match.end() + 1)

    def _after_raw_text(self, token: Token) -> int:
        close = None if token.name == "plaintext" else self._next_raw(token.end, token.name, closing=True)
        return len(self._text) if close is None else close

    def _next_raw(self, at: int, name: str, *, closing: bool) -> int | None:
        places = self._raw_tags.get((closing, name), [])
        index = bisect_left(places, at)
        return places[index] if index < len(places) else None

"""Scraped and written text to plain text: no markup, no script, nothing that any reader of it could run.

The guarantee rests on the last two steps alone (`_without_tags`, `_without_schemes`): after them, no
`<` stands where HTML would begin a tag, however often entities are decoded, and no link can run anything. The steps
before only decide which markup is removed and which text stays: a matter of quality, not of safety.
"""

import html
import re
from dataclasses import dataclass
from typing import Literal

from chancery.content.research.html_elements import CELLS, DROPPED, HIDDEN, JOINED, LINES, RAW
from chancery.content.research.html_markup import CDATA, COMMENT, DECLARATION, Markup, Token, is_html, markup_of
from chancery.content.research.markdown_code import with_code

Format = Literal["html", "markdown", "text"]

_CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|\ufeff")
_NEWLINES = re.compile("\r\n?|[\x85\u2028\u2029]")
_ENTITY = re.compile(
    r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]{1,31};|(?:lt|LT)|(?:amp|AMP)(?=amp|AMP|lt|LT|#))"
)
_LEVELS = 4  # so often encoded and still decoded

_LINK = r"\][(:]\s*+(?:<\s*+)?"  # where Markdown expects the target of a link
_RUN = "|".join(r"[\t\n]*".join(name) for name in ("javascript", "vbscript", "livescript", "mocha", "data"))
_SCHEME = re.compile(rf"({_LINK})?(?<![A-Za-z0-9])({_RUN})(?=[\t\n]*\\?:(\S)?)", re.IGNORECASE)  # tabs: URLs lose them
_TAG_BEGINS = re.compile(r"<(?=[A-Za-z/!?])")
_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)[\s>]", re.IGNORECASE)
_BOUNDARY = "\0"  # of an element at which a word ends; sanitised text has no controls
_BETWEEN_WORDS = re.compile(rf"(?<=\w){_BOUNDARY}+(?=\w)")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Sanitised:
    """A sanitised text, and what was removed with its content: elements, and the characters and words in them.

    Characters and words are counted in comments too.
    """

    text: str
    elements: int = 0
    characters: int = 0
    words: int = 0


def sanitised(text: str, form: Format | None = None) -> Sanitised:
    """The text without what could run; a text without markup stays as it is. Sanitising again changes nothing.

    `html`: tags go and their text stays, but for what DOMPurify drops with its content (script, style, svg, ...);
    blocks and cells become lines and spaces. `markdown`: the same where the text has elements around text, but code
    stays, and scripts, comments and the like that are never closed. `text`: every word stays. Without a format,
    the code of a page (it begins with `<!doctype`, `<html>`, ...) is no Markdown, all else is as in `markdown`.
    What stays and looks like a tag gets a space (`List< String>`), and so does the scheme of a link that runs.
    """
    text = _of_one_kind(text)
    if form == "text":
        return Sanitised(_without_schemes(_literal(text)))
    strict = form == "html"
    if not strict and (form == "markdown" or not _PAGE.match(text)):
        text = with_code(text, _literal)
    done = _without_markup(text, strict=strict) if "<" in text else Sanitised(text)
    clean = _without_tags(_without_schemes(decoded(done.text)))
    return Sanitised(clean, done.elements, done.characters, done.words)


def decoded(text: str) -> str:
    """The text with its entities decoded, also those that were encoded several times; beyond that they get a space.

    Only `<` and numbers are decoded without their semicolon: `?a=1&copy=2` is a query, not a sign.
    """
    for _ in range(_LEVELS):
        if "&" not in text:
            return text
        text = _of_one_kind(_ENTITY.sub(lambda match: html.unescape(match[0]), text))
    return _without_entities(text)


def words_in(text: str) -> int:
    """The number of words in a text."""
    return sum(1 for _ in _WORD.finditer(text))


def _of_one_kind(text: str) -> str:
    """One kind of newline, no control characters."""
    return _CONTROLS.sub("", _NEWLINES.sub("\n", text))


def _literal(text: str) -> str:
    """Text in which tags and entities are words: each gets a space, so that no reader of HTML finds it."""
    return _without_tags(_without_entities(text))


def _without_entities(text: str) -> str:
    return _ENTITY.sub(lambda match: match[0] if html.unescape(match[0]) == match[0] else f"& {match[0][1:]}", text)


def _without_markup(text: str, *, strict: bool) -> Sanitised:
    markup = markup_of(text, strict=strict)
    if not strict and not is_html(text, markup):
        return Sanitised(text)
    remover = _Remover(text, markup, strict=strict)
    clean = _BETWEEN_WORDS.sub(" ", "".join(remover.parts())).replace(_BOUNDARY, "")
    words = sum(map(words_in, remover.dropped))
    return Sanitised(clean, remover.elements, sum(map(len, remover.dropped)), words)


class _Remover:
    """Takes markup out of a text; `dropped` is the content that went with its elements and comments."""

    def __init__(self, text: str, markup: Markup, *, strict: bool) -> None:
        self._text, self._markup, self._strict = text, markup, strict
        self.elements = 0
        self.dropped: list[str] = []

    def parts(self) -> list[str]:
        """The pieces of the text, and what stands in place of its markup."""
        parts, at = list[str](), 0
        for index, token in enumerate(self._markup.tokens):
            if token.start < at:
                continue  # inside of a dropped element
            parts.append(self._text[at : token.start])
            at = self._end(index, token)
            parts.append(self._replacement(token) if at > token.start else "")
        parts.append(self._text[at:])
        return parts

    def _end(self, index: int, token: Token) -> int:
        """Where the text goes on: after the token or its element, or with the token where that is text."""
        if token.name == COMMENT:
            self.dropped.append(self._text[token.start + len("<!--") : token.end].removesuffix("-->"))
        if token.closing or token.name not in DROPPED:
            return token.end
        close = self._markup.pairs.get(index)
        if close is None and (token.name not in RAW or not self._strict):
            return token.end if self._strict or token.name == "head" else token.start
        end = len(self._text) if close is None else self._markup.tokens[close].start
        self.elements += 1
        self.dropped.append(self._text[token.end : end])
        return end if close is None else self._markup.tokens[close].end

    def _replacement(self, token: Token) -> str:
        name = token.name
        if name == CDATA:
            return self._text[token.start + len("<![CDATA[") : token.end - len("]]>")]
        if name in LINES:
            return "\n"
        if name in CELLS:
            return " "
        return "" if name in JOINED | HIDDEN or name in (COMMENT, DECLARATION) else _BOUNDARY


def _without_schemes(text: str) -> str:
    """Takes from schemes that run their colon, where something to run follows or Markdown expects a link."""

    def broken(match: re.Match[str]) -> str:
        link, _, follows = match.groups()
        return f"{match[0]} " if link or follows else match[0]

    return _SCHEME.sub(broken, text)


def _without_tags(text: str) -> str:
    """Takes from every `<` that would begin a tag, an end tag, a comment or a declaration what it begins."""
    return _TAG_BEGINS.sub("< ", text)

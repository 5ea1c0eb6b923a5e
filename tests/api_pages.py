"""The pages of docs/api: their examples, headings and tables, parsed from Markdown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from chancery.core.identity.roles import Role

FOLDER = Path(__file__).parents[1] / "docs" / "api"
_ANSWER = re.compile(r"HTTP/1\.1 (\d{3}) (.+)")
_CALLER = re.compile(r"Bearer <(\w+)>")
_ROUTE = re.compile(r"`(GET|POST|PUT|PATCH|DELETE|OPTIONS) (/v1/\S*)`")
_ROLES = re.compile(r"^(?:- )?Roles?: (all but )?((?:`\w+`(?:, )?)+)")
_NAME = re.compile(r"`([\w-]+)`")


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer of a page. `start` is the request line or the status line."""

    start: str
    headers: dict[str, str]
    body: str

    @property
    def status(self) -> int:
        """The status code of an answer. Raises ValueError when the reason phrase does not belong to it."""
        code, phrase = _ANSWER.fullmatch(self.start).groups()  # type: ignore[union-attr]
        if HTTPStatus(int(code)).phrase != phrase:
            raise ValueError(f"{self.start}: the phrase of {code} is {HTTPStatus(int(code)).phrase}")
        return int(code)

    @property
    def is_answer(self) -> bool:
        return _ANSWER.fullmatch(self.start) is not None

    @property
    def caller(self) -> str | None:
        """The demo role whose token the request is sent with; None for a request without a token."""
        token = _CALLER.fullmatch(self.headers.get("Authorization", ""))
        return token[1] if token else None


@dataclass(frozen=True, slots=True)
class Example:
    """A request and its answer.

    `eventually`: the request is repeated until the answer is the page's. `varying`: names of JSON keys whose values
    differ between runs; for an answer in text, any name means that its whole numbers differ.
    """

    page: str
    line: int
    request: Message
    answer: Message
    eventually: bool
    varying: frozenset[str]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def method(self) -> str:
        return self.request.start.partition(" ")[0]

    @property
    def target(self) -> str:
        return self.request.start.partition(" ")[2]


@dataclass(frozen=True, slots=True)
class Event:
    """An EventBridge event that Chancery reads (`PutEvents`' entry) or publishes (as a target receives it)."""

    page: str
    line: int
    published: bool
    text: str
    varying: frozenset[str]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Table:
    """The names in the first column of a table (`kind`: its heading), and the route of the nearest heading above."""

    page: str
    line: int
    kind: str
    route: tuple[str, str]
    names: tuple[str, ...]


def pages() -> list[str]:
    return sorted(path.name for path in FOLDER.glob("*.md"))


@cache
def _tokens(page: str) -> list[Token]:
    return MarkdownIt().enable("table").parse((FOLDER / page).read_text())


@cache
def examples(page: str) -> tuple[Example | Event, ...]:
    """The examples of a page in their order. Raises ValueError for a request without an answer, and the reverse."""
    fences = [token for token in _tokens(page) if token.type == "fence" and _is_example(token.info)]
    return tuple(_paired(page, iter(fences)))


def _is_example(info: str) -> bool:
    return info.split()[:1] == ["http"] or "event-" in info


def _paired(page: str, fences: Iterator[Token]) -> Iterator[Example | Event]:
    for asked in fences:
        line, marks = (asked.map or [0])[0] + 1, asked.info.split()[1:]
        if "event-in" in marks or "event-out" in marks:
            yield Event(page, line, "event-out" in marks, asked.content, _varying(marks))
            continue
        request, answered = message(asked.content), next(fences, None)
        answer = message(answered.content) if answered else None
        if request.is_answer or not answered or not answer or not answer.is_answer:
            raise ValueError(f"{page}:{line}: a request and its answer must follow each other")
        varying = _varying(answered.info.split()[1:])
        yield Example(page, line, request, answer, "eventually" in marks, varying)


def _varying(marks: list[str]) -> frozenset[str]:
    return frozenset(name for mark in marks if mark.startswith("varying=") for name in mark[8:].split(","))


def message(text: str) -> Message:
    """A request or an answer from its text."""
    head, _, body = text.partition("\n\n")
    start, *lines = head.strip().split("\n")
    return Message(start, dict(line.split(": ", 1) for line in lines), body.rstrip("\n"))


def headed_routes(page: str) -> list[tuple[str, str]]:
    """The routes that the headings of a page name."""
    tokens = _tokens(page)
    headings = [after.content for before, after in pairwise(tokens) if before.type == "heading_open"]
    return [(method, path) for heading in headings for method, path in _ROUTE.findall(heading)]


def tables(page: str) -> Iterator[Table]:
    """The tables of parameters and fields of a page."""
    route, tokens = ("", ""), _tokens(page)
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and (named := _ROUTE.search(tokens[at + 1].content)):
            route = (named[1], named[2])
        if token.type == "table_open":
            end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
            kind, *cells = _first_column(tokens[at:end])
            names = tuple(name for cell in cells for name in _NAME.findall(cell))
            yield Table(page, (token.map or [0])[0] + 1, kind, route, names)


def _first_column(tokens: list[Token]) -> list[str]:
    starts = [at for at, token in enumerate(tokens) if token.type == "tr_open"]
    return [tokens[at + 2].content for at in starts]  # tr_open, th_open or td_open, inline


def stated_roles(page: str) -> Iterator[tuple[tuple[str, str], frozenset[str]]]:
    """The routes in headings with the roles in their sections, or in the page's text before its first section."""
    sections = re.split(r"^##+ (?=.*`[A-Z]+ /v1/)", (FOLDER / page).read_text(), flags=re.MULTILINE)
    above = _roles(sections[0])
    for section in sections[1:]:
        roles = _roles(section) or above
        yield from ((route, roles) for route in _ROUTE.findall(section.partition("\n")[0]))


def _roles(text: str) -> frozenset[str]:
    found = next(filter(None, map(_ROLES.match, text.split("\n"))), None)
    if found is None:
        return frozenset()
    named = frozenset(_NAME.findall(found[2]))
    return frozenset(Role) - named if found[1] else named

"""Typst templates: where their placeholders stand, and what they may not name.

In markup and in mathematics `{{plan}}` becomes `#plan_0;`, in code `{{plan_0}}`, a block in a block. Which of them it
is follows Typst's syntax (https://typst.app/docs/reference/syntax/); only the template's own text is looked at here,
never a value. The suffix is one that the template has nowhere, so nothing in it can bind the name to another value.
"""

import re
from dataclasses import dataclass, field
from itertools import count

from chancery.contracts.models import PLACEHOLDERS
from chancery.contracts.placeholders import PLACEHOLDER, TemplateProblem

# `eval` would make markup of a value, `plugin` loads programs, `std` leads to both by another name.
_FORBIDDEN = re.compile(r"(?<![\w-])(eval|plugin|std)(?![\w-])")
_IDENTIFIER = re.compile(r"[^\W\d][\w-]*")
_WITH_BODY = frozenset(("if", "for", "while", "context"))
_KEYWORDS = _WITH_BODY | {"let", "set", "show", "import", "include", "return", "break", "continue"}
_LINK = re.compile(r"https?://[\w!#$%&*+,\-./:;=?@~']*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*("|\Z)', re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*")
_ELSE = re.compile(r"\s*else\b")
_BACKTICKS = re.compile(r"`+")
_DEEPEST = 100
_CLOSING = {"(": ")", "{": "}"}


def translated(source: str) -> tuple[str, list[str]]:
    """The source with Typst's own names in place of placeholders, and the placeholders it has.

    Raises TemplateProblem for a name that a template may not use, and for a placeholder where none can stand.
    """
    if found := _FORBIDDEN.search(source):
        hint = "; in prose write plug-in" if found[1] == "plugin" else ""
        raise TemplateProblem(f"names `{found[1]}`, which templates may not{hint}", _line(source, found.start()))
    reader = _Reader(source, _suffix(source))
    reader.markup()
    return "".join(reader.done) + source[reader.copied :], reader.found


def bindings(source: str) -> str:
    """A line of Typst that binds the names which stand in a translated source in place of placeholders."""
    suffix = _suffix(source)
    return " ".join(f"#let {name}{suffix} = {name};" for name in PLACEHOLDERS) + "\n"


def _suffix(source: str) -> str:
    """The first of `_0`, `_1`, ... that the source does not contain."""
    return next(suffix for number in count() if (suffix := f"_{number}") not in source)


def _line(source: str, at: int) -> int:
    return source.count("\n", 0, at) + 1


@dataclass(slots=True)
class _Reader:
    """Walks through a source; `done` is what it has been turned into up to `copied`."""

    source: str
    suffix: str
    at: int = 0
    copied: int = 0
    depth: int = 0
    done: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def markup(self, end: str = "") -> None:
        """Up to the bracket that ends a content block, or to the end."""
        self._deeper()
        brackets = 0
        while self.at < len(self.source):
            char = self.source[self.at]
            if char == "]" and end and not brackets:
                break
            brackets += (char == "[") - (char == "]" and brackets > 0)
            if match := PLACEHOLDER.match(self.source, self.at):
                self._replace(match, "#{};")
            elif match := _LINK.match(self.source, self.at):
                self.at = match.end()
            elif char == "$":
                self.at += 1
                self._mathematics()
            elif not self._skipped():
                self.at += 1
        self.at += 1
        self.depth -= 1

    def _mathematics(self) -> None:
        while self.at < len(self.source) and self.source[self.at] != "$":
            if match := PLACEHOLDER.match(self.source, self.at):
                self._replace(match, "#{};")
            elif self.source[self.at] == '"':
                self._string()
            elif not self._skipped():
                self.at += 1
        self.at += 1

    def _skipped(self) -> bool:
        """Goes past what markup and mathematics have in common: escapes, comments, raw text, code."""
        char = self.source[self.at]
        if char == "\\":
            self.at += 2
        elif char == "`":
            self._raw()
        elif char == "#":
            self.at += 1
            self._embedded()
        else:
            return self._comment()
        return True

    def _embedded(self) -> None:
        """Code after a hash: a statement up to the end of its line, or one expression."""
        match = _IDENTIFIER.match(self.source, self.at)
        if match and match[0] in _KEYWORDS:
            self.at = match.end()
            self._statement(match[0] in _WITH_BODY)
            return
        if match:
            self.at = match.end()
        elif self._next() in ("(", "{", "[", '"', "$", "`"):
            self._token()
        while self._next() in ("(", "[") or (self._next() == "." and _IDENTIFIER.match(self.source, self.at + 1)):
            if self._next() == ".":
                name = _IDENTIFIER.match(self.source, self.at + 1)
                self.at = name.end() if name else self.at + 1
            else:
                self._token()

    def _statement(self, has_body: bool) -> None:
        while self._next() not in ("", "\n", ";", "]", ")", "}"):
            body = self._next() in ("{", "[")
            self._token()
            if body and has_body and not _ELSE.match(self.source, self.at):
                return

    def _token(self) -> None:
        """One token of code, or a whole group."""
        char = self._next()
        if match := PLACEHOLDER.match(self.source, self.at):
            self._replace(match, "{{{{{}}}}}")
        elif char in _CLOSING:
            self.at += 1
            self._group(_CLOSING[char])
        elif char == "[":
            self.at += 1
            self.markup("]")
        elif char == '"':
            self._string()
        elif char == "$":
            self.at += 1
            self._mathematics()
        elif char == "`":
            self._raw()
        elif not self._comment():
            self.at += 1

    def _group(self, end: str) -> None:
        self._deeper()
        while self._next() not in ("", end):
            self._token()
        self.at += 1
        self.depth -= 1

    def _string(self) -> None:
        match = _STRING.match(self.source, self.at)
        assert match
        self._refuse_within(match[0], 'a string; close it and add the value: "To " + {{tenantName}}')
        self.at = match.end()

    def _raw(self) -> None:
        ticks = _BACKTICKS.match(self.source, self.at)
        assert ticks
        begin = ticks.end()
        end = begin if len(ticks[0]) == 2 else self.source.find(ticks[0], begin)
        end = len(self.source) if end < 0 else end
        self._refuse_within(self.source[begin:end], "raw text, where it would stay as it is")
        self.at = begin if len(ticks[0]) == 2 else end + len(ticks[0])

    def _comment(self) -> bool:
        """Goes past a comment, if there is one."""
        if match := _COMMENT.match(self.source, self.at):
            self.at = match.end()
            return True
        if not self.source.startswith("/*", self.at):
            return False
        open_comments = 1
        self.at += 2
        while open_comments and self.at < len(self.source):
            step = self.source[self.at : self.at + 2]
            open_comments += (step == "/*") - (step == "*/")
            self.at += 2 if step in ("/*", "*/") else 1
        return True

    def _replace(self, match: re.Match[str], form: str) -> None:
        name = match[1].strip()
        self.found.append(name)
        self.done += [self.source[self.copied : match.start()], form.format(name + self.suffix)]
        self.at = self.copied = match.end()

    def _refuse_within(self, text: str, where: str) -> None:
        if PLACEHOLDER.search(text):
            raise TemplateProblem(f"has a placeholder in {where}", _line(self.source, self.at))

    def _next(self) -> str:
        return self.source[self.at : self.at + 1]

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise TemplateProblem(f"is nested deeper than {_DEEPEST} levels", _line(self.source, self.at))

"""A sensitive name and its value in text, in the layouts that programs, forms, logs and people use.

    password=hunter2    "password": "hunter2"    <password>hunter2</password>    **Password:** hunter2
    password: |         password: str = 'x'      --password hunter2              | password | hunter2 |
      hunter2                                    ["Cookie", "sid=1"]

`Pairs.at` is called where a name may stand; it reads on from there and never goes back over what it has redacted.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from . import layout_patterns as layout
from .groups import call_is_sensitive, group_is_sensitive
from .layout_patterns import MARKER
from .members import Members
from .name_rules import REDACTED, Rule, Rules
from .sensitive_names import Kind
from .syntax import Syntax, Value
from .values import is_code, is_harmless, is_sensitive, is_word_of_description, looks_secret, reads_as_prose


class Edit(NamedTuple):
    """A replacement in a text, and what was found there."""

    start: int
    end: int
    new: bytes
    kind: str


class _Name(NamedTuple):
    start: int
    end: int
    rule: Rule
    kind: Kind


class Pairs:
    """Looks for the values of names in one text."""

    def __init__(self, text: bytes, rules: Rules, *, is_raw_json: bool = False) -> None:
        self._text, self._rules, self._is_raw_json = text, rules, is_raw_json
        self._last = -1  # where the last name began: several literals may be in one

    @cached_property
    def _syntax(self) -> Syntax:
        return Syntax(self._text)

    @cached_property
    def _members(self) -> Members:
        return Members(self._syntax, self._rules)

    def at(self, start: int, end: int) -> Iterator[Edit]:
        """The redactions that a literal of a name calls for."""
        name = self._name(start, end)
        if name is None:
            return
        text = self._text
        before = text[name.start - 1 : name.start]
        if before in (b"<", b":") and (value := self._element(name)):
            yield self._edit(name, value)
            return
        following = text[name.end : name.end + layout.MOST_BLANKS].lstrip(b" \t")[:1]
        found = self._spoken(name) if following.isalnum() else self._pair(name) or self._spoken(name)
        if found:
            yield found
        else:
            yield from self._of_members(name)

    def _name(self, start: int, end: int) -> _Name | None:
        """The name around a literal, if its value is sensitive."""
        text = self._text
        end = start + len(text[start:end].rstrip(layout.AFTER_SHORT))
        left = text[max(0, start - layout.LONGEST) : start]
        first = start - len(left) + len(left.rstrip(layout.RUN))
        if first == self._last:
            return None
        right = text[end : end + layout.LONGEST]
        behind = right.lstrip(layout.RUN)
        if not behind and len(right) == layout.LONGEST:
            return None  # it does not end soon: another literal is nearer to its end, or it is no name
        self._last = first
        last = end + len(right) - len(behind)
        if self._is_raw_json and text[first - 1 : first] == b'"' == text[last : last + 1]:
            return None  # a member of the JSON itself, or a string that is nothing but a name
        rule = self._rules[text[first:last].translate(None, b"0123456789").decode(errors="ignore")]
        return _Name(first, last, rule, rule.kind) if rule and rule.kind else None

    def _pair(self, name: _Name) -> Edit | None:
        """`name=value`, `name: value` and the like."""
        text = self._text
        separator = layout.SEPARATOR.match(text, name.end)
        if separator is None:
            return None
        at, sign, quote = separator.end(), separator[3], separator[1]
        before = text[name.start - 1 : name.start]
        if (
            not quote
            and before in layout.QUOTES
            and before == text[at : at + 1]
            and text[at + 1 : at + 2] in layout.AFTER_QUOTATION
        ):
            return None  # the quotation ends: `password=`
        if sign == b":" and before == b":" and not separator[4]:
            return None  # a part of an identifier: `arn:aws:secretsmanager:eu-west-1:111:secret:name`
        if sign == b":" and (typed := layout.TYPED.match(text, at)):
            at, sign = typed.end(), b"="
        if sign == b":" and text[at : at + 1] in b"!&" and (tags := layout.TAGS.match(text, at)):
            at = tags.end()
        if text[at : at + 1] in b"|>" and (block := layout.BLOCK.match(text, at)):
            return self._block(name, block.end())
        if layout.END_OF_LINE.match(text, at):
            further = layout.BREAK_BEFORE_VALUE.match(text, at)
            if further is None or not quote:
                return self._next_line(name, at)
            at = further.end()
        tight = bool(quote) or (sign == b"=" and not separator[2] and not separator[4])
        return self._judged(name, at, quote if sign in (b":", b"=>") and quote != b"`" else b"", tight=tight, sign=sign)

    def _judged(self, name: _Name, at: int, quote: bytes, *, tight: bool, sign: bytes = b"=") -> Edit | None:
        """The redaction of the value at a place, if it is one. `quote`: what a member's name is quoted with."""
        text = self._text
        if name.kind.name == "header" and not quote and text[at : at + 1] not in b"\"'`[{(bBrRuUfF":
            found = self._header(name, at)
            return self._edit(name, found) if found else None
        in_url = text[name.start - 1 : name.start] in (b"?", b"&") and tight and not quote
        value = self._syntax.value_at(at, in_url=in_url, to_end=bool(quote), sign=sign)
        if value.form == "bare" and not quote:
            found = self._header(name, at) if name.kind.name == "header" else self._bare(name, value, tight=tight)
            return self._edit(name, found) if found else None
        if value.start == value.end or not self._is_secret(name, value, in_json=bool(quote)):
            return None
        return self._edit(name, value, quote if value.form != "quoted" else b"")

    def _is_secret(self, name: _Name, value: Value, *, in_json: bool) -> bool:
        shown = value.end if value.closed else min(value.end, value.start + layout.MOST_JUDGED)
        inside = self._text[value.start : shown].decode(errors="replace")
        if value.form == "group":
            return inside != REDACTED and group_is_sensitive(name.rule, inside)
        if value.form == "call":
            return call_is_sensitive(name.rule, inside)
        if value.form == "bare" and layout.NUMBER.fullmatch(inside):
            return is_sensitive(name.rule, float(inside))
        if not in_json and not name.kind.personal and name.kind.name != "password" and is_word_of_description(inside):
            return False
        if not in_json and len(inside.split()) > 3 and reads_as_prose(inside):
            return False
        return is_sensitive(name.rule, inside)

    def _bare(self, name: _Name, value: Value, *, tight: bool) -> Value | None:
        """A value without quotes: whole, or None if it is a reference, code, or a word of a sentence."""
        text, kind = self._text, name.kind
        token = text[value.start : min(value.end, value.start + layout.MOST_JUDGED)].decode(errors="replace")
        if kind.phrase and not tight:
            phrase = kind.phrase.match(text, value.start)
            prose = phrase is None or reads_as_prose(phrase[0].decode(errors="replace"))
            return None if phrase is None or prose else Value(value.start, phrase.end(), "bare")
        if not token or is_harmless(token) or is_word_of_description(token) or _is_path_of_code(token):
            return None
        if token.isdigit():
            return value if is_sensitive(name.rule, int(token[:40])) else None
        if tight:
            return value if is_sensitive(name.rule, token) else None
        if looks_secret(kind, token):
            return value
        return self._words(name, value) if kind.name in ("password", "own name") else None

    def _words(self, name: _Name, value: Value) -> Value | None:
        """A password of letters alone: one word, or a few that are no sentence."""
        text = self._text
        if text[name.start : name.end].lower() == b"pass":
            return None
        if layout.ENDS_AFTER.match(text, value.end):
            return None if _looks_named(text[value.start : value.end]) else value
        line = text[value.start : self._syntax.line_end(value.start, most=layout.MOST_JUDGED)]
        words = line.decode(errors="replace").strip().strip("*_`").split()
        if (
            3 <= len(words) <= 12
            and all(word.isalpha() and word.islower() for word in words)
            and not reads_as_prose(" ".join(words))
        ):
            return Value(value.start, value.start + len(line.rstrip()), "bare")
        return None

    def _header(self, name: _Name, at: int) -> Value | None:
        """`Authorization: Basic abc`, `Cookie: a=b; c=d`: the rest of the line, or of the quotation it stands in."""
        text = self._text
        if not (layout.AUTHORIZATION.match(text, at) or layout.COOKIE.match(text, at) or layout.SINGLE.match(text, at)):
            return None
        end = self._syntax.line_end(at)
        quote = text[name.start - 1 : name.start]
        if quote in layout.QUOTES and (closed := self._syntax.end_of_quotation(at, quote)):
            end = min(end, closed[0])
        line = text[at:end].rstrip()
        shown = line[: layout.MOST_JUDGED].decode(errors="replace")
        if is_harmless(shown):
            return None
        if layout.AUTHORIZATION.match(line):
            rest = shown.split(None, 1)[1].rstrip(".,;)")
            if is_harmless(rest) or (reads_as_prose(rest) and not any(char.isdigit() for char in rest)):
                return None
        elif not layout.COOKIE.match(line) and not looks_secret(name.kind, shown):
            return None
        return Value(at, at + len(line), "bare")

    def _spoken(self, name: _Name) -> Edit | None:
        """Without a sign between: an option, a statement of SQL, a cell of a table, a sentence, the next of a list."""
        text = self._text
        if text[name.end : name.end + 1] in b".,;)!?\n":
            return None
        if typed := layout.TYPE_BEHIND_NAME.match(text, name.end):
            return self._judged(name, typed.end(), b"", tight=False)
        if text[name.start : name.start + 1] == b"-" and (option := layout.OPTION_VALUE.match(text, name.end)):
            value = self._syntax.value_at(option.end())
            return self._option(name, value)
        if (following := layout.NEXT_IN_LIST.match(text, name.end)) and not layout.BEHIND_SIGN.search(
            text, max(0, name.start - 20), name.start
        ):
            value = self._syntax.value_at(following.end())
            is_key = text[value.after : value.after + 20].lstrip()[:1] in (b":", b"=")
            return self._edit(name, value) if not is_key and self._stands_out(name, value) else None
        if name.kind.name in layout.NEVER_SPOKEN or text[name.start : name.end].lower() == b"pass":
            return None
        if said := layout.SAID.match(text, name.end):
            value = self._syntax.value_at(said.end())
            return self._edit(name, value) if self._stands_out(name, value) else None
        if (cell := layout.CELL.match(text, name.end)) and b"|" in text[
            text.rfind(b"\n", 0, name.start) + 1 : name.start
        ]:
            value = Value(cell.start(1), cell.start(1) + len(cell[1].rstrip()), "bare")
            single = not cell[1].startswith(b"[") and len(cell[1].strip(b"`*_").split()) == 1
            return self._edit(name, value) if single and self._stands_out(name, value) else None
        return None

    def _option(self, name: _Name, value: Value) -> Edit | None:
        word = self._text[value.start : value.end].decode(errors="replace")
        if value.form == "quoted":
            return self._edit(name, value) if is_sensitive(name.rule, word) and not reads_as_prose(word) else None
        if (
            value.form != "bare"
            or is_harmless(word)
            or is_word_of_description(word)
            or (word.isupper() and not any(char.isdigit() for char in word))
        ):
            return None
        if looks_secret(name.kind, word) or (
            name.kind.name == "password" and layout.ENDS_AFTER.match(self._text, value.end)
        ):
            return self._edit(name, value)
        return None

    def _stands_out(self, name: _Name, value: Value) -> bool:
        """Whether a value is no word of a language and no name, so that it is one though nothing says so."""
        word = self._text[value.start : value.end].decode(errors="replace")
        if not word or value.form in ("call", "group") or reads_as_prose(word) or name.rule.plural:
            return False
        if name.kind.phrase:
            return bool(name.kind.phrase.fullmatch(self._text[value.start : value.end])) or bool(
                value.form == "quoted" and name.kind.shape.search(word) and " " not in word
            )
        if value.form == "quoted" and name.kind.name in ("header", "secret") and not is_word_of_description(word):
            return any(char.isdigit() or char in "=:" for char in word) and not is_harmless(word)
        return looks_secret(name.kind, word) and not _looks_named(word.encode()) and not self._ends_with_name(word)

    def _ends_with_name(self, word: str) -> bool:
        """Whether a word is a name itself, e.g. `X-aws-ec2-metadata-token`."""
        rule = self._rules[word] if "-" in word or "_" in word else None
        return rule is not None and rule.kind is not None

    def _element(self, name: _Name) -> Value | None:
        """The text of an XML element."""
        text = self._text
        if text[name.start - 1 : name.start] == b":" and not layout.NAMESPACE.search(
            text[max(0, name.start - 50) : name.start]
        ):
            return None
        element = layout.ELEMENT.match(text, name.end)
        if element is None:
            return None
        group = "data" if element["data"] is not None else "text"
        inside = element[group].strip()
        shown = inside.decode(errors="replace")
        if not inside or not is_sensitive(name.rule, shown) or (len(shown.split()) > 3 and reads_as_prose(shown)):
            return None
        start = element.start(group) + element[group].index(inside)
        return Value(start, start + len(inside), "quoted")

    def _block(self, name: _Name, at: int) -> Edit | None:
        """The lines of a YAML block, which are indented deeper than the name."""
        lines = self._syntax.indented(name.start, at)
        return self._edit(name, Value(*lines, "bare")) if lines else None

    def _next_line(self, name: _Name, at: int) -> Edit | None:
        """A value, or a list of values, that stands on the lines behind its name."""
        text = self._text
        end = layout.END_OF_LINE.match(text, at)
        if end is None or end.end() == len(text) or name.kind.personal:
            return None
        block = self._syntax.indented(name.start, end.end())
        if block is None:
            line = text[end.end() : self._syntax.line_end(end.end(), most=layout.MOST_JUDGED)]
            alone = len(line.split()) == 1 and b":" not in line and b"=" not in line
            value = self._syntax.value_at(end.end() + len(line) - len(line.lstrip()))
            return self._edit(name, value) if alone and self._stands_out(name, value) else None
        lines = text[slice(*block)]
        items = [layout.LIST_ITEM.sub(b"", line).strip() for line in lines.splitlines()]
        if layout.MAPPING.match(lines) or not any(self._is_item(name, item) for item in items):
            return None
        return self._edit(name, Value(*block, "bare"))

    def _is_item(self, name: _Name, item: bytes) -> bool:
        word = item.strip(b"\"'").decode(errors="replace")
        return " " not in word and looks_secret(name.kind, word)

    def _of_members(self, name: _Name) -> Iterator[Edit]:
        """`{"field": "password", "from": "hunter2", "to": "hunter3"}`."""
        for value, quote in self._members.named_by(name.start, name.end, name.kind.name):
            if value.start < value.end and self._is_secret(name, value, in_json=True):
                yield self._edit(name, value, quote if value.form != "quoted" else b"")

    def _edit(self, name: _Name, value: Value, quote: bytes = b"") -> Edit:
        return Edit(value.start, value.end, quote + MARKER + quote, name.kind.name)


def _is_path_of_code(token: str) -> bool:
    """Whether a bare value is an attribute or a call: `config.secret`, `self.password`, `read()`."""
    return is_code(token) and ("." in token or "(" in token or "->" in token or "::" in token)


def _looks_named(word: bytes) -> bool:
    """Whether a word is a name of a program rather than a value: `user_input`, `newValue`."""
    if any(48 <= byte < 58 for byte in word):
        return False
    return b"_" in word or (word[1:].lower() != word[1:] and word.isalpha() and not word.isupper())

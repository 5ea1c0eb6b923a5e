"""Compares the answers of a page of docs/api with those of the API.

Literal values must be equal. Values that differ in every run (ULIDs, times, hashes, base64, links) must have the same
shape. Such a value of the page is bound to the API's value where both are first compared: from then on it stands for
that value, in answers and in requests. Two times may be equal by chance, so answers are not held to a bound time.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CUT = "…"
_SHAPES = {
    "link": (r"https?://[^\s\"]+", r"https?://[^\s\"]+"),
    "ulid": (r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b", r"[0-7][0-9A-HJKMNP-TV-Z]{25}"),
    "time": (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    "hex": (r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b", r"(?:[0-9a-f]{64}|[0-9a-f]{32})"),
    "cuthex": (r"\b(?=[a-f]*\d)[0-9a-f]{8,}…", r"[0-9a-f]{16,}"),
    "base64": (r"(?<![\w/.])(?!/?v1/)[A-Za-z0-9+/]{43,}={0,2}", r"[A-Za-z0-9+/_-]{43,}={0,2}"),
    "cutbase64": (r"(?<![\w/.])(?=[A-Za-z+/_-]*\d)[A-Za-z0-9+/_-]{8,}…", r"[A-Za-z0-9+/_-]{16,}={0,2}"),
    "cut": (CUT, r"(?s:.+?)"),
    "number": (r"\b\d{2,}\b", r"\d+"),
}
_WITH_NUMBERS = re.compile("|".join(f"(?P<{kind}>{expected})" for kind, (expected, _) in _SHAPES.items()))
_PLAIN = re.compile(_WITH_NUMBERS.pattern.partition("|(?P<number>")[0])


class Differs(AssertionError):
    """The API's answer differs from the page's."""


@dataclass
class Bindings:
    """The API's values by the page's. `sent`: the text of the page's requests; values in it are literal."""

    values: dict[str, str] = field(default_factory=dict)
    sent: str = ""

    def copy(self) -> "Bindings":
        return Bindings(dict(self.values), self.sent)

    def resolve(self, text: str) -> str:
        """A text of the page with the API's values in place of the page's."""
        if not self.values:
            return text
        longest_first = sorted(self.values, key=len, reverse=True)
        bound = "|".join(rf"(?<![A-Za-z0-9]){re.escape(expected)}(?![A-Za-z0-9])" for expected in longest_first)
        return re.sub(bound, lambda expected: self.values[expected[0]], text)

    def match_json(self, expected: Any, actual: Any, varying: frozenset[str] = frozenset(), at: str = "") -> None:
        """Compares at any depth and binds. Raises Differs."""
        if isinstance(expected, dict) and isinstance(actual, dict):
            self._match_object(expected, actual, varying, at)
        elif isinstance(expected, list) and isinstance(actual, list):
            more = CUT in expected
            items = [item for item in expected if item != CUT]
            if more and expected[0] == CUT:  # the last ones are shown
                actual = actual[-len(items) :] if items else []
            if len(actual) < len(items) or (len(actual) > len(items) and not more):
                raise Differs(f"{at}: {len(items)} items on the page, {len(actual)} in the answer: {actual}")
            for place, item in enumerate(items):
                self.match_json(item, actual[place], varying, f"{at}/{place}")
        elif isinstance(expected, str) and isinstance(actual, str):
            self.match_text(expected, actual, at=at)
        elif type(expected) is not type(actual) or expected != actual:
            raise Differs(f"{at}: {expected!r} on the page, {actual!r} in the answer")

    def _match_object(
        self, expected: Mapping[str, Any], actual: Mapping[str, Any], varying: frozenset[str], at: str
    ) -> None:
        names = expected.keys() - {CUT}
        if missing := names - actual.keys():
            raise Differs(f"{at}: not in the answer: {sorted(missing)}; it has {sorted(actual)}")
        if CUT not in expected and (more := actual.keys() - names):
            raise Differs(f"{at}: not on the page: {sorted(more)}")
        for name in names:
            if name in varying:
                self._match_varying(expected[name], actual[name], f"{at}/{name}")
            else:
                self.match_json(expected[name], actual[name], varying, f"{at}/{name}")

    def _match_varying(self, expected: Any, actual: Any, at: str) -> None:
        if type(expected) is not type(actual):
            raise Differs(f"{at}: {expected!r} on the page, {actual!r} in the answer")
        if isinstance(expected, str | int):
            self.values.setdefault(str(expected), str(actual))

    def match_text(self, expected: str, actual: str, *, numbers: bool = False, at: str = "") -> None:
        """Compares a text and binds. `numbers`: those of two digits or more differ too. Raises Differs."""
        pattern, tokens, end = "", [], 0
        for token in (_WITH_NUMBERS if numbers else _PLAIN).finditer(expected):
            pattern += re.escape(self.resolve(expected[end : token.start()])) + self._pattern_of(token, tokens)
            end = token.end()
        found = re.fullmatch(pattern + re.escape(self.resolve(expected[end:])), actual)
        if found is None:
            raise Differs(f"{at}: {expected!r} on the page, {actual!r} in the answer")
        for place, token in enumerate(tokens):
            if token != CUT:
                self.values.setdefault(token, found[f"t{place}"])

    def _pattern_of(self, token: re.Match[str], tokens: list[str]) -> str:
        """The pattern of what may stand in place of a token; adds the token to `tokens` when it has to be bound."""
        kind, text = str(token.lastgroup), token[0]
        if text in self.values and kind != "time":
            return re.escape(self.values[text])
        if kind != "cut" and (text in self.sent or text.replace(".000Z", "Z") in self.sent):
            return re.escape(text)
        if kind not in ("cut", "time") and text in tokens:
            return f"(?P=t{tokens.index(text)})"
        tokens.append(text)
        return f"(?P<t{len(tokens) - 1}>{_SHAPES[kind][1]})"


def read_json(text: str) -> Any:
    """JSON in which `…` may stand for more keys of an object or more items of a list."""
    open_brackets: list[str] = []

    def replaced(token: re.Match[str]) -> str:
        if token[0] in "{[":
            open_brackets.append(token[0])
        elif token[0] in "}]":
            open_brackets.pop()
        elif token[0] == CUT:
            return f'"{CUT}": null' if open_brackets[-1] == "{" else f'"{CUT}"'
        return token[0]

    return json.loads(re.sub(r'"(?:\\.|[^"\\])*"|[{}\[\]]|…', replaced, text))

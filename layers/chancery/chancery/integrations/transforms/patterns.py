"""Regular expressions of JSONata by RE2, which takes time in proportion to the text, whatever the pattern.

JSONata has those of JavaScript. What RE2 does not have (look-around, back-references) is refused when an expression is
compiled. Syntax: https://github.com/google/re2/wiki/Syntax
"""

import re
from collections.abc import Iterator
from typing import Any

import re2

_MAX_MEMORY = 4 * 1024 * 1024  # bytes of one compiled pattern
# \s and \S of JavaScript (ECMAScript 2024, section 22.2.2.9), which are ASCII in RE2.
_SPACES = r"\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"
_DOT = r"[^\n\r\x{2028}\x{2029}]"
_ESCAPE = re.compile(
    r"\\(?:u[0-9A-Fa-f]{4}|c[A-Za-z]|x[0-9A-Fa-f]{2}|.)|[\[\].$^]|\(\?<(?![=!])|\(\?(?![:=!<])", re.DOTALL
)


class UnfitPattern(ValueError):
    """A pattern that RE2 does not take; the text says why."""


class Pattern:
    """A compiled pattern, with the methods by which jsonata-python knows one."""

    def __init__(self, source: str, *, ignore_case: bool = False, multiline: bool = False) -> None:
        options = re2.Options()
        options.max_mem, options.log_errors, options.case_sensitive = _MAX_MEMORY, False, not ignore_case
        flags = "(?m)" if multiline else ""
        try:
            self._compiled = re2.compile(flags + _translated(source, multiline=multiline), options)
        except re2.error as exc:
            raise UnfitPattern(_reason(exc)) from None

    def search(self, text: str) -> Any:
        return self._compiled.search(text)

    def finditer(self, text: str) -> Iterator[Any]:
        return iter(self._compiled.finditer(text))

    def split(self, text: str) -> list[str]:
        """Only there because jsonata-python tells patterns from functions by it; `functions.py` has `$split`."""
        raise NotImplementedError

    def sub(self, replacement: str, text: str) -> str:
        """As `split`."""
        raise NotImplementedError


def _translated(source: str, *, multiline: bool) -> str:
    """A pattern of JavaScript in RE2's syntax."""
    in_class = False

    def replace(found: re.Match[str]) -> str:
        nonlocal in_class
        piece = found[0]
        if piece == "[" and not in_class:
            in_class = True
        elif piece == "]" and in_class:
            in_class = False
        elif piece == "[":
            return r"\["
        elif piece == "." and not in_class:
            return _DOT
        elif piece in "^$" and not in_class:
            if multiline:
                raise UnfitPattern("has ^ or $ with the flag m, for which lines of JavaScript and RE2 end differently")
            return "^" if piece == "^" else r"\z"
        elif piece == "(?" and not in_class:
            raise UnfitPattern("has flags in it, which JavaScript does not support")
        elif piece == "(?<" and not in_class:
            return "(?P<"
        elif piece in (r"\s", r"\S"):
            return _space(piece, in_class=in_class)
        elif piece[0] == "\\":
            return _escape(piece, in_class=in_class)
        return piece

    return _ESCAPE.sub(replace, source)


def _space(piece: str, *, in_class: bool) -> str:
    if not in_class:
        return f"[{'^' if piece == r'\S' else ''}{_SPACES}]"
    if piece == r"\s":
        return _SPACES
    raise UnfitPattern(r"has \S in a class; write [^...] instead")


def _escape(piece: str, *, in_class: bool) -> str:
    if piece[1] == "u" and len(piece) == 6:
        return rf"\x{{{piece[2:]}}}"
    if piece[1] == "c" and len(piece) == 3:
        return rf"\x{{{ord(piece[2].upper()) - 64:x}}}"
    if piece == r"\0":
        return r"\x00"
    if in_class and piece == r"\b":
        return r"\x08"
    if piece[1].isdigit() or piece[1] == "k":
        raise UnfitPattern("has a back-reference, which RE2 does not support")
    if piece[1].isalpha() and piece[1] not in "dDwWbBtnrfvx":
        raise UnfitPattern(f"has {piece}, which JavaScript and RE2 read differently")
    return piece


def _reason(error: Exception) -> str:
    text = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
    if any(sign in text for sign in ("(?=", "(?!", "(?<")):
        return "has a look-around, which RE2 does not support"
    if "too large" in text or "repetition size" in text:
        return "is too large when it is compiled; use smaller repetitions and fewer alternatives"
    return f"is no regular expression in RE2's syntax: {text.partition(':')[0]}"

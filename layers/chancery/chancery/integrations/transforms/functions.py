"""Functions of JSONata in place of those of jsonata-python that differ from the reference implementation.

Reference: https://docs.jsonata.org, and the JavaScript implementation (npm `jsonata`), by whose test suite each of them
is checked (`benchmarks/jsonata.py`).
"""

import json
import math
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from jsonata import Functions, JException, Jsonata, Parser, Utils

from chancery.integrations.transforms.failures import Failure
from chancery.integrations.transforms.numbers import number_of, number_text
from chancery.integrations.transforms.patterns import Pattern
from chancery.integrations.transforms.pictures import UnfitPicture, formatted

_LONGEST_TEXT = 16 * 1024 * 1024  # characters that `$pad` makes
_LATEST = 1e13  # milliseconds since 1970, up to which the library has all of them
_NULL = Utils.NULL_VALUE
_ISO_8601 = re.compile(
    r"\d{4}(-[01]\d)*(-[0-3]\d)*(T[0-2]\d:[0-5]\d:[0-5]\d)*(\.\d+)?([+-][0-2]\d:?[0-5]\d|Z)?", re.ASCII
)


class _Match(NamedTuple):
    """A match of a pattern in a text."""

    text: str
    start: int
    end: int
    groups: list[str | None]

    def as_value(self) -> dict[str, Any]:
        """As a function that replaces matches gets it."""
        return {"match": self.text, "start": self.start, "end": self.end, "groups": list(self.groups)}


def _matches(pattern: Any, text: str) -> Iterator[_Match]:
    """The matches of a pattern, as the reference iterates over them: an empty one after the first is an error."""
    if not isinstance(pattern, Pattern):
        raise JException("T1010", -1)  # a function as a matcher
    at = 0
    for number, found in enumerate(pattern.finditer(text)):
        if number and at >= len(text):
            return
        if number and found.start() == found.end():
            raise JException("D1004", -1)
        at = found.end()
        yield _Match(found.group(), found.start(), found.end(), list(found.groups()))


class StandardFunctions:
    """The functions, by the names under which they are bound."""

    @staticmethod
    def string(value: Any, prettify: Any) -> Any:
        if isinstance(value, Utils.JList) and value.outer_wrapper:
            value = value[0]
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, Jsonata.JFunctionCallable | Parser.Symbol | Pattern):
            return ""
        if isinstance(value, float) and not math.isfinite(value):
            raise JException("D3001", -1, value)
        return _json(value, "\n" if prettify else "")

    @staticmethod
    def contains(text: Any, token: Any) -> Any:
        if text is None or token is None:
            return None
        if isinstance(token, str):
            return token in text
        return next(_matches(token, text), None) is not None

    @staticmethod
    def match(text: Any, pattern: Any, limit: Any) -> Any:
        if text is None:
            return None
        if limit is not None and limit < 0:
            raise JException("D3040", -1, limit)
        result = Utils.create_sequence()
        for found in _limited(_matches(pattern, text), limit):
            result.append({"match": found.text, "index": found.start, "groups": list(found.groups)})
        return result

    @staticmethod
    def replace(text: Any, pattern: Any, replacement: Any, limit: Any) -> Any:
        if text is None:
            return None
        if pattern == "":
            raise JException("D3010", -1, pattern)
        if limit is not None and limit < 0:
            raise JException("D3011", -1, limit)
        if isinstance(pattern, str):
            if not isinstance(replacement, str):
                raise JException("D3012", -1, replacement)
            return text.replace(pattern, replacement, -1 if limit is None else math.ceil(limit))
        fill = partial(_filled, replacement) if isinstance(replacement, str) else partial(_called, replacement)
        pieces, at = [], 0
        for found in _limited(_matches(pattern, text), limit):
            pieces += [text[at : found.start], fill(found)]
            at = found.end
        return "".join([*pieces, text[at:]])

    @staticmethod
    def split(text: Any, separator: Any, limit: Any) -> Any:
        if text is None:
            return None
        if limit is not None and limit < 0:
            raise JException("D3020", -1, limit)
        if isinstance(separator, str):
            pieces = list(text) if not separator else text.split(separator)
            return pieces if limit is None else pieces[: math.floor(limit)]
        pieces, at, most = [], 0, math.inf if limit is None else limit
        for found in _limited(_matches(separator, text), limit):
            pieces.append(text[at : found.start])
            at = found.end
        return pieces if len(pieces) >= most else [*pieces, text[at:]]

    @staticmethod
    def pad(text: Any, width: Any, char: Any) -> Any:
        if text is None:
            return None
        if abs(width) > _LONGEST_TEXT:
            raise JException("D1001", -1, width)
        filler, missing = char or " ", int(abs(width)) - len(text)
        if missing <= 0:
            return text
        padding = (filler * (missing // len(filler) + 1))[:missing]
        return text + padding if width > 0 else padding + text

    @staticmethod
    def number(value: Any) -> Any:
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        if isinstance(value, bool):
            return int(value)
        found = number_of(value) if isinstance(value, str) else None
        if found is None or not math.isfinite(found):
            raise JException("D3030", -1, value)
        return found

    @staticmethod
    def power(base: Any, exponent: Any) -> Any:
        if base is None:
            return None
        try:
            result = math.pow(base, exponent)
        except (OverflowError, ValueError, ZeroDivisionError):
            raise JException("D3061", -1, base, exponent) from None
        if not math.isfinite(result):
            raise JException("D3061", -1, base, exponent)
        return result

    @staticmethod
    def sort(items: Any, comparator: Any) -> Any:
        if items is None or len(items) <= 1:
            return items
        if comparator is None:
            if not (Utils.is_array_of_numbers(items) or Utils.is_array_of_strings(items)):
                raise JException("D3070", -1)
            return Utils.JList(sorted(items))

        def comes_after(one: Any, other: Any) -> bool:
            return _is_true(Functions.func_apply(comparator, [one, other]))

        return Utils.JList(_merge_sorted(list(items), comes_after))

    @staticmethod
    def format_number(number: Any, picture: Any, options: Any) -> Any:
        if number is None:
            return None
        try:
            return formatted(number, picture, options or {})
        except UnfitPicture as exc:
            raise Failure(f"$formatNumber: {exc}", "notAvailable") from None

    @staticmethod
    def format_integer(number: Any, picture: Any) -> Any:
        return (
            None if number is None else Functions.format_integer(_exact("$formatInteger", math.floor(number)), picture)
        )

    @staticmethod
    def format_base(number: Any, radix: Any) -> Any:
        return None if number is None else Functions.format_base(_exact("$formatBase", number), radix)

    @staticmethod
    def from_millis(millis: Any, picture: Any, timezone: Any) -> Any:
        if millis is not None and abs(millis) > _LATEST:
            raise Failure("$fromMillis: times after 2286 are not supported", "notAvailable")
        return Functions.datetime_from_millis(millis, picture, timezone)

    @staticmethod
    def distinct(items: Any) -> Any:
        if not isinstance(items, list) or len(items) <= 1:
            return items
        result = Utils.create_sequence() if Utils.is_sequence(items) else Utils.JList()
        seen: set[str] = set()
        for item in items:
            if (key := _json(item, "")) not in seen:
                seen.add(key)
                result.append(item)
        return result

    @staticmethod
    def base64decode(text: Any) -> Any:
        if text is None:
            return None
        try:
            return b64decode(text, validate=True).decode("latin-1")
        except ValueError:
            raise Failure("$base64decode: the text is no base64 with its padding", "notAvailable") from None

    @staticmethod
    def base64encode(text: Any) -> Any:
        if text is None:
            return None
        try:
            return b64encode(text.encode("latin-1")).decode()
        except UnicodeEncodeError:
            raise Failure("$base64encode: the text has characters beyond U+00FF", "notAvailable") from None

    @staticmethod
    def to_millis(text: Any, picture: Any) -> Any:
        if picture is None and isinstance(text, str) and not _ISO_8601.fullmatch(text):
            raise JException("D3110", -1, text)
        return Functions.datetime_to_millis(text, picture)

    @staticmethod
    def encode_url(text: Any) -> Any:
        return _quoted("encodeUrl", text, ";,/?:@&=+$-_.!~*'()#")

    @staticmethod
    def encode_url_component(text: Any) -> Any:
        return _quoted("encodeUrlComponent", text, "-_.!~*'()")

    @staticmethod
    def decode_url(text: Any) -> Any:
        return _unquoted("decodeUrl", text, ";/?:@&=+$,#")

    @staticmethod
    def decode_url_component(text: Any) -> Any:
        return _unquoted("decodeUrlComponent", text, "")


_SIGNATURES = {
    "string": ("<x-b?:s>", "string"),
    "contains": ("<s-(sf):b>", "contains"),
    "match": ("<s-f<s:o>n?:a<o>>", "match"),
    "replace": ("<s-(sf)(sf)n?:s>", "replace"),
    "split": ("<s-(sf)n?:a<s>>", "split"),
    "pad": ("<s-ns?:s>", "pad"),
    "number": ("<(nsb)-:n>", "number"),
    "power": ("<n-n:n>", "power"),
    "sort": ("<af?:a>", "sort"),
    "formatNumber": ("<n-so?:s>", "format_number"),
    "formatBase": ("<n-n?:s>", "format_base"),
    "fromMillis": ("<n-s?s?:s>", "from_millis"),
    "distinct": ("<x:x>", "distinct"),
    "base64decode": ("<s-:s>", "base64decode"),
    "base64encode": ("<s-:s>", "base64encode"),
    "formatInteger": ("<n-s:s>", "format_integer"),
    "toMillis": ("<s-s?:n>", "to_millis"),
    "encodeUrl": ("<s-:s>", "encode_url"),
    "encodeUrlComponent": ("<s-:s>", "encode_url_component"),
    "decodeUrl": ("<s-:s>", "decode_url"),
    "decodeUrlComponent": ("<s-:s>", "decode_url_component"),
}


# Functions of arrays, for which null is a value, and for the library none.
_OF_ARRAYS = (
    *("append", "average", "clone", "count", "filter", "join", "map", "max", "merge", "min", "reduce", "reverse"),
    *("shuffle", "single", "sort", "sum", "zip"),
)


def install() -> None:
    """Puts the functions in place of the library's, for every expression of this process."""
    for name, (signature, method) in _SIGNATURES.items():
        Jsonata.static_frame.bind(name, Jsonata.JNativeFunction(name, signature, StandardFunctions, method))
    Functions.string = StandardFunctions.string  # of `&` too
    for name in _OF_ARRAYS:
        function = Jsonata.static_frame.lookup(name)
        function.validate = _without_null(name, function.validate)


def _without_null(name: str, validate: Callable[..., Any]) -> Callable[..., Any]:
    """Refuses null in place of an array."""

    def check(args: Any, context: Any) -> Any:
        if any(arg is _NULL for arg in args):
            raise Failure(f"${name}: null in place of an array or a function is not supported", "notAvailable")
        return validate(args, context)

    return check


def _exact(name: str, number: float) -> float:
    if abs(number) > 2**53:
        raise Failure(f"{name}: numbers beyond 2^53 are not supported", "notAvailable")
    return number


def _json(value: Any, line: str) -> str:
    """A value as JSON.stringify writes it; `line`: a line end with the indentation, or nothing."""
    if value is None or value is _NULL:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        if isinstance(value, float) and not math.isfinite(value):
            raise JException("D1001", -1, value)
        return number_text(value)
    inner, colon = (line + "  ", ": ") if line else ("", ":")
    if isinstance(value, list):
        items = [_json(item, inner) for item in value]
        return f"[{inner}{f',{inner}'.join(items)}{line}]" if items else "[]"
    if isinstance(value, dict):
        members = [f"{json.dumps(name, ensure_ascii=False)}{colon}{_json(item, inner)}" for name, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(members)}{line}}}" if members else "{}"
    return '""'


def _limited(matches: Iterator[_Match], limit: Any) -> Iterator[_Match]:
    """As many matches as there may be; one more is looked for, which may be an error (D1004)."""
    if limit is None:
        yield from matches
        return
    most = math.ceil(limit)
    for number, found in enumerate(matches if most else ()):
        if number >= most:
            return
        yield found


def _filled(replacement: str, match: _Match) -> str:
    """The replacement of a match, with $n as its groups, $0 as the match and $$ as $."""
    groups, pieces, at = match.groups, [], 0
    while (index := replacement.find("$", at)) >= 0:
        pieces.append(replacement[at:index])
        at = index + 1
        following = replacement[at : at + 1]
        if following in ("$", "0"):
            pieces.append("$" if following == "$" else match.text)
            at += 1
            continue
        most = len(str(len(groups))) if groups else 1
        number = _leading_number(replacement[at : at + most])
        if number is not None and most > 1 and number > len(groups):
            number = _leading_number(replacement[at : at + most - 1])
        if number is None:
            pieces.append("$")
            continue
        if 0 < number <= len(groups):
            pieces.append(groups[number - 1] or "")
        at += len(str(number))
    return "".join([*pieces, replacement[at:]])


def _leading_number(text: str) -> int | None:
    digits = text[: len(text) - len(text.lstrip("0123456789"))]
    return int(digits) if digits else None


def _called(function: Any, match: _Match) -> str:
    replaced = Functions.func_apply(function, [match.as_value()])
    if not isinstance(replaced, str):
        raise JException("D3012", -1, replaced)
    return replaced


def _is_true(value: Any) -> bool:
    """Whether a value is true for JavaScript, as the result of a comparator is read."""
    return not (value is None or value is _NULL or value == 0 or value == "")


def _merge_sorted(items: list[Any], comes_after: Callable[[Any, Any], bool]) -> list[Any]:
    """Merge sort as in the reference, whose order of equals a comparator that is no order depends on."""
    if len(items) <= 1:
        return items
    middle = len(items) // 2
    left, right = _merge_sorted(items[:middle], comes_after), _merge_sorted(items[middle:], comes_after)
    merged, at, of = [], 0, 0
    while at < len(left) and of < len(right):
        if comes_after(left[at], right[of]):
            merged.append(right[of])
            of += 1
        else:
            merged.append(left[at])
            at += 1
    return [*merged, *left[at:], *right[of:]]


def _quoted(name: str, text: Any, safe: str) -> Any:
    if text is None:
        return None
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        raise JException("D3140", -1, text, name) from None


def _unquoted(name: str, text: Any, reserved: str) -> Any:
    """decodeURI and decodeURIComponent: escapes of `reserved` characters stay."""
    if text is None:
        return None
    pieces = text.split("%")
    for piece in pieces[1:]:
        if len(piece) < 2 or not all(char in "0123456789abcdefABCDEF" for char in piece[:2]):
            raise JException("D3140", -1, text, name)
    kept = {f"{ord(char):02X}" for char in reserved}
    escaped = [f"%25{piece}" if piece[:2].upper() in kept else f"%{piece}" for piece in pieces[1:]]
    try:
        return unquote_to_bytes("".join([pieces[0], *escaped])).decode()
    except UnicodeError:
        raise JException("D3140", -1, text, name) from None

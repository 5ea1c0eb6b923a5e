"""Pydantic's errors in plain words: for each wrong field a sentence with what to do about it."""

from collections.abc import Iterable, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chancery.core.documents import UNION_TAG
from chancery.core.errors import FieldError
from chancery.core.formats.json_limits import reference

_A_TIME = "must be an RFC 3339 time with its zone, e.g. 2026-01-31T12:00:00Z"
_A_WHOLE_NUMBER = "must be a whole number"
_A_SHA256 = "must be a SHA-256 in 64 lower-case hex digits"
_NO_NUL = "must not have a NUL character in it"
_SOME_TEXT = "must have more in it than spaces"

# Filled in with the error's context, which holds limits and never what was sent.
_SENTENCES: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not known; see GET /v1/openapi.json",
    "string_type": "must be text",
    "string_unicode": "must be text in valid Unicode",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": _A_WHOLE_NUMBER,
    "int_parsing": _A_WHOLE_NUMBER,
    "int_parsing_size": _A_WHOLE_NUMBER,
    "int_from_float": _A_WHOLE_NUMBER,
    "float_type": "must be a number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "datetime_type": _A_TIME,
    "datetime_parsing": _A_TIME,
    "datetime_from_date_parsing": _A_TIME,
    "datetime_object_invalid": _A_TIME,
    "timezone_aware": _A_TIME,
}

# What a pattern asks for; a test sees to it that each one of the API is here.
_PATTERNS: Mapping[str, str] = {
    r"^[^\x00-\x1f\x7f]+$": "must not have control characters in it",
    r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$": "must be one line, without control characters",
    r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$": "must not have control characters in it, but for tabs and line ends",
    r"^[^\x00]*$": _NO_NUL,
    r"\S": _SOME_TEXT,
    r"^[0-9a-f]{64}$": _A_SHA256,
    r"^[0-9a-f]{32}$": "must be a fingerprint: 32 hexadecimal digits in lower case",
    r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$": "must be a verb or resource_type.verb in a-z, 0-9 and _",
    r"^[a-z][a-z0-9_]*$": "must begin with a letter and go on in a-z, 0-9 and _",
    r"^[0-9A-Fa-f:.]{2,45}(%[0-9A-Za-z_.-]+)?$": "must be an IPv4 or IPv6 address",
    "^[0-7][0-9A-HJKMNP-TV-Z]{25}$": "must be a refId: a ULID of 26 characters",
    r"^[A-Za-z0-9][A-Za-z0-9_.-]*$": "must begin with a letter or digit and go on in A-Z, a-z, 0-9, _ . and -",
    r"^[A-Za-z][A-Za-z0-9_-]{0,31}$": "must be an HTTP method, such as GET",
    r"^[A-Za-z0-9!#$%&'*+.^_|~-]+$": "must be the name of a header: letters, digits and - _ .",
    r"^[A-Za-z0-9_-]+$": "must be a cursor, as an answer has it",
    r"^[\x20-\x7e]*$": "must be in printable ASCII",
    r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+){0,4}$": "must be a path in the data, such as resourceId or actor.id",
    r"^[^\x00-\x1f\x7f]*$": "must not have control characters in it",
    r"^[^\x00-\x1f\x7f:]+$": "must have neither control characters nor a colon in it",
    r"^[a-z0-9]+(-[a-z0-9]+)*$": "must be words of a-z and 0-9 with hyphens between them",
    r"^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$": "must be a version as v1.0",
    r"^(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])$": "must be a month as 2024-03",
}
_OF_A_NAME = "[key]"  # ends the places of errors in the names of an object's members
_ANY_PATTERN = "does not match its pattern in GET /v1/openapi.json"


def field_errors(exc: ValidationError) -> list[FieldError]:
    """Pydantic's findings as JSON pointers and sentences, without the wrong values and the names of credentials."""
    found = exc.errors(include_url=False, include_input=False)
    return [FieldError(_pointer(item["loc"]), sentence(item)) for item in found]


def _pointer(place: Iterable[int | str]) -> str:
    """The JSON pointer of a place, without the tags of unions in it; that of the member where its name is wrong."""
    parts = [part for part in map(str, place) if not part.startswith(UNION_TAG)]
    if parts and parts[-1] == _OF_A_NAME:
        parts.pop()
    return "".join(f"/{reference(part)}" for part in parts)


def sentence(error: ErrorDetails) -> str:
    """What to do about an error, without the wrong value; pydantic's text for types of error that are not listed."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], _ANY_PATTERN)
    if kind == "literal_error":
        return f"must be one of: {context['expected'].replace(' or ', ', ').replace("'", '')}"
    if context.get("min_length") == 1:
        return "must not be empty"
    return _SENTENCES[kind].format(**context) if kind in _SENTENCES else error["msg"]

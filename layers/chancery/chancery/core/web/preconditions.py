"""Conditional requests (RFC 9110 section 13): entity tags, If-Match before a change, If-None-Match before a read."""

import re
from collections.abc import Mapping

from chancery.core.errors import PreconditionFailed, PreconditionRequired

_ENTITY_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_ANY = "*"


def etag_of(version: int | str) -> str:
    """The strong entity tag of a version: two answers with the same one are the same, byte for byte."""
    return f'"{version}"'


def require_match(headers: Mapping[str, str], current: str) -> None:
    """Lets a change of what has the tag `current` pass, where If-Match names it or is `*`; headers in lower case.

    Raises PreconditionRequired without the header, PreconditionFailed where it names others: tags are compared
    strongly, so a weak one never matches (section 13.1.1).
    """
    given = headers.get("if-match")
    if given is None:
        raise PreconditionRequired("Send If-Match with the ETag of the version that you have read and mean to change.")
    strong = {tag for weak, tag in _ENTITY_TAG.findall(given) if not weak}
    if given.strip() != _ANY and current not in strong:
        raise changed_meanwhile()


def changed_meanwhile() -> PreconditionFailed:
    """The error of a change that comes too late."""
    return PreconditionFailed("It has been changed since you read it. Read it again, and send If-Match with its ETag.")


def is_known(headers: Mapping[str, str], current: str) -> bool:
    """Whether the caller has the representation `current` already (If-None-Match, compared weakly): answer 304."""
    given = headers.get("if-none-match", "")
    return given.strip() == _ANY or current in {tag for _, tag in _ENTITY_TAG.findall(given)}

"""URLs as they are shown: many have a credential in their path or query, which is never shown."""

import re
from urllib.parse import unquote

from chancery.core.redaction import REDACTED, Detector, redact

_MOST_WORDS = 7
_WORD = re.compile(
    r"[A-Z]{1,6}|[a-z]{1,16}|[vV]?[0-9]{1,4}|(?:[A-Z][a-z]{2,15}){1,4}|[a-z]{2,15}(?:[A-Z][a-z]{2,15}){1,3}"
)


def shown_url(url: str, using: Detector) -> str:
    """A URL without the values of its query, and without the parts of its path that are no words.

    `https://hooks.slack.com/services/T0AB12CD3/B0/x1Y2` is `https://hooks.slack.com/services/[REDACTED]/...`.
    """
    place, mark, query = url.partition("?")
    scheme, slashes, rest = place.partition("://")
    host, *segments = rest.split("/")
    shown = "/".join([host, *(segment if _is_plain(segment) else REDACTED for segment in segments)])
    if mark:
        names = (pair.partition("=") for pair in query.split("&"))
        shown += "?" + "&".join(f"{name if _is_plain(name) else REDACTED}{sign}{REDACTED}" for name, sign, _ in names)
    clean = redact({"url": f"{scheme}{slashes}{shown}"}, using=using)
    return str(clean["url"])


def _is_plain(segment: str) -> bool:
    words = re.split(r"[-_.]", unquote(segment))
    return not segment or (len(words) <= _MOST_WORDS and all(_WORD.fullmatch(word) for word in words))

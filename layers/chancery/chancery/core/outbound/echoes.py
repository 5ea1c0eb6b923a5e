"""Credentials that a system repeats in its answer, as services for debugging do: redacted before anybody reads it."""

from collections.abc import Sequence
from typing import NamedTuple, Self
from urllib.parse import quote, quote_plus

import orjson

from chancery.core.redaction import REDACTED

_SHORTEST = 6  # characters; a shorter value would be found in what is no secret


class Echoes(NamedTuple):
    """Finds the credentials of a request, in each form that they take in it and in JSON. `forms`: the longest first."""

    forms: Sequence[str] = ()

    @classmethod
    def of(cls, *secrets: str) -> Self:
        """Of secrets, tokens and values of headers, of which a scheme such as Bearer is no part; each may be empty."""
        forms = set[str]()
        for value in {part for secret in secrets for part in (secret, secret.partition(" ")[2])}:
            if len(value) >= _SHORTEST:
                forms |= {
                    value,
                    quote(value),
                    quote(value, safe=""),
                    quote_plus(value),
                    orjson.dumps(value).decode()[1:-1],
                }
        return cls(sorted(forms, key=len, reverse=True))

    def redacted(self, text: str) -> str:
        """A text without credentials."""
        for form in self.forms:
            text = text.replace(form, REDACTED)
        return text

    def redacted_headers(self, headers: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
        """Headers without credentials."""
        return [(name, self.redacted(value)) for name, value in headers] if self.forms else headers

    def redacted_body(self, body: bytes) -> bytes:
        """A body without credentials."""
        for form in self.forms:
            body = body.replace(form.encode(), REDACTED.encode())
        return body

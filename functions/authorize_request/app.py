"""The authorizer of the REST API and of the live tail: checks an OIDC access token and hands the principal on."""

from functools import cache
from typing import Any

from chancery.core.identity.authorizer import authorize
from chancery.core.identity.tokens import OidcSettings, TokenVerifier
from chancery.core.observability import instrument
from chancery.core.settings import load


@cache
def verifier() -> TokenVerifier:
    return TokenVerifier(load(OidcSettings))


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return authorize(verifier(), event)

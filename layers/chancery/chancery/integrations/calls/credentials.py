"""Adds a system's credentials to a request: secrets of Secrets Manager and tokens of OAuth 2.0, cached briefly."""

import base64
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

import orjson

from chancery.core.outbound.client import Limits, OutboundClient, OutboundRequest, OutboundResponse
from chancery.core.outbound.echoes import Echoes
from chancery.core.outbound.errors import TextInvalid
from chancery.core.redaction import REDACTED
from chancery.integrations.calls.requests import Unsendable
from chancery.integrations.registry.authentication import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    BearerAuthentication,
    ClientCredentials,
    NoAuthentication,
    SecretReference,
    is_secret_of,
)
from chancery.integrations.registry.models import Target
from chancery.integrations.registry.requests import PreparedRequest, merged

_SECRET_SECONDS = 300
_TOKEN_SECONDS = 300  # of a token without `expires_in`
_MARGIN_SECONDS = 30
_NEW_SECONDS = 60  # what was made since is not outdated, but wrong
_LARGEST_TOKEN = 65_536  # bytes of a token endpoint's answer
_MOST = 1000  # secrets and tokens


class TokenRefused(Unsendable):
    """The token endpoint gave no token. `status`: of its answer; `is_passing`: whether a later attempt may get one."""

    def __init__(self, detail: str, *, is_passing: bool) -> None:
        super().__init__("token_refused", detail)
        self.is_passing = is_passing


class _Cached(NamedTuple):
    value: str
    made: float
    until: float


class Credentials:
    """Adds credentials. `read_secret`: the text of a secret by its ARN; raises Unavailable."""

    def __init__(
        self,
        client: OutboundClient,
        read_secret: Callable[[str], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._read_secret = read_secret
        self._monotonic = monotonic
        self._cached: dict[tuple[str, str], _Cached] = {}

    def add(self, target: Target, prepared: PreparedRequest, limits: Limits) -> tuple[OutboundRequest, Echoes]:
        """The request with the system's credentials, and what finds these in its answer.

        Raises Unsendable, OutboundError, Unavailable.
        """
        secret = self._value(target, limits)
        header, parameter = _parts(target.system.auth, secret)
        url = prepared.url
        if parameter:
            url += ("&" if "?" in url else "?") + urlencode([parameter])
        headers = list(merged(prepared.headers, dict([header] if header else ())).items())
        request = OutboundRequest(prepared.method, url, headers, prepared.body or b"")
        return request, Echoes.of(secret, header[1] if header else "")

    def forget(self, target: Target) -> bool:
        """Drops what is cached for a system that has refused it; whether another attempt may have something newer."""
        auth = target.system.auth
        if isinstance(auth, NoAuthentication):
            return False
        keys = [("secret", auth.secret_arn)]
        if isinstance(auth, ClientCredentials):
            keys.append(("token", _token_key(target, auth)))
        dropped = [found for key in keys if (found := self._cached.pop(key, None))]
        return any(self._monotonic() - found.made > _NEW_SECONDS for found in dropped)

    def _value(self, target: Target, limits: Limits) -> str:
        """The secret or token that a request carries; empty for none."""
        match target.system.auth:
            case NoAuthentication():
                return ""
            case ClientCredentials() as auth:
                return self._token(target, auth, limits)
            case auth:
                return self._secret(target, auth)

    def _secret(self, target: Target, reference: SecretReference) -> str:
        if not is_secret_of(target.system.tenant_id, reference.secret_arn):
            raise Unsendable("secret_refused", "The secret of the system is not one of its tenant's.")
        arn = reference.secret_arn
        text = self._once(("secret", arn), lambda: (self._read_secret(arn), _SECRET_SECONDS))
        if reference.secret_member is None:
            return _one_line(text)
        try:
            member = orjson.loads(text)[reference.secret_member]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise Unsendable("secret_unusable", "The secret of the system has no such member.") from None
        return _one_line(member if isinstance(member, str) else "")

    def _token(self, target: Target, auth: ClientCredentials, limits: Limits) -> str:
        def request() -> tuple[str, float]:
            secret = self._secret(target, auth)
            answer = self._client.send(_token_request(auth, secret), limits._replace(body_bytes=_LARGEST_TOKEN))
            return _read_token(answer)

        return self._once(("token", _token_key(target, auth)), request)

    def _once(self, key: tuple[str, str], make: Callable[[], tuple[str, float]]) -> str:
        found = self._cached.get(key)
        if found and found.until > self._monotonic():
            return found.value
        value, seconds = make()
        if len(self._cached) >= _MOST:
            self._cached.clear()
        self._cached[key] = _Cached(value, self._monotonic(), self._monotonic() + seconds)
        return value


def as_logged(target: Target, prepared: PreparedRequest) -> PreparedRequest:
    """The request as the exchange log has it: with the places of credentials, and not their values."""
    auth = target.system.auth
    if isinstance(auth, NoAuthentication):
        return prepared
    if isinstance(auth, ApiKeyAuthentication) and auth.placement == "query":
        mark = "&" if "?" in prepared.url else "?"
        return prepared._replace(url=f"{prepared.url}{mark}{quote_plus(auth.parameter)}={REDACTED}")
    name = auth.parameter if isinstance(auth, ApiKeyAuthentication) else "Authorization"
    return prepared._replace(headers=merged(prepared.headers, {name: REDACTED}))


def _parts(auth: Authentication, secret: str) -> tuple[tuple[str, str] | None, tuple[str, str] | None]:
    """The header and the parameter of the query with a secret or token."""
    match auth:
        case NoAuthentication():
            return None, None
        case BearerAuthentication() | ClientCredentials():
            return ("Authorization", f"Bearer {secret}"), None
        case BasicAuthentication():
            return ("Authorization", _basic(auth.username, secret)), None
        case ApiKeyAuthentication():
            pair = (auth.parameter, auth.prefix + secret)
            return (pair, None) if auth.placement == "header" else (None, pair)


def _basic(username: str, secret: str) -> str:
    """RFC 7617 section 2."""
    return "Basic " + base64.b64encode(f"{username}:{secret}".encode()).decode()


def _one_line(secret: str) -> str:
    secret = secret.strip()
    if not secret or not secret.isprintable():
        raise Unsendable("secret_unusable", "The secret of the system is empty, or more than a line of text.")
    return secret


def _token_key(target: Target, auth: ClientCredentials) -> str:
    system = target.system
    return f"{system.tenant_id}/{system.ref_id}/{system.version}/{auth.client_id}"


def _token_request(auth: ClientCredentials, secret: str) -> OutboundRequest:
    """RFC 6749 sections 2.3.1 and 4.4.2."""
    form = {"grant_type": "client_credentials", "scope": auth.scope, "audience": auth.audience}
    headers = [("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")]
    if auth.client_authentication == "basic":
        headers.append(("Authorization", _basic(quote_plus(auth.client_id), quote_plus(secret))))
    else:
        form |= {"client_id": auth.client_id, "client_secret": secret}
    body = urlencode({name: value for name, value in form.items() if value is not None}).encode()
    return OutboundRequest("POST", auth.token_url, headers, body)


def _read_token(answer: OutboundResponse) -> tuple[str, float]:
    """The access token, and the seconds for which it may be used (RFC 6749 section 5.1). Raises TokenRefused."""
    if answer.status != 200:
        is_passing = answer.status == 429 or answer.status >= 500
        raise TokenRefused(f"The token endpoint answered with the status {answer.status}.", is_passing=is_passing)
    try:
        given: Any = orjson.loads(answer.text())
        token, kind = given["access_token"], given.get("token_type", "bearer")
        seconds = float(given.get("expires_in", _TOKEN_SECONDS))
    except (orjson.JSONDecodeError, TextInvalid, KeyError, TypeError, ValueError, AttributeError):
        raise TokenRefused("The token endpoint's answer has no token.", is_passing=False) from None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or str(kind).lower() != "bearer":
        raise TokenRefused("The token endpoint's answer has no bearer token.", is_passing=False)
    return token, max(0.0, min(seconds, 86_400.0) - _MARGIN_SECONDS)

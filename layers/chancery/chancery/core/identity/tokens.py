"""OIDC access tokens: from `Authorization: Bearer <JWT>` to a principal, by the issuer's published keys."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jwt

from chancery.core.errors import Unauthenticated, Unavailable
from chancery.core.formats.identifiers import OWN_SUBJECT, RESERVED_TENANTS, identifier_of
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]  # no shared secrets, never "none"
_KEYS_LIFESPAN = 600  # seconds
_LONGEST_NAME = 500  # characters
_TYPES = ("jwt", "at+jwt")  # of the header; an absent one is JWT
_CLAIMED_TYPES = {"access": ("", "Bearer"), "id": ("", "ID")}  # Keycloak's claim `typ`, by the use of the token
_LEEWAY = 30  # seconds of clock difference


class OidcSettings(NamedTuple):
    """The issuer and where in its tokens role and tenants stand (Cognito: `custom:role`, `custom:tenants`)."""

    oidc_issuer: str
    oidc_audience: str
    oidc_jwks_uri: str = ""
    role_claim: str = "role"
    tenants_claim: str = "tenants"
    token_use: str = "access"  # noqa: S105 (or `id`, for Cognito's ID tokens)


class SubjectReserved(ValueError):
    """The subject is Chancery's own name, by which records of its own are told from those of callers."""


class VerifiedToken(NamedTuple):
    """Whose a token is, and until when it holds: seconds since 1970."""

    principal: Principal
    expires_on: int


@dataclass(slots=True)
class TokenVerifier:
    """Verifies tokens; keys are fetched once in ten minutes, and again when a token names an unknown one."""

    settings: OidcSettings
    _keys: jwt.PyJWKClient | None = field(default=None, init=False)

    def verify(self, authorization: str) -> VerifiedToken:
        """The token of an `Authorization` header. Raises Unauthenticated with its cause, and Unavailable."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("Send an access token: Authorization: Bearer <token>.")
        try:
            key = self._key_client().get_signing_key_from_jwt(token)
            decoded = jwt.decode_complete(
                token,
                key,
                algorithms=_ALGORITHMS,
                issuer=self.settings.oidc_issuer,
                audience=self.settings.oidc_audience,
                leeway=_LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            self._check_kind(decoded["header"], decoded["payload"])
            return VerifiedToken(self._principal(decoded["payload"]), int(decoded["payload"]["exp"]))
        except jwt.PyJWKClientConnectionError as exc:
            raise Unavailable("The token issuer does not answer; try again.") from exc
        except (jwt.PyJWTError, ValueError, KeyError) as exc:
            raise Unauthenticated("The access token does not hold; get a new one.") from exc

    def _check_kind(self, header: dict[str, Any], claims: dict[str, Any]) -> None:
        """Raises ValueError for a token that its issuer has signed for another use, where it says so.

        RFC 9068 section 2.1 and RFC 8725 section 3.11 (header `typ`), Cognito (`token_use`), Keycloak (claim `typ`).
        """
        use = self.settings.token_use
        if str(header.get("typ", "JWT")).lower().removeprefix("application/") not in _TYPES:
            raise ValueError("typ")
        if claims.get("token_use", use) != use or claims.get("typ", "") not in _CLAIMED_TYPES[use]:
            raise ValueError("token_use")

    def _principal(self, claims: dict[str, Any]) -> Principal:
        """Raises ValueError and KeyError where the claims are not those of a principal."""
        role, tenants = Role(claims[self.settings.role_claim]), _tenants(claims.get(self.settings.tenants_claim))
        subject, name = identifier_of(claims["sub"]), claims.get("name")
        if subject.casefold() == OWN_SUBJECT:
            raise SubjectReserved
        own = tenants[:1] if role is Role.USER else tenants  # a user has one tenant
        return Principal(subject, role, own, _shown(name) if isinstance(name, str) else None)

    def _key_client(self) -> jwt.PyJWKClient:
        if self._keys is None:
            issuer = self.settings.oidc_issuer.rstrip("/")
            uri = self.settings.oidc_jwks_uri or f"{issuer}/.well-known/jwks.json"
            self._keys = jwt.PyJWKClient(uri, lifespan=_KEYS_LIFESPAN, timeout=5)
        return self._keys


def claimed_subject(token: str) -> str | None:
    """The subject that a token claims, unverified; None where it claims none."""
    try:
        return identifier_of(jwt.decode(token, options={"verify_signature": False})["sub"])
    except (jwt.PyJWTError, ValueError, KeyError, TypeError):
        return None


def _tenants(claim: Any) -> tuple[str, ...]:
    listed = claim.replace(",", " ").split() if isinstance(claim, str) else claim or []
    if not isinstance(listed, list):
        raise ValueError("tenants")
    tenants = tuple(map(identifier_of, listed))
    if RESERVED_TENANTS & {tenant.casefold() for tenant in tenants}:
        raise ValueError("tenants")
    return tenants


def _shown(name: str) -> str | None:
    return "".join(filter(str.isprintable, name))[:_LONGEST_NAME] or None

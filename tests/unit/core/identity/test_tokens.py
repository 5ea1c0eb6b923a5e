"""Access tokens, against an issuer that really serves its keys."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from chancery.cli.tokens import LocalIssuer
from chancery.core.errors import Unauthenticated, Unavailable
from chancery.core.identity.roles import Role
from chancery.core.identity.tokens import OidcSettings, SubjectReserved, TokenVerifier


@cache
def another_key() -> rsa.RSAPrivateKey:
    """A key that is not the issuer's."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_a_good_token_becomes_the_principal_it_describes(issuer, verifier):
    token = issuer.mint("dm_user", ["acme", "globex"], subject="sarah", name="Sarah")

    principal = verifier.verify(f"Bearer {token}").principal

    assert (principal.subject, principal.role, principal.name) == ("sarah", Role.DM_USER, "Sarah")
    assert principal.tenants == ("acme", "globex")


def test_a_user_has_one_tenant_and_a_printable_name(issuer, verifier):
    token = issuer.mint("user", ["acme", "globex"], subject="s" * 255, name="Sa\0rah" + "h" * 600)

    principal = verifier.verify(f"Bearer {token}").principal

    assert (principal.tenants, len(principal.subject)) == (("acme",), 255)
    assert principal.name == "Sarah" + "h" * 495


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"token_use": "access"}, {}),
        ({"typ": "Bearer"}, {}),
        ({}, {"typ": "at+jwt"}),
        ({}, {"typ": "application/AT+JWT"}),
    ],
)
def test_a_token_that_says_that_it_is_an_access_token_is_taken(issuer, verifier, claims, header):
    assert verifier.verify(f"Bearer {signed(issuer, good(issuer) | claims, **header)}").principal.subject == "s"


def test_a_deployment_may_take_id_tokens_instead(issuer):
    verifier = TokenVerifier(OidcSettings(issuer.issuer, issuer.audience, token_use="id"))

    token = signed(issuer, good(issuer) | {"token_use": "id", "typ": "ID"})
    assert verifier.verify(f"Bearer {token}").principal.subject == "s"
    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {signed(issuer, good(issuer) | {'token_use': 'access'})}")


def test_subject_and_tenants_are_in_nfc(issuer, verifier):
    token = signed(issuer, good(issuer) | {"sub": "zoe\u0308", "tenants": ["cafe\u0301", "null-and-void"]})

    principal = verifier.verify(f"Bearer {token}").principal

    assert (principal.subject, principal.tenants) == ("zo\u00eb", ("caf\u00e9",))


def good(issuer: LocalIssuer) -> dict[str, Any]:
    """Claims without a flaw."""
    return {"iss": issuer.issuer, "aud": "chancery", "sub": "s", "exp": 4102444800, "role": "user", "tenants": ["acme"]}


def without(claim: str, issuer: LocalIssuer) -> dict[str, Any]:
    return {name: value for name, value in good(issuer).items() if name != claim}


@cache
def loaded(pem: bytes) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def signed(issuer: LocalIssuer, claims: dict[str, Any], private: rsa.RSAPrivateKey | None = None, **header: str) -> str:
    private = private or loaded(issuer.private_key)
    return jwt.encode(claims, private, algorithm="RS256", headers={"kid": "k1", **header})


FLAWS: dict[str, Callable[[LocalIssuer], str]] = {
    "expired": lambda issuer: issuer.mint("user", ["acme"], subject="s", lifetime=timedelta(hours=-1)),
    "another audience": lambda issuer: signed(issuer, good(issuer) | {"aud": "other"}),
    "another issuer": lambda issuer: signed(issuer, good(issuer) | {"iss": "https://evil.example"}),
    "no expiry": lambda issuer: signed(issuer, without("exp", issuer)),
    "no subject": lambda issuer: signed(issuer, without("sub", issuer)),
    "no role": lambda issuer: signed(issuer, without("role", issuer)),
    "an unknown role": lambda issuer: signed(issuer, good(issuer) | {"role": "root"}),
    "a list of roles": lambda issuer: signed(issuer, good(issuer) | {"role": ["user"]}),
    "Chancery's own subject": lambda issuer: signed(issuer, good(issuer) | {"sub": "chancery"}),
    "Chancery's own subject in capitals": lambda issuer: signed(issuer, good(issuer) | {"sub": "Chancery"}),
    "a card number for a subject": lambda issuer: signed(issuer, good(issuer) | {"sub": "4111111111111111"}),
    "an empty subject": lambda issuer: signed(issuer, good(issuer) | {"sub": ""}),
    "too long a subject": lambda issuer: signed(issuer, good(issuer) | {"sub": "x" * 256}),
    "a subject on two lines": lambda issuer: signed(issuer, good(issuer) | {"sub": "a\nb"}),
    "an invisible character in the subject": lambda issuer: signed(issuer, good(issuer) | {"sub": "sa\u200brah"}),
    "half a surrogate pair": lambda issuer: signed(issuer, good(issuer) | {"sub": "sarah\ud83d"}),
    "a direction override in a tenant": lambda issuer: signed(issuer, good(issuer) | {"tenants": ["ac\u202eme"]}),
    "the platform's tenant": lambda issuer: signed(issuer, good(issuer) | {"tenants": ["acme", "null"]}),
    "the tenant of all": lambda issuer: signed(issuer, good(issuer) | {"tenants": "global"}),
    "a reserved tenant in capitals": lambda issuer: signed(issuer, good(issuer) | {"tenants": ["Platform"]}),
    "every tenant": lambda issuer: signed(issuer, good(issuer) | {"tenants": ["*"]}),
    "an ID token of Cognito": lambda issuer: signed(issuer, good(issuer) | {"token_use": "id"}),
    "an ID token of Keycloak": lambda issuer: signed(issuer, good(issuer) | {"typ": "ID"}),
    "a refresh token": lambda issuer: signed(issuer, good(issuer) | {"typ": "Refresh"}),
    "a logout token": lambda issuer: signed(issuer, good(issuer), typ="logout+jwt"),
    "a proof of possession": lambda issuer: signed(issuer, good(issuer), typ="dpop+jwt"),
    "a type that is no text": lambda issuer: signed(issuer, good(issuer) | {"typ": {}, "token_use": []}),
    "a number of tenants": lambda issuer: signed(issuer, good(issuer) | {"tenants": 5}),
    "tenants by name": lambda issuer: signed(issuer, good(issuer) | {"tenants": {"acme": 1}}),
    "no tenant in a list": lambda issuer: signed(issuer, good(issuer) | {"tenants": [None]}),
    "an empty tenant": lambda issuer: signed(issuer, good(issuer) | {"tenants": [""]}),
    "a forged signature": lambda issuer: signed(issuer, good(issuer), another_key()),
    "an unknown key": lambda issuer: signed(issuer, good(issuer), another_key(), kid="k2"),
    "no signature": lambda issuer: jwt.encode(good(issuer), None, algorithm="none", headers={"kid": "k1"}),
    "a shared secret": lambda issuer: jwt.encode(good(issuer), "s" * 64, algorithm="HS256", headers={"kid": "k1"}),
    "garbage": lambda _: "nope",
    "nothing": lambda _: "",
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_token_with_a_flaw_is_refused_without_saying_which(flaw, issuer, verifier):
    token = FLAWS[flaw](issuer)

    with pytest.raises(Unauthenticated) as refused:
        verifier.verify(f"Bearer {token}")

    assert refused.value.detail == "The access token does not hold; get a new one."


@pytest.mark.parametrize("subject", ["chancery", "CHANCERY"])
def test_the_reserved_subject_is_the_cause_of_a_refusal(subject, issuer, verifier):
    with pytest.raises(Unauthenticated) as refused:
        verifier.verify(f"Bearer {signed(issuer, good(issuer) | {'sub': subject})}")

    assert isinstance(refused.value.__cause__, SubjectReserved)


@pytest.mark.parametrize("subject", ["chancery-bot", "svc:chancery", "chanceryx"])
def test_a_subject_that_only_has_the_reserved_one_in_it_is_another(subject, issuer, verifier):
    token = signed(issuer, good(issuer) | {"sub": subject})

    assert verifier.verify(f"Bearer {token}").principal.subject == subject


def test_another_scheme_is_refused(issuer, verifier):
    with pytest.raises(Unauthenticated, match="Bearer"):
        verifier.verify(f"Basic {issuer.mint('user', ['acme'], subject='s')}")


def test_an_unavailable_issuer_raises_unavailable(issuer):
    verifier = TokenVerifier(OidcSettings(issuer.issuer, "chancery", "http://127.0.0.1:9/keys"))

    with pytest.raises(Unavailable):
        verifier.verify(f"Bearer {issuer.mint('user', ['acme'], subject='s')}")

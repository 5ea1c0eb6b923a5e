"""Tokens that are no tokens: forged, altered, expired, of another issuer, audience or kind."""

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import cycle
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from chancery.core.identity.roles import Role
from chancery.wiring.routes import ROUTES
from tests.attack.probe import Probe, refused
from tests.attack.target import Target, headers_of

_DAY = timedelta(days=1)
# What the issuer's own key has signed for another use: RFC 8725 section 3.11, RFC 9068, RFC 9449, Keycloak, Cognito.
_TYPES: tuple[Any, ...] = ("logout+jwt", "dpop+jwt", "id+jwt", "application/json", "JWT ", "", 7, ["JWT"], {}, None)
_HEADS: tuple[tuple[str, dict[str, Any]], ...] = tuple(
    (f"typ {value!r} in the header", {"typ": value}) for value in _TYPES
)
_TOKEN_USES: tuple[Any, ...] = ("id", "refresh", "ACCESS", "access ", "", 1, True, ["access"], {"$ne": "id"})
_CLAIMED_TYPES: tuple[Any, ...] = ("ID", "Refresh", "Offline", "Logout", "bearer", "Bearer ", 1, ["Bearer"], {})
_USES = (*(("token_use", use) for use in _TOKEN_USES), *(("typ", kind) for kind in _CLAIMED_TYPES))


def probes(target: Target) -> Iterator[Probe]:
    """Every route without a token and with an altered one; every forgery at a route, in turn."""
    closed = [route for route in ROUTES if not route.open]
    altered = _altered(target, role=Role.SUPER_ADMIN)
    forgeries = [*_forgeries(target)]
    requests = [(route, name, text) for route in closed for name, text in (("none", None), ("altered", altered))]
    requests += [(route, name, text) for route, (name, text) in zip(cycle(closed), forgeries, strict=False)]
    for route, name, text in requests:
        yield Probe(route, name, target.path(route), refused(401), text, headers_of(route), target.body(route))


def _forgeries(target: Target) -> Iterator[tuple[str, str]]:
    claims, now = target.claims(), datetime.now(UTC)
    whole = target.token(Role.USER)
    head, payload, signature = whole.split(".")
    yield "alg none", f"{_part({'alg': 'none', 'typ': 'JWT'})}.{payload}."
    yield "alg None", f"{_part({'alg': 'None'})}.{payload}."
    yield "alg none, signed", f"{_part({'alg': 'none'})}.{payload}.{signature}"
    yield "alg missing", f"{_part({'typ': 'JWT'})}.{payload}.{signature}"
    yield "alg empty", f"{_part({'alg': ''})}.{payload}.{signature}"
    yield "without signature", f"{head}.{payload}."
    yield "two parts", f"{head}.{payload}"
    yield "four parts", f"{whole}.{signature}"
    yield "empty", ""
    yield "garbage", "garbage"
    yield "dots", ".."
    yield "cut", whole[:-4]
    yield "signature of zeros", f"{head}.{payload}.{_encoded(bytes(256))}"
    yield "twice", f"{whole} {whole}"
    yield "in quotes", f'"{whole}"'
    yield "a million bits", "a" * 7000
    yield "HS256 by the public key", _by_the_public_key(target, claims)
    yield from _by_other_keys(target, claims)
    for name, changes in _claims(now):
        yield name, _signed(target, {key: value for key, value in {**claims, **changes}.items() if value is not None})
    for name, header in _HEADS:
        yield name, _signed(target, claims, **header)


def _claims(now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """Changes of valid claims, which the issuer's own key has signed; None leaves a claim out."""
    yield "expired", {"exp": now - timedelta(minutes=5)}
    yield "expired long ago", {"exp": 1}
    yield "not valid yet", {"nbf": now + _DAY}
    yield "exp as text", {"exp": "tomorrow"}
    yield "other audience", {"aud": "another"}
    yield "audiences without ours", {"aud": ["another", "chancery2"]}
    yield "audience in another case", {"aud": "CHANCERY"}
    yield "other issuer", {"iss": "https://issuer.example"}
    for name, use in _USES:
        yield f"{name} {use!r}", {name: use}
    yield "issuer with a slash more", {"iss": "http://127.0.0.1:4566/chancery-local-issuer/"}
    for name in ("exp", "iss", "aud", "sub", "role"):
        yield f"without {name}", {name: None}
    for role in ("root", "SUPER_ADMIN", "super_admin ", "", ["super_admin"], {"$ne": "user"}, 1, True):
        yield f"role {role!r}", {"role": role}
    for subject in ("", 7, ["a"], {"$gt": ""}, "a" * 10_000, "a\n", "\x00"):
        yield f"sub {str(subject)[:10]!r}", {"sub": subject}
    for tenants in ({"$gt": ""}, [{"$gt": ""}], [None], [7], [""], ["acme", "\x00"], 7, ["a" * 10_000]):
        yield f"tenants {str(tenants)[:20]!r}", {"tenants": tenants}


def _by_other_keys(target: Target, claims: dict[str, Any]) -> Iterator[tuple[str, str]]:
    other, curve = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    own = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(other.public_key()))
    kid = target.issuer.kid
    for name, head in (
        ("another key under the same kid", {"kid": kid}),
        ("another key without a kid", {}),
        ("an unknown kid", {"kid": "unknown"}),
        ("a kid that is a path", {"kid": "../../../../dev/null"}),
        ("a kid that is an operator", {"kid": "' or '1'='1"}),
        ("a key in the token", {"kid": kid, "jwk": own}),
        ("a key set of the attacker's", {"kid": kid, "jku": "http://127.0.0.1:1/jwks.json"}),
        ("a certificate of the attacker's", {"kid": kid, "x5u": "http://127.0.0.1:1/cert.pem"}),
        ("a critical header", {"kid": kid, "crit": ["b64"], "b64": False}),
    ):
        yield name, jwt.encode(claims, other, algorithm="RS256", headers=head)
    yield "ES256 under an RSA kid", jwt.encode(claims, curve, algorithm="ES256", headers={"kid": kid})


def _by_the_public_key(target: Target, claims: dict[str, Any]) -> str:
    """The confusion of RS256 with HS256: the public key is the secret."""
    private = serialization.load_pem_private_key(target.issuer.private_key, None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = f"{_part({'alg': 'HS256', 'kid': target.issuer.kid})}.{_part(claims)}"
    return f"{text}.{_encoded(hmac.digest(public, text.encode(), sha256))}"


def _altered(target: Target, **changes: Any) -> str:
    """A valid token with other claims under its signature."""
    head, _, signature = target.token(Role.USER).split(".")
    return f"{head}.{_part({**target.claims(), **changes})}.{signature}"


def _signed(target: Target, claims: dict[str, Any], **head: Any) -> str:
    """Any claims under any header, signed by the issuer's key: PyJWT would refuse some."""
    algorithm = jwt.get_algorithm_by_name("RS256")
    whole = {name: int(value.timestamp()) if isinstance(value, datetime) else value for name, value in claims.items()}
    text = f"{_part({'alg': 'RS256', 'kid': target.issuer.kid, **head})}.{_part(whole)}"
    key = algorithm.prepare_key(target.issuer.private_key.decode())
    return f"{text}.{_encoded(algorithm.sign(text.encode(), key))}"


def _part(value: Any) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

"""An issuer that really serves its keys."""

import json
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from chancery.cli.tokens import LocalIssuer
from chancery.core.identity.tokens import OidcSettings, TokenVerifier
from tests.http_server import QuietHandler, serving


@pytest.fixture(scope="session")
def issuer() -> Iterator[LocalIssuer]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "k1", "use": "sig"}
    body = json.dumps({"keys": [public]}).encode()

    class Keys(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802
            self.respond(200, body)

    with serving(Keys) as url:
        yield LocalIssuer(url, "chancery", "k1", _pem(key))


@pytest.fixture
def verifier(issuer: LocalIssuer) -> TokenVerifier:
    return TokenVerifier(OidcSettings(issuer.issuer, issuer.audience))


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    encryption = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

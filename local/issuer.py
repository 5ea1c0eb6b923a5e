"""An OIDC issuer for a laptop: a key made at first start, its public half served by the emulator's S3."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from chancery.cli.tokens import LocalIssuer
from local.files import write_private
from local.settings import LocalSettings

BUCKET = "chancery-local-issuer"
AUDIENCE = "chancery"
TENANTS: dict[str, tuple[str, Sequence[str]]] = {
    "super_admin": ("super_admin", ()),
    "dm_user": ("dm_user", ("acme", "globex")),
    "user": ("user", ("acme",)),
    "auditor": ("auditor", ("acme",)),
    "producer": ("producer", ("acme",)),
    "other_tenant_user": ("user", ("globex",)),
}


def set_up(settings: LocalSettings, s3: Any, sign_in_url: str) -> LocalIssuer:
    """Makes the key on first use, publishes key set and configuration, and returns the issuer that mints tokens.

    `sign_in_url`: where people sign in; see `local.sign_in`.
    """
    folder = settings.folder / "oidc"
    key_file = folder / "private.pem"
    if not key_file.exists():
        _make_key(key_file)
    issuer_url = f"{settings.aws_endpoint_url}/{BUCKET}"
    jwk = _public_key(key_file)
    described = {"issuer": issuer_url, "audience": AUDIENCE, "kid": jwk["kid"]}
    (folder / "issuer.json").write_text(json.dumps(described))
    _publish(s3, issuer_url, jwk, sign_in_url)
    return LocalIssuer.load(folder)


def demo_tokens(issuer: LocalIssuer) -> dict[str, str]:
    """A token of a day for each demo caller."""
    return {name: issuer.mint(role, tenants, subject=f"{name}-demo") for name, (role, tenants) in TENANTS.items()}


def _make_key(path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(path, pem.decode())


def _public_key(key_file: Path) -> dict[str, Any]:
    """The public key as a JWK; its `kid` is its own, so that a new key is fetched and not looked up by an old name."""
    private = serialization.load_pem_private_key(key_file.read_bytes(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    key = json.loads(RSAAlgorithm.to_jwk(private.public_key()))
    return {**key, "kid": sha256(key["n"].encode()).hexdigest()[:16], "use": "sig", "alg": "RS256"}


def _publish(s3: Any, issuer_url: str, key: dict[str, Any], sign_in_url: str) -> None:
    configuration = {  # OpenID Connect Discovery 1.0 section 3
        "issuer": issuer_url,
        "jwks_uri": f"{issuer_url}/.well-known/jwks.json",
        "authorization_endpoint": f"{sign_in_url}/authorize",
        "token_endpoint": f"{sign_in_url}/token",
        "end_session_endpoint": f"{sign_in_url}/sign-out",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
    }
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET)
    s3.delete_public_access_block(Bucket=BUCKET)
    everybody_may_read = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
        ],
    }
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(everybody_may_read))
    for name, document in (("jwks.json", {"keys": [key]}), ("openid-configuration", configuration)):
        s3.put_object(
            Bucket=BUCKET, Key=f".well-known/{name}", Body=json.dumps(document), ContentType="application/json"
        )

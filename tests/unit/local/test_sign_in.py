"""The local issuer's sign-in: codes are for the viewer alone, used once, with the verifier of their request."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from chancery.cli.tokens import LocalIssuer
from local.issuer import TENANTS
from local.sign_in import SignIn

ENDPOINT = "http://127.0.0.1:4566"
VIEWER = f"{ENDPOINT}/_aws/execute-api/abc/local/viewer/"
VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
QUERY = {"client_id": "chancery-viewer", "redirect_uri": VIEWER, "state": "s-1", "code_challenge": CHALLENGE}


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def sign_in(key):
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return SignIn(LocalIssuer("http://issuer", "chancery", "k-1", pem), ENDPOINT)


def code_of(url):
    query = parse_qs(urlsplit(url).query)
    assert url.startswith(VIEWER)
    assert query["state"] == ["s-1"]
    return query["code"][0]


def form(code):
    return {"code": code, "code_verifier": VERIFIER, "redirect_uri": VIEWER}


@pytest.mark.parametrize("caller", TENANTS)
def test_a_code_gives_the_token_of_the_chosen_caller_once(sign_in, key, caller):
    code = code_of(sign_in.grant(caller, QUERY))

    token = sign_in.token(form(code))["access_token"]

    claims = jwt.decode(token, key.public_key(), ["RS256"], audience="chancery")
    assert (claims["role"], tuple(claims["tenants"])) == (TENANTS[caller][0], tuple(TENANTS[caller][1]))
    assert sign_in.token(form(code)) is None


@pytest.mark.parametrize(
    "changes", [{"code_verifier": "w" * 43}, {"code_verifier": ""}, {"redirect_uri": VIEWER + "x"}, {"code": "other"}]
)
def test_a_code_without_its_verifier_or_page_gives_nothing(sign_in, changes):
    code = code_of(sign_in.grant("user", QUERY))

    assert sign_in.token(form(code) | changes) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "other"},
        {"redirect_uri": "https://evil.example/viewer/"},
        {"redirect_uri": f"{ENDPOINT}.evil.example/_aws/execute-api/abc/local/viewer/"},
        {"redirect_uri": f"{ENDPOINT}/bucket/viewer/"},
        {"redirect_uri": ""},
    ],
)
def test_only_the_viewer_of_this_stack_gets_codes(sign_in, changes):
    assert sign_in.is_viewer(QUERY)
    assert not sign_in.is_viewer(QUERY | changes)

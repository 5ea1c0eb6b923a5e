"""The viewer's files through the real handler: what is served, how it is cached, and under which policy."""

import gzip
import json
import re
from base64 import b64decode, b64encode
from hashlib import sha384
from pathlib import Path

import pytest

from local.viewer import DIST
from tests.builders import http
from tests.fakes import LambdaContext

ISSUER = "https://sign-in.example.com/pool"


@pytest.fixture
def get(environment, load_function, monkeypatch):
    """Sends a request to the function: status, body as bytes, headers."""
    environment("reader")
    variables = {
        "OIDC_ISSUER": ISSUER,
        "LIVE_ENDPOINT": "https://live.example.com/stage",
        "VIEWER_CONNECT": "https://tokens.example.com",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"CHANCERY_{name}", value)

    def send(path, method="GET", **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = load_function("serve_viewer").handler(http(method, path, headers=sent), LambdaContext())
        body = b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
        return answer["statusCode"], body, {name: values[0] for name, values in answer["multiValueHeaders"].items()}

    return send


def assets(get):
    """The files that the page names, with the hashes that it demands of them."""
    _, page, _ = get("/viewer/")
    return re.findall(r'(?:src|href)="(assets/[^"]+)" integrity="([^"]+)"', page.decode())


def test_the_page_is_revalidated_and_what_it_names_is_cached_for_ever(get):
    status, _, headers = get("/viewer/")

    assert (status, headers["Cache-Control"]) == (200, "no-cache")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert len(assets(get)) >= 2
    for path, _ in assets(get):
        status, _, headers = get(f"/viewer/{path}")
        assert (status, headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
        assert headers["Content-Type"].startswith(("text/javascript", "text/css"))
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_every_script_and_style_has_the_hash_that_the_page_demands(get):
    _, page, _ = get("/viewer/")

    assert (
        re.findall(r"<(?:script|link rel=\"(?:stylesheet|modulepreload)\")(?![^>]*integrity)[^>]*>", page.decode())
        == []
    )
    for path, integrity in assets(get):
        _, body, _ = get(f"/viewer/{path}")
        assert integrity == "sha384-" + b64encode(sha384(body).digest()).decode()


def test_the_policy_allows_no_inline_code_and_connections_to_known_origins_only(get):
    _, page, headers = get("/viewer/")
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["connect-src"].split() == [
        "'self'",
        "https://sign-in.example.com",
        "wss://live.example.com",
        "https://tokens.example.com",
    ]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert b"<style" not in page
    assert re.findall(rb"<script(?![^>]*src=)", page) == []
    assert re.findall(rb"\son\w+=", page) == []


def test_a_browser_that_has_a_file_gets_304(get):
    for path in ("/viewer/", "/viewer/config.json", *(f"/viewer/{path}" for path, _ in assets(get))):
        _, _, first = get(path)

        status, body, headers = get(path, If_None_Match=f'"other", {first["ETag"]}')

        assert (status, body) == (304, b"")
        assert headers["ETag"] == first["ETag"]
        assert headers["Cache-Control"] == first["Cache-Control"]
        assert get(path, If_None_Match='"other"')[0] == 200


def test_files_are_compressed_for_those_who_take_it(get):
    for path, _ in assets(get):
        _, plain, headers = get(f"/viewer/{path}")
        _, packed, packed_headers = get(f"/viewer/{path}", Accept_Encoding="br, gzip")

        assert "Content-Encoding" not in headers
        assert packed_headers["Content-Encoding"] == "gzip"
        assert packed_headers["Vary"] == headers["Vary"] == "Accept-Encoding"
        assert gzip.decompress(packed) == plain


def test_head_has_the_headers_of_get_and_no_body(get):
    for path in ("/viewer/", "/viewer/config.json"):
        _, _, headers = get(path)
        assert get(path, "HEAD") == (200, b"", headers)


def test_a_path_without_its_slash_leads_to_the_page(get):
    status, _, headers = get("/viewer")

    assert (status, headers["Location"]) == (308, "viewer/")


@pytest.mark.parametrize(
    "name",
    [
        *("files.json", "first-page.json", "source", "index.html.gz", "assets", "assets/", "nothing.js"),
        *("../app.py", "assets/../../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", "//etc/passwd"),
        *("assets\\..\\..\\app.py", "index.html/", "INDEX.HTML", "index.html\0", "./index.html"),
    ],
)
def test_nothing_but_the_files_of_the_build_is_served(get, name):
    status, _, headers = get(f"/viewer/{name}")

    assert (status, headers["Content-Type"]) == (404, "application/problem+json")


def test_the_configuration_names_issuer_client_and_addresses_and_nothing_else(get):
    status, body, headers = get("/viewer/config.json")

    assert (status, headers["Cache-Control"]) == (200, "no-cache")
    assert json.loads(body) == {
        "issuer": ISSUER,
        "clientId": "chancery-viewer",
        "scope": "openid",
        "roleClaim": "role",
        "tenantsClaim": "tenants",
        "apiUrl": "../v1",
        "liveUrl": "wss://live.example.com/stage",
    }


def test_the_first_page_is_at_most_80_kb(get):
    sizes = json.loads((Path(DIST) / "first-page.json").read_text())

    assert {"index.html", *(path for path, _ in assets(get))} == set(sizes)
    assert sum(sizes.values()) <= 80_000, sizes

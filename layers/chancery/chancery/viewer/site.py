"""The files of the built viewer, as they are served: cached by their names' hashes, under a strict content policy.

Only names in the build's list are served, so no path of a request ever reaches the file system.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from chancery.core.errors import NotFound
from chancery.core.web.answers import JSON, Answer
from chancery.core.web.preconditions import etag_of, is_known
from chancery.core.web.request import Call, Request
from chancery.viewer.settings import ViewerSettings

INDEX = "index.html"
CONFIG = "config.json"
HASHED = "assets/"  # names in this folder hold a hash of their content
_REVALIDATED = "no-cache"
_IMMUTABLE = "public, max-age=31536000, immutable"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": JSON,
}


@dataclass(frozen=True)
class Site:
    """The viewer in `folder`, where the build has put it with `files.json`, the list of its files."""

    folder: Path
    settings: ViewerSettings

    def page(self, call: Call) -> Answer:
        """The page; without a slash at the path's end a redirect, since the page names its files relative to itself."""
        if not call.request.path.endswith("/"):
            return Answer(308, headers={"Location": "viewer/"})
        return self._answer(call.request, INDEX)

    def file(self, call: Call) -> Answer:
        """A file of the page, or its configuration. Raises NotFound."""
        return self._answer(call.request, call.path["file"])

    def _answer(self, request: Request, name: str) -> Answer:
        body = self._config if name == CONFIG else self._read(name)
        tag = etag_of(sha256(body).hexdigest()[:32])
        # The tag is weak: compressed or not, it is the same file.
        cached = _IMMUTABLE if name.startswith(HASHED) else _REVALIDATED
        headers = {**self._headers, "ETag": f"W/{tag}", "Cache-Control": cached}
        if is_known(request.headers, tag):
            return Answer(304, headers=headers)
        if request.method == "HEAD":
            return Answer(200, "", headers, _media_type(name))
        if name in self._files and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Answer(200, (self.folder / f"{name}.gz").read_bytes(), headers, _media_type(name))
        return Answer(200, body.decode(), headers, _media_type(name))

    def _read(self, name: str) -> bytes:
        if name not in self._files:
            raise NotFound("The viewer has no such file.")
        return (self.folder / name).read_bytes()

    @cached_property
    def _files(self) -> frozenset[str]:
        return frozenset(orjson.loads((self.folder / "files.json").read_bytes()))

    @cached_property
    def _config(self) -> bytes:
        """What the page needs to sign people in and to find the API; nothing of it is secret."""
        config = {
            "issuer": self.settings.oidc_issuer,
            "clientId": self.settings.viewer_client_id,
            "scope": self.settings.viewer_scope,
            "roleClaim": self.settings.role_claim,
            "tenantsClaim": self.settings.tenants_claim,
            "apiUrl": "../v1",
            "liveUrl": self.settings.live_url,
        }
        return orjson.dumps(config)

    @cached_property
    def _headers(self) -> Mapping[str, str]:
        return {
            "Content-Security-Policy": content_security_policy(self.settings),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept-Encoding",
        }


def content_security_policy(settings: ViewerSettings) -> str:
    """The policy of the page: its own files, no inline code, and connections to API, live tail and issuer only.

    Source: https://www.w3.org/TR/CSP3/
    """
    others = [_origin(settings.oidc_issuer), _origin(settings.live_url), *settings.viewer_connect.split()]
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": " ".join(dict.fromkeys(("'self'", *others))),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def _origin(url: str) -> str:
    """Scheme and host of a URL (RFC 6454)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _media_type(name: str) -> str:
    return _TYPES[name[name.rfind(".") :]]

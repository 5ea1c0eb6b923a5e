"""URLs, paths and headers of calls: their form, and what a deployment permits of URLs.

The form alone is checked here. Which addresses a name has is checked when a call is sent, by the network guard.
"""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints

from chancery.core.outbound.addresses import Network, check_address
from chancery.core.outbound.destination import Destination
from chancery.core.outbound.errors import AddressRefused, UrlRefused
from chancery.core.outbound.own_headers import OWN_HEADERS

_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}|\{[A-Za-z][A-Za-z0-9_]{0,63}\})*")
_PARAMETER = re.compile(r"\{(\w+)\}")
_CREDENTIAL_HEADERS = frozenset(("authorization", "proxy-authorization", "cookie", "set-cookie"))


def _destination(url: str) -> Destination:
    try:
        return Destination.parse(url)
    except UrlRefused as exc:
        raise ValueError(f"must be a URL as https://erp.example.com/api: {str(exc).rstrip('.')}") from None


def _is_url(url: str) -> str:
    path = _destination(url).target.partition("?")[0]
    if "#" in url:
        raise ValueError("must have no fragment (#)")
    if ".." in path.split("/"):
        raise ValueError("must have no .. in its path")
    return url


def _is_base_url(url: str) -> str:
    if "?" in _is_url(url):
        raise ValueError("must have no query; endpoints have their own")
    return url.rstrip("/")


def _is_path(path: str) -> str:
    segments = path.split("/")[1:]
    if not path.startswith("/") or not all(map(_SEGMENT.fullmatch, segments)):
        raise ValueError("must be a path as /orders/{orderId}, with other characters encoded with %")
    if {".", ".."} & {segment.replace("%2e", ".").replace("%2E", ".") for segment in segments}:
        raise ValueError("must have no . or .. as a segment")
    names = path_parameters(path)
    if len(set(names)) < len(names):
        raise ValueError("must have each parameter once")
    return path


def path_parameters(path: str) -> list[str]:
    """The names of a path's parameters, in order."""
    return _PARAMETER.findall(path)


def _is_own_header(name: str) -> str:
    lower = name.lower()
    if lower in _CREDENTIAL_HEADERS:
        raise ValueError("carries credentials; set `auth` of the system instead")
    return require_free(name)


def require_free(name: str) -> str:
    """The name of a header that the client does not set itself. Raises ValueError."""
    if name.lower() in OWN_HEADERS or name.lower().startswith("proxy-"):
        raise ValueError("is set by the sender of a call")
    return name


Url = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_is_url)]
BaseUrl = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000),
    AfterValidator(_is_base_url),
    Field(description="https://host[:port][/path]; paths of endpoints are appended to it"),
]
PathTemplate = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000),
    AfterValidator(_is_path),
    Field(description="appended to the base URL; {name} is a parameter of the call"),
]
HeaderName = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]+$")]
FixedHeaderName = Annotated[HeaderName, AfterValidator(_is_own_header)]
HeaderValue = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[\x20-\x7e]*$")]


class UrlPolicy(NamedTuple):
    """What a deployment permits: plain http, and calls to private addresses of some ranges."""

    plain_http: bool = False
    private_ranges: Sequence[Network] = ()

    def problem(self, url: str) -> str | None:
        """Why a URL of valid form is not permitted; None where it is."""
        destination = Destination.parse(url)
        if destination.scheme != "https" and not self.plain_http:
            return "must be https; this deployment sends nothing over plain http"
        address = destination.address
        if destination.host.rstrip(".").rpartition(".")[2] == "localhost":  # RFC 6761 section 6.3
            address = ip_address("127.0.0.1")
        try:
            if address is not None:
                check_address(address, self.private_ranges)
        except AddressRefused as exc:
            return f"names an address that no call goes to: {str(exc).rstrip('.')}"
        return None

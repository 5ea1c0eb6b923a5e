"""URLs, paths and headers of calls: their form, and what a deployment permits of URLs.

The form alone is checked here. Which addresses a name has is checked when a call is sent, by the network guard.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, NamedTuple
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, StringConstraints

_HOST = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?"
)
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}|\{[A-Za-z][A-Za-z0-9_]{0,63}\})*")
_PARAMETER = re.compile(r"\{(\w+)\}")
# Headers that the sender sets itself, or that carry credentials, which `auth` sends.
_OWN_HEADERS = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect")
)
_CREDENTIAL_HEADERS = frozenset(("authorization", "proxy-authorization", "cookie", "set-cookie"))

type Network = IPv4Network | IPv6Network


def _parts(url: str) -> SplitResult:
    """Raises ValueError unless it is an absolute http(s) URL with a plain host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("must be a URL as https://erp.example.com/api") from None
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("must be in ASCII without spaces and backslashes; encode others with %, host names as xn--")
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be a URL as https://erp.example.com/api")
    if "@" in parts.netloc:
        raise ValueError("must have no user or password; send these by `auth`")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("must have a port of 1 to 65535, or none")
    _address_of(parts.hostname)
    return parts


def _address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, None for a name. Raises ValueError for numbers in other notations than the usual."""
    try:
        return ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host):
            raise ValueError("must have a host name, or an address as 192.0.2.1 or [2001:db8::1]") from None
    return None


def _is_url(url: str) -> str:
    parts = _parts(url)
    if parts.fragment or "#" in url:
        raise ValueError("must have no fragment (#)")
    if ".." in parts.path.split("/"):
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
    if lower in _OWN_HEADERS or lower.startswith("proxy-"):
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

    @classmethod
    def of(cls, plain_http: str, private_ranges: str) -> "UrlPolicy":
        """The policy of two parameters: `true` or `false`, and CIDR ranges with commas between them."""
        ranges = tuple(ip_network(item.strip()) for item in private_ranges.split(",") if item.strip())
        return cls(plain_http == "true", ranges)

    def problem(self, url: str) -> str | None:
        """Why a URL of valid form is not permitted; None where it is."""
        parts = urlsplit(url)
        if parts.scheme != "https" and not self.plain_http:
            return "must be https; this deployment sends nothing over plain http (OutboundPlainHttp)"
        host = str(parts.hostname)
        address = _address_of(host)
        if address is None:
            is_local = host.rstrip(".").lower().rpartition(".")[2] == "localhost"
            address = ip_address("127.0.0.1") if is_local else None
        if address is None or self._permits(address):
            return None
        return "must not be a private, local or reserved address (OutboundPrivateRanges has the permitted ones)"

    def _permits(self, address: IPv4Address | IPv6Address) -> bool:
        plain = getattr(address, "ipv4_mapped", None) or address
        if plain.is_link_local or plain.is_multicast or plain.is_unspecified:
            return False
        listed = any(plain in network for network in self.private_ranges)
        return listed or plain.is_global

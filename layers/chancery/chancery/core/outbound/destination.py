"""The URL of a request, taken apart once. What clients and resolvers read in different ways is refused.

A host is a name in ASCII (`xn--` for others), a dotted IPv4 address, or an IPv6 address in brackets. Encoded addresses
such as `0x7f.1`, `2130706433` or `127.1` are refused by the rule of the WHATWG URL standard, section 3.5: a host whose
last label is a number is an IPv4 address, and this one accepts no other form than four decimal numbers.
"""

import re
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple, Self
from urllib.parse import SplitResult, urlsplit

from chancery.core.outbound.addresses import Address
from chancery.core.outbound.errors import UrlRefused

_LONGEST = 8192
_PORTS = {"http": 80, "https": 443}
_CHARACTERS = re.compile(r"[!-\[\]-~]+")  # visible ASCII without the backslash
_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Destination(NamedTuple):
    """Where a request goes. `target`: path and query. `address`: the host's, where it is no name."""

    scheme: str
    host: str
    port: int
    target: str
    address: Address | None

    @classmethod
    def parse(cls, url: str) -> Self:
        """The destination that an `http` or `https` URL names. Raises UrlRefused."""
        if len(url) > _LONGEST or not _CHARACTERS.fullmatch(url):
            raise UrlRefused(f"The URL is longer than {_LONGEST} characters, or has one that must be percent-encoded.")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise UrlRefused("The URL has no valid host and port.") from None
        if parts.scheme not in _PORTS:
            raise UrlRefused("The URL does not begin with https:// or http://.")
        if "@" in parts.netloc:
            raise UrlRefused("The URL has a user name or password before its host; name them as credentials.")
        if port == 0:
            raise UrlRefused("The URL has port 0.")
        address = _address(parts)
        host = str(address) if address else (parts.hostname or "")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], target, address)

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def _address(parts: SplitResult) -> Address | None:
    """The address that the host is, or None for a name. Raises UrlRefused."""
    host = parts.hostname or ""
    in_brackets = "[" in parts.netloc
    if not in_brackets and _NAME.fullmatch(host) and not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return None
    try:
        address = ip_address(host)
    except ValueError:
        raise UrlRefused("The host is neither a name nor an address in its usual form.") from None
    if isinstance(address, IPv6Address) != in_brackets or (isinstance(address, IPv6Address) and address.scope_id):
        raise UrlRefused("The host is neither a name nor an address in its usual form.")
    return address

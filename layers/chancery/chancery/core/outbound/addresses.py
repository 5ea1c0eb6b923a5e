"""Which addresses requests may go to: public ones, and the private ranges that the deployment states.

Sources: the IANA special-purpose registries, which `ipaddress` has as data; RFC 4291 section 2.5.5.2 (IPv4-mapped) and
RFC 6052 section 2.1 (NAT64), whose embedded IPv4 address is the one that packets arrive at.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from chancery.core.outbound.errors import AddressRefused

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

# Refused also where a stated range covers them: metadata services of clouds, this host under another name, groups.
_NEVER: Sequence[Network] = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure
        "169.254.0.0/16",  # link-local: most clouds, and Lambda's runtime
        "192.0.0.192/32",  # Oracle Cloud
        "224.0.0.0/4",
        "255.255.255.255/32",
        "::/128",
        "fd00:ec2::/32",  # AWS
        "fd20:ce::/32",  # Google Cloud
        "fe80::/10",
        "ff00::/8",
    )
]
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291 section 2.4; the rest is reserved, or embeds other addresses
_NOT_PUBLIC: Sequence[Network] = [  # in addition to the registries as `ipaddress` has them
    ip_network("192.88.99.0/24"),  # 6to4, RFC 7526
    ip_network("2002::/16"),
    ip_network("2001::/32"),  # Teredo
    ip_network("3fff::/20"),  # documentation, RFC 9637
]


def networks(text: str) -> tuple[Network, ...]:
    """The ranges of a setting, CIDR blocks with commas between. Raises ValueError for what is no range."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def check_address(address: Address, stated: Sequence[Network]) -> None:
    """Raises AddressRefused for an address that is neither public nor in a stated range."""
    reached = _reached(address)
    if _in(reached, _NEVER):
        raise AddressRefused(
            f"{address} is an address that is never allowed: link-local, metadata service or multicast."
        )
    if not _in(reached, stated) and not _is_public(reached):
        raise AddressRefused(
            f"{address} is not a public address, and not in a private range that this deployment allows."
        )


def _reached(address: Address) -> Address:
    """Where packets to an address arrive: the IPv4 address that a mapped or NAT64 address has in its last 32 bits."""
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_reserved and not _in(address, _NOT_PUBLIC)


def _in(address: Address, ranges: Sequence[Network]) -> bool:
    return any(address in network for network in ranges)  # of the other IP version: False

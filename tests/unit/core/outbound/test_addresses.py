"""The address check: each kind of address that is not public, in each form; compared with another guard's table."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
import ssrfguard
from hypothesis import example, given
from hypothesis import strategies as st

from chancery.core.outbound.addresses import check_address, networks
from chancery.core.outbound.errors import AddressRefused

REFUSED = {
    "private": ("10.0.0.1", "172.16.0.1", "192.168.1.1", "fd12:3456::1", "fec0::1"),
    "loopback": ("127.0.0.1", "127.8.8.8", "::1"),
    "link-local": ("169.254.0.1", "169.254.169.254", "169.254.170.2", "fe80::1", "fe80::1%1"),
    "CGNAT": ("100.64.0.1", "100.127.255.254"),
    "metadata": ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    "multicast": ("224.0.0.1", "239.255.255.255", "ff02::1"),
    "reserved": ("0.0.0.0", "0.1.2.3", "240.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1", "::", "5f00::1"),
    "documentation": ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"),
    "IPv4-mapped": ("::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
    "IPv4-compatible": ("::10.0.0.1", "::8.8.8.8", "::ffff:0:10.0.0.1"),
    "NAT64": ("64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8"),
    "6to4": ("2002:0a00:0001::1", "2002:0808:0808::1", "192.88.99.1"),
    "Teredo": ("2001:0:4136:e378:8000:63bf:3fff:fdd2",),
}
PUBLIC = ("1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "192.0.0.9")


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in REFUSED.items() for text in texts])
def test_an_address_that_is_not_public_is_refused(kind, text):
    with pytest.raises(AddressRefused):
        check_address(ip_address(text), ())


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_allowed(text):
    check_address(ip_address(text), ())


@pytest.mark.parametrize("text", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd12::1", "127.0.0.1"])
def test_addresses_of_a_stated_range_are_allowed(text):
    check_address(ip_address(text), networks("10.0.0.0/8, fd12::/16,127.0.0.0/8"))


@pytest.mark.parametrize("text", [*REFUSED["link-local"], *REFUSED["metadata"], *REFUSED["multicast"], "0.0.0.0", "::"])
def test_link_local_and_metadata_addresses_are_refused_in_stated_ranges_too(text):
    with pytest.raises(AddressRefused, match="never"):
        check_address(ip_address(text), networks("0.0.0.0/0,::/0"))


@pytest.mark.parametrize("text", ["10.0.0.1/8", "private", "10.0.0.0/33"])
def test_a_setting_that_is_no_range_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        networks(text)


_EMBEDDED = st.integers(0, 2**32 - 1).flatmap(
    lambda four: st.sampled_from(
        [
            IPv4Address(four),
            IPv6Address(four),
            IPv6Address((0xFFFF << 32) | four),
            IPv6Address((0x64FF9B << 96) | four),
            IPv6Address((0x2002 << 112) | (four << 80)),
        ]
    )
)
_SPECIAL = st.sampled_from([block.network for block in ssrfguard.DEFAULT_DENIED.blocks]).flatmap(
    lambda network: st.integers(0, network.num_addresses - 1).map(lambda at: network[at])
)


@given(st.one_of(_EMBEDDED, _SPECIAL, st.ip_addresses()))
@example(ip_network("192.88.99.0/24")[1])
def test_what_another_guard_refuses_is_refused(address):
    """ssrfguard has the registries of IANA as a table of its own."""
    if ssrfguard.DEFAULT_DENIED.classify(address).blocked:
        with pytest.raises(AddressRefused):
            check_address(address, ())

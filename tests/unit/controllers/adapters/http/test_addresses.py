"""Which addresses the http gate may ask."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.adapters.http.addresses import AddressRefused, checked_socket, metadata_name, refusal

LINK_LOCAL = st.integers(0, 2**16 - 1).map(lambda rest: IPv4Address((169 << 24 | 254 << 16) | rest))


@given(LINK_LOCAL)
def test_no_ipv6_spelling_of_a_link_local_address_passes(inner: IPv4Address) -> None:
    """Mapped, compatible, 6to4 and NAT64 forms all lead to the IPv4 address inside."""
    number = int(inner)
    spellings = (
        inner,
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),
        IPv6Address(int(IPv6Address("64:ff9b:1::")) | number),
    )
    assert [refusal(str(spelling)) for spelling in spellings] == ["link-local"] * len(spellings)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%1", "link-local"),
        ("febf::1", "link-local"),
        ("fd00:ec2::254", "a cloud's metadata service"),
        ("fd20:ce::254", "a cloud's metadata service"),
        ("100.100.100.200", "a cloud's metadata service"),
        ("::ffff:168.63.129.16", "a cloud's metadata service"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("::ffff:0.0.0.0", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "multicast"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("::ffff:127.0.0.1", ""),
        ("10.0.0.1", ""),
        ("fd12::1", ""),
        ("192.0.2.7", ""),
        ("2001:db8::7", ""),
    ],
)
def test_an_address_is_refused_for_what_it_is(address: str, reason: str) -> None:
    """Private networks and loopback may be asked: that is where services live."""
    assert refusal(address) == reason


def test_no_socket_is_made_for_a_refused_address() -> None:
    """The check sits where the socket is made, after every name was resolved."""
    with pytest.raises(AddressRefused, match="link-local"):
        checked_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80)))


@pytest.mark.parametrize("name", ["metadata.google.internal", "METADATA.google.internal.", "instance-data"])
def test_the_clouds_names_for_metadata_are_known_in_any_spelling(name: str) -> None:
    assert metadata_name(name)
    assert not metadata_name(f"shop-{name}")

"""Which addresses a gate may ask.

Whoever can write to the repository chooses the address, so what only this machine can reach must not answer
them: link-local services and the clouds' metadata.

The check is made on the address that a socket is about to connect to, so a name that resolves differently
the second time (DNS rebinding) gains nothing. Loopback is allowed: operators probe port-forwards.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Any

# Documented by the clouds as the names and addresses of their metadata services, where not link-local.
_METADATA_NAMES = frozenset(
    {
        "instance-data",
        "instance-data.ec2.internal",
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.tencentyun.com",
    }
)
_METADATA_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        (
            "100.100.100.200/32",  # Alibaba Cloud
            "168.63.129.16/32",  # Azure's wire server
            "192.0.0.192/32",  # Oracle Cloud
            "fd00:ec2::/32",  # AWS
            "fd20:ce::254/128",  # Google Cloud
        ),
    )
)
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")  # RFC 1122, 3.2.1.3: no destination
_BROADCAST = ipaddress.ip_address("255.255.255.255")
# IPv6 that carries an IPv4 address in its last 32 bits: RFC 6052, RFC 8215, RFC 4291 (2.5.5.1).
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
_LAST_32_BITS = 0xFFFF_FFFF


class AddressRefused(OSError):  # noqa: N818 - a decision, not a malfunction
    """An address that a gate must not ask. An OSError, because that is what the connector waits for."""


def metadata_name(host: str) -> bool:
    """Whether `host` is a cloud's name for its metadata service."""
    return host.rstrip(".").lower() in _METADATA_NAMES


def refusal(address: str) -> str:
    """Say why this IP address must not be asked; empty when it may. Raises ValueError for another text."""
    for form in _forms(ipaddress.ip_address(address)):
        if form.is_link_local:
            return "link-local"
        if any(form in network for network in _METADATA_NETWORKS):
            return "a cloud's metadata service"
        if form.is_unspecified or form in _THIS_NETWORK:
            return "unspecified"
        if form.is_multicast or form == _BROADCAST:
            return "multicast"
    return ""


def _forms(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    yield address
    if not isinstance(address, IPv6Address) or address.is_loopback or address.is_unspecified:
        return
    for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())):
        if inner is not None:
            yield inner
    if any(address in network for network in _TRANSLATED):
        yield IPv4Address(int(address) & _LAST_32_BITS)


def checked_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make the socket for one resolved address (as `getaddrinfo` gives it), or raise AddressRefused."""
    family, kind, protocol, _, place = address
    reason = refusal(place[0])
    if reason:
        raise AddressRefused(reason)
    return socket.socket(family, kind, protocol)

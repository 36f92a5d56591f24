"""Single values that many kinds have: choices, numbers, percentages, ports, addresses, paths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, ip_address
from typing import TypeAlias

from simcluster.errors import Cause
from simcluster.strategies.validation import formats
from simcluster.strategies.validation.causes import required, unsupported, wrong

IntOrString: TypeAlias = int | str

_HUNDRED = 100
PROTOCOLS = ("SCTP", "TCP", "UDP")


def choice(value: str | None, allowed: Sequence[str], at: str) -> list[Cause]:
    """Require one of an enumeration."""
    if value in allowed:
        return []
    return [unsupported(at, value, allowed) if value else required(at)]


def optional_choice(value: str | None, allowed: Sequence[str], at: str) -> list[Cause]:
    """Allow nothing, or one of an enumeration."""
    return [] if value is None or value in allowed else [unsupported(at, value, allowed)]


def faulty(value: str, faults: Iterable[str], at: str) -> list[Cause]:
    """Turn what a format says of a value into causes."""
    return [wrong(at, value, fault) for fault in faults]


def name(value: str, faults: Iterable[str], at: str) -> list[Cause]:
    """Require a value of a format."""
    return faulty(value, faults, at) if value else [required(at)]


def non_negative(value: int | None, at: str) -> list[Cause]:
    """Refuse a negative number."""
    if value is None or value >= 0:
        return []
    return [wrong(at, value, "must be greater than or equal to 0")]


def positive(value: int, at: str) -> list[Cause]:
    """Refuse a number below one."""
    return [] if value > 0 else [wrong(at, value, "must be greater than zero")]


def count_or_percent(value: IntOrString, at: str) -> list[Cause]:
    """Require a number that is not negative, or a percentage."""
    if isinstance(value, str):
        return faulty(value, formats.percent(value), at)
    return non_negative(value, at)


def at_most_100_percent(value: IntOrString, at: str) -> list[Cause]:
    """Refuse more than 100%."""
    if isinstance(value, str) and not formats.percent(value) and int(value[:-1]) > _HUNDRED:
        return [wrong(at, value, "must not be greater than 100%")]
    return []


def is_zero(value: IntOrString) -> bool:
    """Whether a number or percentage is none at all; malformed ones count as zero, as in Go."""
    if isinstance(value, str):
        return bool(formats.percent(value)) or int(value[:-1]) == 0
    return value == 0


def port(value: int, at: str) -> list[Cause]:
    """Require a port number."""
    return [wrong(at, value, fault) for fault in formats.port_number(value)]


def port_or_name(value: IntOrString, at: str) -> list[Cause]:
    """Require a port number or the name of one."""
    if isinstance(value, str):
        return faulty(value, formats.port_name(value), at)
    return port(value, at)


def ip(value: str, at: str) -> list[Cause]:
    """Require an IP address."""
    if is_ip(value):
        return []
    return [wrong(at, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]


def is_ip(value: str) -> bool:
    """Whether the text is an IP address; leading zeros are read as older servers did."""
    try:
        ip_address(_without_zeros(value))
    except ValueError:
        return False
    return True


def cidr(value: str, at: str) -> list[Cause]:
    """Require an address block."""
    address, slash, bits = value.partition("/")
    most = 32 if family(address) == "IPv4" else 128
    if slash and is_ip(address) and bits.isdigit() and int(bits) <= most:
        return []
    return [wrong(at, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]


def endpoint_ip(value: str, at: str) -> list[Cause]:
    """Require an address that endpoints may have."""
    if not is_ip(value):
        return [wrong(at, value, "must be a valid IP address")]
    address = ip_address(_without_zeros(value))
    causes = []
    if address.is_unspecified:
        causes.append(wrong(at, value, f"may not be unspecified ({value})"))
    if address.is_loopback:
        causes.append(wrong(at, value, "may not be in the loopback range (127.0.0.0/8, ::1/128)"))
    if address.is_link_local:
        causes.append(wrong(at, value, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"))
    return causes


def family(value: str) -> str:
    """Return `IPv4` or `IPv6`, or "" for what is no address."""
    if not is_ip(value):
        return ""
    return "IPv6" if isinstance(ip_address(_without_zeros(value)), IPv6Address) else "IPv4"


def _without_zeros(value: str) -> str:
    if value.count(".") != 3 or ":" in value:  # noqa: PLR2004 - the dots of IPv4
        return value
    return ".".join(part.lstrip("0") or "0" if part.isdigit() else part for part in value.split("."))


def relative_path(value: str, at: str) -> list[Cause]:
    """Require a path that stays below."""
    causes = [wrong(at, value, "must be a relative path")] if value.startswith("/") else []
    return causes + no_backsteps(value, at)


def local_path(value: str, at: str) -> list[Cause]:
    """Require a path that stays below and does not look like the kubelet's own (`..data`)."""
    causes = relative_path(value, at)
    if value.startswith("..") and not value.startswith("../"):
        causes.append(wrong(at, value, "must not start with '..'"))
    return causes


def no_backsteps(value: str, at: str) -> list[Cause]:
    """Refuse `..` in a path."""
    return [wrong(at, value, "must not contain '..'")] if ".." in value.split("/") else []

"""Quantities in objects: their canonical form and what they amount to; malformed ones count as nothing."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from functools import lru_cache

from simcluster.kinds import quantities

_MILLI = Decimal("0.001")
_MOST = Decimal(2**63 - 1)


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """Write a quantity as the server does; what is malformed stays, decoding has refused it."""
    try:
        return quantities.canonical(text)
    except ValueError:
        return text


@lru_cache(maxsize=4096)
def canonical_milli(text: str) -> str:
    """Write an entry of a resource list: rounded up to thousandths."""
    found = amount(text)
    rounded = found.quantize(_MILLI, rounding=ROUND_UP) if found % _MILLI else found
    if rounded == found:
        return canonical(text)
    return canonical(f"{int(rounded / _MILLI)}m")


@lru_cache(maxsize=4096)
def amount(text: str) -> Decimal:
    """Return what a quantity amounts to."""
    try:
        return quantities.value(text)
    except (ValueError, ArithmeticError):  # the latter of an exponent of many digits
        return Decimal(0)


@lru_cache(maxsize=1024)
def thousandths(text: str) -> int:
    """Return a quantity in thousandths, rounded up, as the scheduler counts CPU."""
    return int((min(amount(text), _MOST) * 1000).to_integral_value(rounding=ROUND_UP))


def whole(text: str) -> int:
    """Return the integer that a quantity is rounded up to, as Quantity.Value does."""
    found = amount(text)
    return int(found.to_integral_value(rounding=ROUND_UP))

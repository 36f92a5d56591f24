"""Quantities as apimachinery's api/resource reads and writes them."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal, localcontext
from functools import lru_cache
from typing import NamedTuple

# What a decoder says of a malformed one.
MALFORMED = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_FORM = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?((?:[eE][+-]?[0-9]+)|[KMGTPE]i|[numkMGTPE]|)")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_SUFFIXES = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIXES = {power: suffix for suffix, power in _BINARY.items()} | {0: ""}
_LARGEST = Decimal(2**63 - 1)
_PRECISION = 60
_KIBI = 1024


class Quantity(NamedTuple):
    """An amount and how it was written: `binary` (Ki), `exponent` (e3) or `decimal`."""

    amount: Decimal
    form: str


@lru_cache(maxsize=4096)
def parse(text: str) -> Quantity | None:
    """Read a quantity, or return None where it is malformed. Amounts below a nano are rounded up."""
    found = _FORM.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        return None
    sign, whole, fraction, suffix = found.groups()
    with localcontext() as limits:
        limits.prec = _PRECISION
        amount = Decimal(f"{sign}{whole or '0'}.{fraction or '0'}")
        form = "decimal"
        if suffix in _BINARY:
            amount, form = amount * _KIBI ** _BINARY[suffix], "binary"
        elif suffix in _DECIMAL:
            amount = amount.scaleb(_DECIMAL[suffix])
        else:
            amount, form = amount.scaleb(int(suffix[1:])), "exponent"
        return Quantity(_within(amount), form)


@lru_cache(maxsize=4096)
def canonical(text: str, *, milli: bool = False) -> str:
    """Write a quantity as the API server does; `milli` rounds up to thousandths, as resource lists are."""
    found = parse(text)
    if found is None:
        return text
    amount, form = found
    with localcontext() as limits:
        limits.prec = _PRECISION
        if milli:
            amount = _rounded_up(amount, Decimal("0.001"))
        if form == "binary" and abs(amount) >= _KIBI and amount == amount.to_integral_value():
            return _binary(int(amount))
        return _decimal(amount, exponent=form == "exponent")


def amount(text: object) -> Decimal:
    """Return the amount of a quantity that was validated before; what is malformed counts as 0."""
    found = parse(str(text))
    return found.amount if found else Decimal(0)


def _within(amount: Decimal) -> Decimal:
    if abs(amount) > _LARGEST:
        return _LARGEST.copy_sign(amount)
    return _rounded_up(amount, Decimal("1e-9"))


def _rounded_up(amount: Decimal, unit: Decimal) -> Decimal:
    # Away from zero: -1.2n becomes -2n, as inf.RoundUp has it.
    rounded = abs(amount).quantize(unit, ROUND_CEILING).copy_sign(amount)
    return amount if rounded == amount else rounded


def _binary(amount: int) -> str:
    power = 0
    while amount % _KIBI == 0 and power < max(_BINARY.values()):
        amount, power = amount // _KIBI, power + 1
    return f"{amount}{_BINARY_SUFFIXES[power]}"


def _decimal(amount: Decimal, *, exponent: bool) -> str:
    if not amount:
        return "0"
    sign, digits, scale = amount.normalize().as_tuple()
    number = int("".join(map(str, digits)))
    power = int(scale)
    shift = power % 3
    number, power = number * 10**shift, power - shift
    if exponent:
        suffix = f"e{power}" if power else ""
    else:
        while power not in _SUFFIXES:  # beyond E: written with more digits
            number, power = number * 1000, power - 3
        suffix = _SUFFIXES[power]
    return f"{'-' if sign else ''}{number}{suffix}"

"""Reads resource quantities and writes their canonical form, as apimachinery's `resource.Quantity` does."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Context, Decimal

_SHAPE = re.compile(r"([+-]?)([0-9]*)(?:(\.)([0-9]*))?([A-Za-z].*)?", re.DOTALL)
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIXES = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIXES = ("", *_BINARY)
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)")
_LARGEST = 2**63 - 1
_NANO = Decimal("1e-9")
_EXACT = Context(prec=200)
_FAST_DIGITS = 18
_KI = 1024

WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
WRONG_SUFFIX = "unable to parse quantity's suffix"


def canonical(text: str) -> str:
    """Return the form in which the API shows a quantity: `1000m` → `1`, `1.5Gi` → `1536Mi`, `1e3` → `1e3`.

    Some texts are kept though another form is shorter (`+1`, `5.`), as the server keeps them.
    Raises `ValueError` with the server's words.
    """
    if text == "0":
        return text
    sign, whole, fraction, suffix = _parts(text)
    digits = whole + fraction
    if suffix in _BINARY:
        return _binary(text, Decimal(f"{sign}{whole or '0'}.{fraction or '0'}"), digits, _BINARY[suffix])
    exponent = _decimal_exponent(suffix)
    scale = exponent - len(fraction)
    kept = len(digits) <= _FAST_DIGITS and scale >= _DECIMAL["n"] and scale % 3 == 0
    if kept and not digits.endswith("000") and digits[0] != "0":
        return text
    amount = Decimal(f"{sign}{digits}").scaleb(scale, _EXACT)
    return _written(_rounded(amount), exponent_form=suffix not in _DECIMAL)


def value(text: str) -> Decimal:
    """Return the number that a quantity stands for. Raises `ValueError` with the server's words."""
    sign, whole, fraction, suffix = _parts(text)
    number = Decimal(f"{sign}{whole or '0'}.{fraction or '0'}")
    if suffix in _BINARY:
        return _EXACT.multiply(number, Decimal(2 ** _BINARY[suffix]))
    return number.scaleb(_decimal_exponent(suffix), _EXACT)


def _parts(text: str) -> tuple[str, str, str, str]:
    found = _SHAPE.fullmatch(text)
    if found is None or not (found[2] or found[4]):
        raise ValueError(WRONG_FORMAT)
    sign, whole, _, fraction, suffix = found.groups(default="")
    if not re.fullmatch(r"[eEinumkKMGTP]*[-+]?[0-9]*", suffix):
        raise ValueError(WRONG_FORMAT)
    return sign, whole.lstrip("0") or ("0" if whole else ""), fraction, suffix


def _decimal_exponent(suffix: str) -> int:
    if suffix in _DECIMAL:
        return _DECIMAL[suffix]
    found = _EXPONENT.fullmatch(suffix)
    if found is None:
        raise ValueError(WRONG_SUFFIX)
    return int(found[1])


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_NANO, rounding=ROUND_UP, context=_EXACT)


def _binary(text: str, number: Decimal, digits: str, bits: int) -> str:
    room = 15 - len(digits) - bits * 3 // 10 - 1
    if room >= 0 and number == number.to_integral_value() and "." not in text and int(digits) & 7:
        return text
    amount = min(_rounded(_EXACT.multiply(number, Decimal(2**bits))), Decimal(_LARGEST))
    whole = amount.to_integral_value(rounding=ROUND_UP)
    if abs(amount) < _KI or whole != amount:
        return _written(amount, exponent_form=False)
    left, times = int(whole), 0
    while abs(left) >= _KI and left % _KI == 0:
        left //= _KI
        times += 1
    return f"{left}{_BINARY_SUFFIXES[times]}"


def _written(amount: Decimal, *, exponent_form: bool) -> str:
    if not amount:
        return "0"
    sign, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(WRONG_FORMAT)  # noqa: TRY004 - an infinite amount is a wrong text, not a wrong type
    number = int("".join(map(str, digits)))
    while number % 10 == 0:
        number //= 10
        exponent += 1
    number *= 10 ** (exponent % 3)
    exponent -= exponent % 3
    suffixes = {0: ""} if exponent_form else _DECIMAL_SUFFIXES
    suffix = suffixes.get(exponent, f"e{exponent}" if exponent_form else "")
    return f"{'-' if sign else ''}{number}{suffix}"

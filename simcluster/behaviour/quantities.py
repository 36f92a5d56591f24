"""Quantities: `500m`, `1Gi`, `2e3`, as numbers that can be added and compared."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache

_FORM = re.compile(r"([+-]?[0-9]*\.?[0-9]+|[+-]?[0-9]+\.)([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


@lru_cache(maxsize=1024)
def thousandths(value: str | float) -> int:
    """Return a quantity in thousandths, rounded up, as the scheduler counts CPU; 0 for what is none."""
    found = _FORM.fullmatch(str(value).strip())
    if found is None:
        return 0
    number, suffix = Fraction(found[1].rstrip(".")), found[2] or ""
    if suffix in _BINARY:
        factor = Fraction(2 ** _BINARY[suffix])
    else:
        power = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
        factor = Fraction(10) ** power
    return math.ceil(number * factor * 1000)

"""What a scalar means to Kubernetes: the rules of go-yaml v2, with which sigs.k8s.io/yaml and kubectl read.

They are YAML 1.1's, but without sexagesimal numbers, with timestamps left as text, and with YAML 1.2's
`0o17`. The value then passes through JSON, where Go writes a float without a fraction as an integer and
Kubernetes reads an integer beyond 64 bits as a float.
"""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal

Scalar = str | int | float | bool | None

_PREFIX = "tag:yaml.org,2002:"
STR, INT, FLOAT, BOOL, NULL = (_PREFIX + name for name in ("str", "int", "float", "bool", "null"))
MERGE = _PREFIX + "merge"
MAP, SEQ = _PREFIX + "map", _PREFIX + "seq"

UNSUPPORTED_TAG = "this tag is not supported: Kubernetes' objects are plain JSON values"

_INT64 = range(-(1 << 63), 1 << 63)
_UINT64 = range(1 << 64)
_UINT64_DIGITS = 20


def _spellings(*words: str) -> frozenset[str]:
    return frozenset(form for word in words for form in (word, word.capitalize(), word.upper()))


_TRUE = _spellings("y", "yes", "true", "on")
_FALSE = _spellings("n", "no", "false", "off")
_NULL = _spellings("null") | {"", "~"}
_NOT_FINITE = frozenset(
    {".nan", ".NaN", ".NAN"} | {sign + inf for sign in ("", "+", "-") for inf in (".inf", ".Inf", ".INF")}
)
_FIRST_OF_NUMBER = frozenset("+-0123456789")
_INTEGER = re.compile(
    r"([+-]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))"
)
# go-yaml hands what follows a small 0b to strconv.ParseInt, which takes a sign.
_SIGNED_BINARY = re.compile(r"0b([+-])([01]+)")
_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# Without a digit in front go-yaml leaves underscores to strconv.ParseFloat, which wants them between digits.
_POINT_FIRST = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?")


def resolve(tag: str | None, text: str) -> Scalar:
    """Give go-yaml's value of a plain (`tag` None) or explicitly tagged scalar.

    Raises ValueError, without quoting `text`, for what JSON cannot hold and for a tag that does not fit.
    """
    if tag in (STR, MERGE):
        return text
    if tag not in (None, INT, FLOAT, BOOL, NULL):
        raise ValueError(UNSUPPORTED_TAG)
    value = _implicit(text)
    if tag is None or _fits(tag, value):
        return float(value) if tag == FLOAT and isinstance(value, int) else value
    raise ValueError(f"the value is not what its tag !!{tag.removeprefix(_PREFIX)} says")


def _fits(tag: str, value: Scalar) -> bool:
    if tag == NULL:
        return value is None
    if isinstance(value, bool):
        return tag == BOOL
    if isinstance(value, int):
        return tag == INT or (tag == FLOAT and value in _INT64)
    return tag == FLOAT and isinstance(value, float)


def _implicit(text: str) -> Scalar:
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text in _NOT_FINITE:
        raise ValueError("infinity and NaN cannot be written in JSON, so Kubernetes has no such values")
    if text[0] in _FIRST_OF_NUMBER:
        plain = text.replace("_", "")
        whole = _integer(plain)
        return whole if whole is not None else _float(plain, text)
    if text[0] == "." and _POINT_FIRST.fullmatch(text):
        return _float(text.replace("_", ""), text)
    return text


def _integer(plain: str) -> int | None:
    if (signed := _SIGNED_BINARY.fullmatch(plain)) is not None:
        plain = f"{signed[1]}0b{signed[2]}"
    match = _INTEGER.fullmatch(plain)
    if match is None:
        return None
    base = next(name for name, digits in match.groupdict().items() if digits is not None)
    if base == "dec" and len(match[base]) > _UINT64_DIGITS:
        return None  # also before Python refuses to convert thousands of digits
    value = int(match[base], _BASES[base])
    if match[1] == "-":
        value = -value
    # ParseUint takes no sign; what is left beyond it is tried as a float, and that is decimal.
    return value if value in _INT64 or (not match[1] and value in _UINT64) else None


def _float(plain: str, text: str) -> float | str:
    if _FLOAT.fullmatch(plain) is None:
        return text
    value = float(plain)
    return text if math.isinf(value) else value


def through_json(value: Scalar) -> Scalar:
    """Give what a Kubernetes client reads back after Go wrote `value` as JSON."""
    if isinstance(value, float) and value.is_integer():
        whole = int(Decimal(repr(value)))  # Go writes the shortest digits, filled up with zeros
        return whole if whole in _INT64 else value
    if isinstance(value, int) and value not in _INT64:
        return float(value)
    return value


def key_text(value: Scalar) -> str:
    """Give the JSON name for a mapping key, as sigs.k8s.io/yaml converts it.

    Raises ValueError for null and for integers beyond 64 bits, which it refuses too.
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if value in _INT64:
            return str(value)
        case int():
            raise ValueError("this number is too large for a key: put it in quotes")
        case float():
            return _go_float32(value)
        case None:
            raise ValueError("a key must not be null: put it in quotes")


def _go_float32(value: float) -> str:
    """`strconv.FormatFloat(value, 'g', -1, 32)`: shortest digits that survive a float32."""
    try:
        single: float = struct.unpack("<f", struct.pack("<f", value))[0]  # "<": the native one gives infinity
    except OverflowError:
        raise ValueError("this number is too large for a key: put it in quotes") from None
    for precision in range(1, 10):
        digits = f"{single:.{precision - 1}e}"
        if struct.unpack("f", struct.pack("f", float(digits)))[0] == single:
            break
    mantissa, _, exponent = digits.partition("e")
    if -5 < int(exponent) < 6:  # noqa: PLR2004 - the limits of Go's 'g' for shortest digits
        return format(Decimal(digits).normalize(), "f")
    return f"{mantissa}e{exponent}"

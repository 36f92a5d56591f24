"""Values as Go's fmt prints them: the server's messages hold them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, TypeAlias

Json: TypeAlias = Any

_GO_TYPES = {str: "string", bool: "bool", dict: "map[string]interface {}", list: "[]interface {}"}
_FIRST_PRINTABLE = " "
_PLAIN_FROM, _PLAIN_TO = -4, 6  # powers of ten which %v of a float writes without an exponent


def type_name(value: Json) -> str:
    """`%T` of a decoded JSON value."""
    return _GO_TYPES.get(type(value), "<nil>" if value is None else "int64")


def quoted(text: str) -> str:
    """`%q`: Go's double-quoted literal."""
    if all(_FIRST_PRINTABLE <= character < "\x7f" for character in text):
        return json.dumps(text)
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    known = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}.get(character)
    if known:
        return f"\\{known}"
    code = ord(character)
    if code < _FIRST_PRINTABLE.encode()[0] or character == "\x7f":
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the basic plane


def number(value: float) -> str:
    """`%v` of an int64 or a float64."""
    if isinstance(value, int):
        return str(value)
    exact = Decimal(repr(value)).normalize()
    sign, digits, exponent = exact.as_tuple()
    power = len(digits) + int(exponent) - 1
    if _PLAIN_FROM <= power < _PLAIN_TO:
        return format(exact, "f")
    first, rest = str(digits[0]), "".join(map(str, digits[1:]))
    return f"{'-' * sign}{first}{'.' * bool(rest)}{rest}e{power:+03d}"


def plain(value: Json) -> str:
    """`%v` of a decoded JSON value."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{plain(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(plain, value))}]"
    return value if isinstance(value, str) else number(value)


def syntax(value: Json) -> str:
    """`%#v` of a decoded JSON value."""
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, dict):
        inner = ", ".join(f"{quoted(key)}:{syntax(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(syntax, value))}}}"
    return quoted(value) if isinstance(value, str) else plain(value)


def json_text(value: Json) -> str:
    """encoding/json's text of a value: sorted keys, HTML characters escaped."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return html_safe(text)


def html_safe(text: str) -> str:
    """Escape in JSON text what encoding/json escapes for the sake of HTML and JavaScript."""
    for character in "<>&\u2028\u2029":
        if character in text:
            text = text.replace(character, f"\\u{ord(character):04x}")
    return text

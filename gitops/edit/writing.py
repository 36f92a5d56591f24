"""JSON values as YAML text, in one piece or in lines of block style; quotes what could be read otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from gitops.dialect import scalars
from gitops.objects import Json, JsonObject

_STEP = 2
# Text that needs no quotes anywhere, neither in block nor in flow style; what it means is asked besides.
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+=-]*(?:[: ][A-Za-z0-9_./@+=-]+)*")
# Valid in JSON as it is, but not in YAML, or a line break there.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class Literal(NamedTuple):
    """A text as a block scalar: what follows `|`, and the lines without their indentation."""

    chomping: str
    lines: tuple[str, ...]


def inline(value: Json, style: str = "", *, strict: bool = False) -> str:
    """Write `value` in one piece that means it in block and in flow style.

    Text keeps the quotes of `style` (`'`, `"`, or none) where it can; `strict` writes JSON.
    """
    if isinstance(value, dict):
        inner = ", ".join(
            f"{_key(key, strict=strict)}: {_part(below, strict=strict)}" for key, below in value.items()
        )
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(_part(item, strict=strict) for item in value)}]"
    if not isinstance(value, str):
        return json.dumps(value)
    if style == "" and not strict and _plain(value):
        return value
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _part(value: Json, *, strict: bool) -> str:
    return inline(value, strict=strict)


def _key(name: str, *, strict: bool) -> str:
    return inline(name, strict=strict) if strict or not _plain(name) else name


def _plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and scalars.resolve(None, text) == text


def literal(text: str) -> Literal | None:
    """Write a text of several lines as the block scalar `|`; None where only quotes can say it."""
    first = text.lstrip("\n")
    if "\n" not in text or not first or first[0] in " \t" or not text.replace("\n", "").isprintable():
        return None
    if any(line and not line.strip() for line in text.split("\n")):
        return None  # a line of nothing but blanks is easily lost
    chomping = "-" if text[-1] != "\n" else "+" if text.endswith("\n\n") else ""
    return Literal(chomping, tuple(text.removesuffix("\n").split("\n")))


def entry(name: str, value: Json, indent: int) -> list[str]:
    """Write `name: value` as lines of a block mapping whose keys stand `indent` characters in."""
    return _lines(f"{' ' * indent}{_key(name, strict=False)}:", value, indent)


def item(value: Json, indent: int) -> list[str]:
    """Write `- value` as lines of a block sequence whose dashes stand `indent` characters in."""
    below = indent + _STEP
    if isinstance(value, dict) and value:
        first, *rest = _mapping(value, below)
        return [f"{' ' * indent}- {first.lstrip(' ')}", *rest]
    return _lines(f"{' ' * indent}-", value, indent)


def _lines(start: str, value: Json, indent: int) -> list[str]:
    below = indent + _STEP
    if isinstance(value, dict) and value:
        return [start, *_mapping(value, below)]
    if isinstance(value, list) and value:
        return [start, *(line for one in value for line in item(one, below))]
    block = literal(value) if isinstance(value, str) else None
    if block is not None:
        return [f"{start} |{block.chomping}", *indented(block.lines, below)]
    return [f"{start} {inline(value)}"]


def _mapping(value: JsonObject, indent: int) -> list[str]:
    return [line for name, below in value.items() for line in entry(name, below, indent)]


def indented(lines: tuple[str, ...], indent: int) -> Iterator[str]:
    """Set the lines of a block scalar in; empty ones stay empty."""
    return (f"{' ' * indent}{line}" if line else "" for line in lines)

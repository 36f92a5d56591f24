"""The columns of custom kinds: a CRD's additionalPrinterColumns, with the JSONPath that the API allows there.

Allowed are names, quoted names, indices, wildcards, slices and filters by equality; the server shows the
first result of a path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

from simcluster.printing.cells import Cell, Row, human_duration, moment, name
from simcluster.values import JsonObject

Json: TypeAlias = Any
_FIXED_FROM, _FIXED_BELOW = -4, 6  # powers of ten between which Go's %g writes no exponent
_STEP = re.compile(
    r"""\.(?P<name>(?:\\.|[^.\[\\])+)
      | \[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]
      | \[(?P<index>-?\d+)\]
      | \[(?P<slice>-?\d*:-?\d*(?::-?\d+)?)\]
      | \[\?\(@(?P<left>[^=!<>\s]+)\s*(?P<operator>==|!=)\s*(?P<right>'[^']*'|"[^"]*"|[^)\s]+)\s*\)\]
      | (?P<all>\.\*|\[\*\])""",
    re.VERBOSE,
)


def row(obj: JsonObject, columns: tuple[JsonObject, ...], now: datetime) -> Row:
    """Return the cells of a custom object: its name, then one for each of the CRD's columns."""
    return [name(obj), *(_cell(obj, column, now) for column in columns)]


def results(path: str, obj: Json) -> list[Json]:
    """Return everything that a JSONPath finds; nothing where it is absent or the path is not understood."""
    steps = _steps(path)
    found = [] if steps is None else [obj]
    for step in steps or ():
        found = [each for one in found for each in _walk(one, step)]
    return found


def _cell(obj: JsonObject, column: Mapping[str, Any], now: datetime) -> Cell:
    found = results(column["jsonPath"], obj)
    if not found:
        return None
    value = found[0]
    match column["type"]:
        case "string":
            return _printed(value)
        case "date":
            return _date(value, now)
        case "boolean":
            return value if isinstance(value, bool) else None
        case _ if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        case "integer":
            return int(value)
        case _:
            return value


def _date(value: Json, now: datetime) -> Cell:
    if not isinstance(value, str):
        return None
    try:
        return human_duration(now - moment(value))
    except (ValueError, TypeError):
        return "<invalid>"


def _printed(value: Json) -> str:
    """Print as JSONPath templates do: lists and maps as JSON, other values as Go's `%v` does."""
    if value is None:
        return "<no value>"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return _float_text(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def _float_text(value: float) -> str:
    """Write a float as Go's `%g` does: the shortest that reads back, with an exponent from a million on."""
    exact = Decimal(repr(value)).normalize()
    exponent = exact.adjusted()
    if _FIXED_FROM <= exponent < _FIXED_BELOW:
        return f"{exact:f}"
    return f"{exact.scaleb(-exponent):f}e{exponent:+03d}"


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[re.Match[str], ...] | None:
    text = path.removeprefix("$")
    found, at = [], 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            return None
        found.append(step)
        at = step.end()
    return tuple(found)


def _walk(value: Json, step: re.Match[str]) -> Iterator[Json]:
    field = step["name"] or step["quoted"]
    if step["all"] or field == "*":
        yield from value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    elif field is not None:
        key = re.sub(r"\\(.)", r"\1", field)
        if isinstance(value, dict) and key in value:
            yield value[key]
    elif isinstance(value, list):
        yield from _of_list(value, step)


def _of_list(value: list[Json], step: re.Match[str]) -> Iterator[Json]:
    if step["index"]:
        index = int(step["index"])
        if -len(value) <= index < len(value):
            yield value[index]
    elif step["slice"]:
        yield from value[slice(*(int(part) if part else None for part in step["slice"].split(":")))]
    else:
        wanted = _literal(step["right"])
        for each in value:
            found = results(step["left"], each)
            if found and (found[0] == wanted) is (step["operator"] == "=="):
                yield each


def _literal(text: str) -> Json:
    if text[0] in "'\"":
        return text[1:-1]
    try:
        return json.loads(text)
    except ValueError:
        return text

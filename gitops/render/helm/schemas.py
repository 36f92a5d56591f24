"""What a chart's `values.schema.json` refers to. Helm fetches that, from any address or file.

So only references inside the same schema are allowed. Whether the values meet it is left to helm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gitops.errors import Location, Problem

SCHEMA_FILE = "values.schema.json"

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
# The dialects that helm knows without fetching anything.
_DIALECT = re.compile(r"https?://json-schema\.org/(draft-0[467]|draft/(2019-09|2020-12))/schema#?")
_SHOWN = 200


def schema_problems(files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """Judge the schemas among a chart's files, of its dependencies too. Raises nothing."""
    return tuple(
        problem
        for path, data in sorted(files.items())
        if path.rpartition("/")[2] == SCHEMA_FILE
        for problem in _problems(path, data)
    )


def _problems(path: str, data: bytes) -> Iterator[Problem]:
    pairs: list[tuple[str, Any]] = []

    def keep(found: list[tuple[str, Any]]) -> dict[str, Any]:
        pairs.extend(found)  # every pair, also those that a later one of the same name hides
        return dict(found)

    try:
        json.loads(data.decode(), object_pairs_hook=keep)
    except UnicodeDecodeError:
        yield Problem(Location(path), "this schema is not UTF-8")
    except json.JSONDecodeError as error:
        yield Problem(Location(path, error.lineno, error.colno), f"this schema is not JSON: {error.msg}")
    except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
        yield Problem(Location(path), "this schema is nested too deep, or has huge numbers")
    else:
        found = {(key, value) for key, value in pairs if isinstance(value, str)}
        for key, value in sorted(found):
            if message := _refused(key, value):
                yield Problem(_place(path, data, value), message)


def _refused(key: str, value: str) -> str:
    shown = f"{key}: {value[:_SHOWN]!a}"
    if key in _REFERENCES and value and not value.startswith("#"):
        return f'{shown} is refused: nothing is fetched for a schema; copy it here and refer to "#/…"'
    if key == "$schema" and not _DIALECT.fullmatch(value):
        return f"{shown} is refused: helm has json-schema.org's drafts 4, 6, 7, 2019-09 and 2020-12"
    return ""


def _place(path: str, data: bytes, value: str) -> Location:
    """Where the value stands; the file alone where it is written with escapes."""
    offset = data.find(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    if offset < 0:
        return Location(path)
    line = data.count(b"\n", 0, offset)
    return Location(path, line + 1, offset - data.rfind(b"\n", 0, offset))

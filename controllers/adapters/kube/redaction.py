"""Takes the values of a Secret out of what the API server says about it.

Strict decoding and validation echo the offending value, quoted or as Go prints it. This is the only exit
through which a Secret's body could reach an error, so it errs on the side of blotting out too much. Of
other kinds only the values of environment variables go: a password that looks like a number is refused too.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import orjson

BLOT = "[redacted]"
_SECTIONS = ("data", "stringData")
_LONG_ENOUGH_TO_BE_UNIQUE = 4
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|`([^`]*)`|\'((?:[^\'\\]|\\.)*)\'')
_GO_VALUE = re.compile(r"\{Value:.*\}")  # as far as the line goes: the value may hold braces itself

_ENV_VALUE = re.compile(r"(\.env\[name=[^\n]*?\]\.value: [^\n]*?)\{Value:[^\n]*\}")


def redact_env(message: str) -> str:
    """Blot out what the server quotes of an environment variable's value, whatever the variable's name."""
    return _ENV_VALUE.sub(rf"\1{{Value:{BLOT}}}", message)


def redact_secret(message: str, body: bytes | None) -> str:
    """Blot out every value of the Secret in `body`, and whatever is quoted and not a name of a field.

    Kept are field names, and the object's name, namespace, kind and apiVersion: they say what is wrong.
    """
    secret = _parsed(body)
    for value in sorted(_values(secret), key=len, reverse=True):
        message = _without(message, value)
    known = set(_names(secret))
    return _GO_VALUE.sub(f"{{Value:{BLOT}}}", _QUOTED.sub(lambda found: _unless_known(found, known), message))


def _parsed(body: bytes | None) -> Any:  # noqa: ANN401 - raw JSON
    try:
        return orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        return {}


def _unless_known(found: re.Match[str], known: set[str]) -> str:
    text = next(group for group in found.groups() if group is not None)
    return found[0] if text in known else f'"{BLOT}"'


def _without(message: str, value: str) -> str:
    if len(value) >= _LONG_ENOUGH_TO_BE_UNIQUE:
        return message.replace(value, BLOT)
    return re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", BLOT, message)


def _values(secret: Any) -> Iterator[str]:  # noqa: ANN401 - raw JSON
    """Everything below `data` and `stringData`, as written and, where it is base64, decoded."""
    if not isinstance(secret, dict):
        return
    for section in (secret.get(name) for name in _SECTIONS):
        entries = section.values() if isinstance(section, dict) else [section]
        for leaf in chain.from_iterable(map(_leaves, entries)):
            text = leaf if isinstance(leaf, str) else orjson.dumps(leaf).decode()
            yield from (form for form in {text, text.strip(), *_decoded(text)} if form)


def _decoded(text: str) -> Iterator[str]:
    try:
        yield base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return


def _leaves(value: Any) -> Iterator[Any]:  # noqa: ANN401 - raw JSON
    """Below an entry everything is its value, keys too: a Secret has no business being that deep."""
    if isinstance(value, dict):
        yield from value.keys()
        for entry in value.values():
            yield from _leaves(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _leaves(entry)
    elif value is not None:
        yield value


def _names(secret: Any) -> Iterator[str]:  # noqa: ANN401 - raw JSON
    if not isinstance(secret, dict):
        return
    metadata = secret.get("metadata")
    identity = [secret.get("kind"), secret.get("apiVersion"), "v1", "Secret"]
    if isinstance(metadata, dict):
        identity += [metadata.get("name"), metadata.get("namespace")]
    yield from (name for name in identity if isinstance(name, str))
    yield from _paths(secret, "")


def _paths(value: Any, prefix: str) -> Iterator[str]:  # noqa: ANN401 - raw JSON
    if isinstance(value, dict):
        for key, entry in value.items():
            yield key
            yield f"{prefix}{key}"
            if prefix.rstrip(".") in _SECTIONS:
                continue
            yield from _paths(entry, f"{prefix}{key}.")

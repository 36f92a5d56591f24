"""Continue tokens of lists: where the next page begins, and what is said of texts that are none."""

from __future__ import annotations

import base64
import posixpath
from typing import NamedTuple

import orjson

from simcluster.errors import ApiError, bad_request
from simcluster.kinds import json_syntax
from simcluster.values import JsonObject

_VERSION = "meta.k8s.io/v1"
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_QUANTUM = 4
_GREATEST = (1 << 63) - 1
_GO_NAMES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}


class Token(NamedTuple):
    """Where a list goes on: at which revision (negative: the newest), and from which key on."""

    revision: int
    start: str


def written(revision: int, last: str) -> str:
    """Return the token to go on after the key `last`."""
    token = {"v": _VERSION, "rv": revision, "start": f"{last}\0"}
    return base64.urlsafe_b64encode(orjson.dumps(token)).rstrip(b"=").decode()


def read(text: str) -> Token:
    """Return what a token says. Raises `ApiError` 400 in the words of apiserver's storage.DecodeContinue."""
    found = _fields(_decoded(text))
    version = found.get("v") or ""
    if version != _VERSION:
        raise _wrong(f"server does not recognize this encoded version {version}")
    revision, start = found.get("rv") or 0, found.get("start") or ""
    if revision == 0:
        raise _wrong(f"incorrect encoded start resourceVersion (version {_VERSION})")
    if not start:
        raise _wrong(f"encoded start key empty (version {_VERSION})")
    key = start if start.startswith("/") else f"/{start}"
    if posixpath.normpath(key) != key:
        raise _wrong(start)
    return Token(revision, key)


def _decoded(text: str) -> bytes:
    text = text.replace("\n", "").replace("\r", "")
    for at, char in enumerate(text):
        if char not in _ALPHABET:
            raise _wrong(f"illegal base64 data at input byte {at}")
    if len(text) % _QUANTUM == 1:
        raise _wrong(f"illegal base64 data at input byte {len(text) - 1}")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % _QUANTUM))


def _fields(raw: bytes) -> JsonObject:
    """Read the JSON as Go does into a struct: names without regard to case, unknown ones left out."""
    if because := json_syntax.error(raw):
        raise _wrong(because)
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:  # text that is not UTF-8, which Go would mend
        raise _wrong("incorrect encoded key") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _unfit(found, "value of type storage.continueToken")
    fields = {name.lower(): value for name, value in found.items()}
    for name, wanted, go_type in (("v", str, "string"), ("rv", int, "int64"), ("start", str, "string")):
        value = fields.get(name)
        fits = value is None or type(value) is wanted
        if not fits or (isinstance(value, int) and abs(value) > _GREATEST):
            number = f" {value}" if name == "rv" and type(value) in (int, float) else ""
            raise _unfit(value, f"struct field continueToken.{name} of type {go_type}", number)
    return fields


def _unfit(value: object, what: str, number: str = "") -> ApiError:
    return _wrong(f"json: cannot unmarshal {_GO_NAMES[type(value)]}{number} into Go {what}")


def _wrong(because: str) -> ApiError:
    return bad_request(f"invalid continue token: continue key is not valid: {because}")

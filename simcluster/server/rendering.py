"""Objects, lists and events as bytes, in the representation that was asked for.

JSON of stored objects is passed on as it is stored wherever that is what the client sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast

import orjson
import yaml

from simcluster.api import conversion
from simcluster.api.options import ListResult
from simcluster.errors import ApiError, bad_request, not_acceptable
from simcluster.kinds.kind import Kind
from simcluster.printing.partial import partial
from simcluster.printing.table import table
from simcluster.server.negotiation import YAML, Representation
from simcluster.store.records import Stored
from simcluster.values import JsonObject

Include: TypeAlias = Literal["Metadata", "None", "Object"]

# What every reader of YAML takes for a string without quotes.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = frozenset(["y", "yes", "n", "no", "on", "off", "true", "false", "null", "nan", "inf"])


class _Dumper(yaml.CSafeDumper):
    """Writes strings so that YAML 1.1 and 1.2 agree that they are strings; repeats what occurs twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - the library's signature
        return True


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    style = None if plain else ("|" if "\n" in value else '"')
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


@dataclass(frozen=True, slots=True)
class View:
    """What one client wants to see of one kind. `include` is what rows of a Table carry."""

    kind: Kind
    representation: Representation
    include: Include = "Metadata"

    @property
    def plain(self) -> bool:
        """The objects themselves, not a Table or their metadata."""
        return not self.representation.shape


def view(kind: Kind, representation: Representation, include: str) -> View:
    """Read the query's `includeObject`. Raises `ApiError` 400 for nonsense where a Table is wanted."""
    if include not in ("", "Metadata", "None", "Object"):
        if representation.shape == "Table":
            raise bad_request(
                f'Unable to convert to Table as requested: includeObject: Invalid value: "{include}": '
                "must be 'Metadata', 'Object', 'None', or empty"
            )
        include = ""
    return View(kind, representation, cast("Include", include or "Metadata"))


def encoded(value: JsonObject, representation: Representation) -> bytes:
    """Write anything as JSON or YAML."""
    if representation.media_type == YAML:
        return yaml.dump(value, Dumper=_Dumper, encoding="utf-8", allow_unicode=True)
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 if representation.pretty else 0)


def one(obj: JsonObject, seen: View, now: datetime) -> bytes:
    """Write one object. Raises `ApiError` 406 for a shape that only lists have."""
    return encoded(shaped(obj, seen, now), seen.representation)


def shaped(obj: JsonObject, seen: View, now: datetime) -> JsonObject:
    """Turn one object into the shape that was asked for. Raises `ApiError` 406."""
    shape = seen.representation.shape
    if shape == "Table":
        found = table(seen.kind, [obj], now, include=seen.include)
        version = obj.get("metadata", {}).get("resourceVersion", "")
        return _versioned(found, {"resourceVersion": version} if version else {}, seen)
    if shape == "PartialObjectMetadata":
        return partial(obj, seen.representation.api_version)
    check_single(seen)
    return obj


def check_single(seen: View) -> None:
    """Raise `ApiError` 406 for a shape that only lists have."""
    shape = seen.representation.shape
    if shape == "PartialObjectMetadataList":
        raise _mismatch(shape, f"not a list ({_go_type(seen.kind)})")


def record(found: Stored, seen: View, now: datetime) -> bytes:
    """Write a stored object; as it is stored where that is what the client sees."""
    if seen.plain and _compact(seen.representation):
        return conversion.body(found, seen.kind)
    return one(conversion.convert(found.object(), seen.kind), seen, now)


def page(result: ListResult, seen: View, now: datetime) -> bytes:
    """Write a list. Raises `ApiError` 406 for a shape that only single objects have."""
    metadata: JsonObject = {"resourceVersion": str(result.revision)}
    if result.continue_:
        metadata["continue"] = result.continue_
    if result.remaining is not None:
        metadata["remainingItemCount"] = result.remaining
    shape = seen.representation.shape
    if shape == "PartialObjectMetadata":
        raise _mismatch(shape, f"a list ({_go_type(seen.kind)}List)")
    if shape == "Table":
        found = table(seen.kind, _objects(result.items, seen.kind), now, include=seen.include)
        return encoded(_versioned(found, metadata, seen), seen.representation)
    if shape:
        version = seen.representation.api_version
        head = {"kind": shape, "apiVersion": version, "metadata": metadata}
        return _joined(head, (_partial(each, version) for each in result.items), seen)
    head = {"kind": seen.kind.list_kind, "apiVersion": seen.kind.api_version, "metadata": metadata}
    if seen.kind.custom is not None:
        metadata.setdefault("continue", "")
    return _joined(head, (conversion.item(each, seen.kind) for each in result.items), seen)


def _joined(head: JsonObject, items: Iterable[bytes], seen: View) -> bytes:
    body = orjson.dumps(head)[:-1] + b',"items":[' + b",".join(items) + b"]}"
    return body if _compact(seen.representation) else encoded(orjson.loads(body), seen.representation)


def _compact(wanted: Representation) -> bool:
    return wanted.media_type != YAML and not wanted.pretty


def _partial(found: Stored, api_version: str) -> bytes:
    return orjson.dumps(partial(found.object(), api_version))


def _objects(items: Sequence[Stored], kind: Kind) -> list[JsonObject]:
    return [conversion.convert(each.object(), kind) for each in items]


def _versioned(found: JsonObject, metadata: JsonObject, seen: View) -> JsonObject:
    found["apiVersion"] = seen.representation.api_version
    found["metadata"] = metadata
    return found


def _mismatch(shape: str, what: str) -> ApiError:
    return not_acceptable(f"you requested {shape}, but the requested object is {what}")


def _go_type(kind: Kind) -> str:
    if kind.custom is not None:
        return "*unstructured.Unstructured"
    return f"*{kind.group.partition('.')[0] or 'core'}.{kind.kind}"

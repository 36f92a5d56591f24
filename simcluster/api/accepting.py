"""A request's object on its way in: what of it is unknown, whether values fit, how it looks when decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import orjson

from simcluster.api import rules
from simcluster.api.options import WriteOptions
from simcluster.errors import ApiError, Cause, bad_request, invalid
from simcluster.fields.managed import object_type
from simcluster.kinds.builtin import builtin
from simcluster.kinds.decoding import Unreadable, read_yaml
from simcluster.kinds.kind import Kind
from simcluster.kinds.strict import refusal, unknown_fields
from simcluster.kinds.typed import WrongValue, cannot_be_handled
from simcluster.patches.refusals import internal

JsonObject: TypeAlias = dict[str, Any]

_OWNERS = "managedFields"
_SCHEME = "pkg/runtime/scheme.go:111"
# As Go writes the structs that every object of a built-in kind has.
_METADATA = (
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    _OWNERS,
)
_FRACTION = re.compile(r"json: cannot unmarshal number \S+ into Go struct field \S+ of type (int32|int64)")
_ENTRY = ("manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource")


def check_type(obj: JsonObject, kind: Kind) -> None:
    """Hold a body's type against what its path takes; it may be left out. Raises `ApiError` 400."""
    found = obj.setdefault("kind", kind.kind)
    version = obj.setdefault("apiVersion", kind.api_version)
    if found != kind.kind or version != kind.api_version:
        raise bad_request(_other_kind(found, version, kind))


def accept(obj: JsonObject, kind: Kind, options: WriteOptions) -> tuple[JsonObject, tuple[str, ...]]:
    """Return the decoded object of a create or an update, and the warnings of `fieldValidation=Warn`.

    `obj` is as the body's decoder returned it: of this kind. Raises `ApiError` 400 for values of wrong types,
    and for unknown fields under `Strict`.
    """
    try:
        new = _decoded(obj, kind)
    except WrongValue as error:
        raise cannot_be_handled(obj, kind, str(error)) from None
    found = _problems(obj, kind, options)
    if found and options.field_validation == "Strict":
        raise refusal(obj, kind, found)
    return new, tuple(found)


def accept_patched(
    obj: JsonObject, kind: Kind, options: WriteOptions, quoted: str | None = None
) -> tuple[JsonObject, tuple[str, ...]]:
    """Return the decoded result of a patch, and warnings. What `accept` answers with 400 is a 422 here.

    `quoted` is what the refusal shows; by default the patched object.
    """
    try:
        found = _problems(obj, kind, options)
        with warning(found if options.field_validation == "Warn" else ()):
            _check_patched_type(obj, kind, quoted)
            if found and options.field_validation == "Strict":
                raise _refused(obj, kind, quoted, f"strict decoding error: {', '.join(found)}")
            return _decoded(obj, kind), tuple(found)
    except WrongValue as error:
        raise _refused(obj, kind, quoted, str(error)) from None
    except ApiError as error:  # the metadata of a custom object, which is read as Go types too
        if error.reason != "BadRequest":
            raise
        because = str(error).partition(f"cannot be handled as a {kind.kind}: ")[2]
        raise _refused(obj, kind, quoted, because) from None


def accept_applied(merged: JsonObject, config: JsonObject, kind: Kind) -> JsonObject:
    """Return what an apply of `config` made, decoded.

    Raises `ApiError` 500 for what passes the check of types and yet does not fit its Go type, such as bytes
    that are no base64.
    """
    try:
        return rules.decode_applied(merged, kind)
    except WrongValue as error:
        metadata, type_ = config.get("metadata") or {}, object_type(config)
        place = f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}; {type_}"
        raise internal(
            f"failed to convert new object ({place}) to proper version: "
            f"unable to convert unstructured object to {type_}: {_converting(str(error))}"
        ) from None


def _converting(because: str) -> str:
    """Say what a decoder said in the words of the converter of maps (runtime.FromUnstructured)."""
    if because.startswith("illegal base64"):
        return f"error decoding from json: {because}"
    fraction = _FRACTION.fullmatch(because)
    return because if fraction is None else f"cannot convert float64 to {fraction[1]}"


def read_config(body: bytes) -> JsonObject:
    """Return the object that an apply sends, as YAML (of which JSON is a part). Raises `ApiError` 400."""
    try:
        found, _ = read_yaml(body)
    except Unreadable as error:
        because = str(error).removeprefix("couldn't get version/kind; json parse error: ")
        raise bad_request(f"error decoding patch: error converting YAML to JSON: {because}") from None
    if found is not None and not isinstance(found, dict):
        go_type = {list: "array", str: "string", bool: "bool"}.get(type(found), "number")
        raise bad_request(
            "error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            f"{go_type} into Go value of type map[string]interface {{}}"
        )
    return found or {}


@contextmanager
def warning(found: list[str] | tuple[str, ...]) -> Iterator[None]:
    """Send warnings along also with a refusal."""
    try:
        yield
    except ApiError as error:
        if found:
            texts = (text.replace("\\", "\\\\").replace('"', '\\"') for text in found)
            error.headers.setdefault("Warning", ", ".join(f'299 - "{text}"' for text in texts))
        raise


def _check_patched_type(obj: JsonObject, kind: Kind, quoted: str | None) -> None:
    if kind.custom is None:
        name, version = obj.setdefault("kind", kind.kind), obj.setdefault("apiVersion", kind.api_version)
        if (name, version) == (kind.kind, kind.api_version):
            return
        if (version, name) in builtin().by_kind:
            raise _refused(obj, kind, quoted, _other_kind(name, version, kind))
        because = f'no kind "{name}" is registered for version "{version}" in scheme "{_SCHEME}"'
        raise _refused(obj, kind, quoted, because)
    for key, wanted in (("kind", kind.kind), ("apiVersion", kind.api_version)):
        found = obj.get(key)
        if found != wanted:
            group = str(obj.get("apiVersion") or "").rpartition("/")[0]
            cause = Cause(key, "FieldValueInvalid", f'Invalid value: "{found or ""}": must be {wanted}')
            name = (obj.get("metadata") or {}).get("name", "")
            raise invalid(str(obj.get("kind") or ""), group, name, [cause])


def _decoded(obj: JsonObject, kind: Kind) -> JsonObject:
    """Decode, but leave to field ownership what the request says of owners: an empty list means something."""
    new = rules.decode(obj, kind)
    metadata = obj.get("metadata")
    if isinstance(metadata, dict) and metadata.get(_OWNERS) is not None:
        new["metadata"][_OWNERS] = metadata[_OWNERS]
    return new


def _problems(obj: JsonObject, kind: Kind, options: WriteOptions) -> list[str]:
    if options.field_validation == "Ignore":
        return []
    return unknown_fields(obj, kind, options.duplicates)


def _other_kind(found: str, version: str, kind: Kind) -> str:
    short = version.rpartition("/")[2]
    group = kind.group.partition(".")[0] or "core"
    return (
        f'{found} in version "{short}" cannot be handled as a {kind.kind}: converting ({short}.{found}) '
        f"to ({group}.{kind.kind}): unknown conversion"
    )


def _refused(obj: JsonObject, kind: Kind, quoted: str | None, because: str) -> ApiError:
    text = _quoted(obj, kind) if quoted is None else quoted
    message = f"Invalid value: {orjson.dumps(text).decode()}: {because}"
    return invalid("", "", "", [Cause("patch", "FieldValueInvalid", message)])


def _quoted(obj: JsonObject, kind: Kind) -> str:
    """Write a patched object as messages show it: sorted, but metadata in the order of its Go type."""
    shown = dict(sorted(obj.items()))
    metadata = obj.get("metadata")
    if kind.custom is None and isinstance(metadata, dict):
        shown["metadata"] = _ordered(metadata, _METADATA)
        entries = metadata.get(_OWNERS)
        if isinstance(entries, list):
            shown["metadata"][_OWNERS] = [
                _ordered(each, _ENTRY) if isinstance(each, dict) else each for each in entries
            ]
    return orjson.dumps(shown).decode()


def _ordered(value: JsonObject, names: tuple[str, ...]) -> JsonObject:
    first = {name: value[name] for name in names if name in value}
    return {**first, **value}

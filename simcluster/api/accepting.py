"""A request's object on its way in: what of it is unknown, whether values fit, how it looks when decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from simcluster.api import rules
from simcluster.api.options import WriteOptions
from simcluster.errors import ApiError, Cause, bad_request, invalid
from simcluster.fields.managed import object_type
from simcluster.kinds import converting
from simcluster.kinds.builtin import builtin
from simcluster.kinds.decoding import Unreadable, read_yaml
from simcluster.kinds.kind import Kind
from simcluster.kinds.strict import refusal, unknown_fields
from simcluster.kinds.typed import WrongValue, cannot_be_handled
from simcluster.patches.refusals import go_type, internal, json_type
from simcluster.values import JsonObject

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
_ENTRY = ("manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource")


def check_type(obj: JsonObject, kind: Kind) -> None:
    """Hold a built-in body's type against its kind; it may be left out. Raises `ApiError` 400."""
    name, version = obj.get("kind") or kind.kind, obj.get("apiVersion") or kind.api_version
    if (name, version) != (kind.kind, kind.api_version):
        because = _conversion(name, version, kind)
        raise bad_request(
            f'{name} in version "{version.rpartition("/")[2]}" cannot be handled as a {kind.kind}: {because}'
        )
    obj["kind"], obj["apiVersion"] = name, version


def accept(obj: JsonObject, kind: Kind, options: WriteOptions) -> tuple[JsonObject, tuple[str, ...]]:
    """Return the decoded object of a create or an update, and the warnings of `fieldValidation=Warn`.

    `obj` is as the body's decoder returned it: of this kind. Raises `ApiError` 400 for values of wrong types,
    and for unknown fields under `Strict`.
    """
    if kind.custom is not None:
        obj = converting.within_int64(obj)
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
            return _decoded(obj if quoted is None else _converted(obj, kind), kind), tuple(found)
    except WrongValue as error:
        because = str(error) if quoted is None else converting.words(str(error))
        raise _refused(obj, kind, quoted, because) from None
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
        return rules.decode_applied(_converted(merged, kind), kind)
    except WrongValue as error:
        metadata, type_ = config.get("metadata") or {}, object_type(config)
        place = f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}; {type_}"
        raise internal(
            f"failed to convert new object ({place}) to proper version: "
            f"unable to convert unstructured object to {type_}: {converting.words(str(error))}"
        ) from None


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
    config: JsonObject = converting.within_int64(found or {})
    return config


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
    """Hold a patched object's type against its path's, and let it be the path's from then on."""
    if quoted is not None:  # converted, not decoded: what it calls itself does not matter
        for key in ("apiVersion", "kind"):
            _check_converted_text(obj, kind, quoted, obj.get(key))
        obj["kind"], obj["apiVersion"] = kind.kind, kind.api_version
        return
    for key in ("apiVersion", "kind"):
        found = obj.get(key)
        if found is not None and not isinstance(found, str):
            wrong = f"json: cannot unmarshal {json_type(found)} into Go struct field .{key} of type string"
            raise _refused(obj, kind, quoted, f"couldn't get version/kind; json parse error: {wrong}")
    version: str = obj.get("apiVersion") or ""
    if version.count("/") > 1:
        raise _refused(obj, kind, quoted, f"unexpected GroupVersion string: {version}")
    if kind.custom is None:
        _check_built_in_type(obj, kind)
    else:
        _check_custom_type(obj, kind)


def _check_converted_text(obj: JsonObject, kind: Kind, quoted: str, found: object) -> None:
    if found is None or isinstance(found, str):
        return
    number = isinstance(found, int | float) and not isinstance(found, bool)
    because = f"cannot convert {go_type(found)} to string" if number else "unrecognized type: string"
    raise _refused(obj, kind, quoted, because)


def _check_built_in_type(obj: JsonObject, kind: Kind) -> None:
    name, version = obj.get("kind") or kind.kind, obj.get("apiVersion") or ""
    if not version and name == kind.kind:
        obj.clear()  # measured: without a version, the server decodes an object without anything
    elif (version, name) in builtin().by_kind and (version, name) != (kind.api_version, kind.kind):
        raise _refused(obj, kind, None, _conversion(name, version, kind))
    elif (version, name) != (kind.api_version, kind.kind):
        because = f'no kind "{name}" is registered for version "{version}" in scheme "{_SCHEME}"'
        raise _refused(obj, kind, None, because)
    obj["kind"], obj["apiVersion"] = kind.kind, kind.api_version


def _check_custom_type(obj: JsonObject, kind: Kind) -> None:
    name, version = obj.get("kind") or "", obj.get("apiVersion") or ""
    if not name:
        shown = orjson.dumps(obj, option=orjson.OPT_SORT_KEYS).decode()
        raise _refused(obj, kind, None, f"Object 'Kind' is missing in '{shown}'")
    if not version:
        missing = "Object 'apiVersion' is missing in 'object has no apiVersion field'"
        raise ApiError(500, "InternalError", f"Internal error occurred: {missing}", {})
    causes = [
        Cause(key, "FieldValueInvalid", f'Invalid value: "{found}": must be {wanted}')
        for key, found, wanted in (("kind", name, kind.kind), ("apiVersion", version, kind.api_version))
        if found != wanted
    ]
    if causes:
        metadata = obj.get("metadata")
        named = metadata.get("name") if isinstance(metadata, dict) else ""
        raise invalid(name, version.rpartition("/")[0], str(named or ""), causes)


def _converted(obj: JsonObject, kind: Kind) -> JsonObject:
    found: JsonObject = obj if kind.custom is not None else converting.wrapped(obj, kind.schema)
    return found


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


def _conversion(found: str, version: str, kind: Kind) -> str:
    group = kind.group.partition(".")[0] or "core"
    return f"converting ({version.rpartition('/')[2]}.{found}) to ({group}.{kind.kind}): unknown conversion"


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

"""A request's object on its way in: what of it is unknown, whether values fit, how it looks when decoded."""

from __future__ import annotations

from typing import Any, TypeAlias

import orjson

from simcluster.api import rules
from simcluster.api.options import WriteOptions
from simcluster.errors import Cause, bad_request, invalid
from simcluster.kinds.kind import Kind
from simcluster.kinds.strict import refusal, unknown_fields
from simcluster.kinds.typed import WrongValue, cannot_be_handled

JsonObject: TypeAlias = dict[str, Any]


def check_type(obj: JsonObject, kind: Kind) -> None:
    """Hold a body's type against what its path takes; it may be left out. Raises `ApiError` 400."""
    found = obj.setdefault("kind", kind.kind)
    version = obj.setdefault("apiVersion", kind.api_version)
    if found == kind.kind and version == kind.api_version:
        return
    short = version.rpartition("/")[2]
    group = kind.group.partition(".")[0] or "core"
    raise bad_request(
        f'{found} in version "{short}" cannot be handled as a {kind.kind}: converting ({short}.{found}) '
        f"to ({group}.{kind.kind}): unknown conversion"
    )


def accept(obj: JsonObject, kind: Kind, options: WriteOptions) -> tuple[JsonObject, tuple[str, ...]]:
    """Return the decoded object of a create or an update, and the warnings of `fieldValidation=Warn`.

    `obj` is as the body's decoder returned it: of this kind. Raises `ApiError` 400 for values of wrong types,
    and for unknown fields under `Strict`.
    """
    found = _problems(obj, kind, options)
    if found and options.field_validation == "Strict":
        raise refusal(obj, kind, found)
    try:
        return rules.decode(obj, kind), tuple(found)
    except WrongValue as error:
        raise cannot_be_handled(obj, kind, str(error)) from None


def accept_patched(
    obj: JsonObject, kind: Kind, options: WriteOptions, quoted: str | None = None
) -> tuple[JsonObject, tuple[str, ...]]:
    """Return the decoded result of a patch, and warnings. What `accept` answers with 400 is a 422 here.

    `quoted` is what the refusal shows; by default the patched object.
    """
    found = _problems(obj, kind, options)
    if found and options.field_validation == "Strict":
        raise _refused(obj, quoted, f"strict decoding error: {', '.join(found)}")
    try:
        return rules.decode(obj, kind), tuple(found)
    except WrongValue as error:
        raise _refused(obj, quoted, str(error)) from None


def _problems(obj: JsonObject, kind: Kind, options: WriteOptions) -> list[str]:
    if options.field_validation == "Ignore":
        return []
    return unknown_fields(obj, kind, options.duplicates)


def _refused(obj: JsonObject, quoted: str | None, because: str) -> Exception:
    text = orjson.dumps(obj).decode() if quoted is None else quoted
    message = f"Invalid value: {orjson.dumps(text).decode()}: {because}"
    return invalid("", "", "", [Cause("patch", "FieldValueInvalid", message)])

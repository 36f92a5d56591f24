"""What fieldValidation=Strict refuses and Warn warns of: unknown and duplicate fields."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeAlias

from simcluster.errors import ApiError
from simcluster.kinds.kind import Kind
from simcluster.kinds.structural import Pruning
from simcluster.kinds.typed import cannot_be_handled
from simcluster.kinds.unknown import strict_paths
from simcluster.values import JsonObject

Json: TypeAlias = Any

_AT_MOST = 100
_DUPLICATE = "duplicate field "
_YAML_LINE = "line "


def unknown_fields(obj: JsonObject, kind: Kind, duplicates: Collection[str] = ()) -> list[str]:
    """Texts such as `unknown field "spec.foo"`, as the server lists them, with `decode`'s `duplicates` among.

    Built-in kinds: in the order of the document. Custom kinds: duplicates, unknown metadata, then the rest by
    name. At most 100.
    """
    yaml = [each for each in duplicates if each.startswith(_YAML_LINE)]
    twice = [each for each in duplicates if not each.startswith(_YAML_LINE)]
    if kind.custom is not None:
        found = Pruning.of(obj, kind)
        unknown = [*found.metadata, *found.fields, *found.embedded]
        return [*yaml, *twice, *(f'unknown field "{path}"' for path in unknown)][:_AT_MOST]
    paths = {each.removeprefix(_DUPLICATE).strip('"') for each in twice}
    told = (
        f'unknown field "{path}"' if unknown else f'{_DUPLICATE}"{path}"'
        for path, unknown in strict_paths(obj, kind.schema, "", paths)
    )
    return [*yaml, *dict.fromkeys(told)][:_AT_MOST]


def refusal(obj: JsonObject, kind: Kind, found: list[str]) -> ApiError:
    """Return the 400 of fieldValidation=Strict for what `unknown_fields` returned."""
    yaml = [each for each in found if each.startswith(_YAML_LINE)]
    texts = [each for each in found if not each.startswith(_YAML_LINE)]
    if yaml:
        texts.insert(0, "yaml: unmarshal errors:\n  " + "\n  ".join(yaml))
    return cannot_be_handled(obj, kind, f"strict decoding error: {', '.join(texts)}")

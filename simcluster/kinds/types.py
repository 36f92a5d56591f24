"""Structural types: what an object's fields are, and how their values merge. Compared by identity.

A tree of these stands for one kind. It may be recursive (JSONSchemaProps): a `Ref` breaks the circle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

ScalarKind: TypeAlias = Literal["string", "integer", "number", "boolean", "int-or-string", "quantity", "any"]
Topology: TypeAlias = Literal["atomic", "set", "map"]


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A leaf. `any` holds whatever JSON it was given, and is merged as a whole (atomic)."""

    kind: ScalarKind
    format: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """How Go's encoding/json reads and writes a built-in struct, where the schema does not tell.

    `name` (`v1.PodSpec`) and `named` (by field) are the type names that messages show; `omit` are fields left
    out when they hold false, 0, "" or nothing; `fill` are fields always written, with what stands for none.
    `wire` are the fields by protobuf number; a mapping there is a message whose fields JSON has inline.
    """

    name: str
    omit: frozenset[str] = frozenset()
    fill: tuple[tuple[str, Any], ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    wire: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """An object. With `values` a map of free keys; else of `fields`.

    `atomic` (x-kubernetes-map-type) is merged as a whole. `open` keeps unknown fields
    (x-kubernetes-preserve-unknown-fields). `defaults` are what clients see when a field is absent; they hold
    for custom kinds, and for built-in ones as far as OpenAPI tells (there, zero values such as "" and {}
    are among them). `encoding` is there for structs of built-in kinds.
    """

    fields: Mapping[str, Type] = field(default_factory=dict)
    values: Type | None = None
    atomic: bool = False
    open: bool = False
    required: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    retain_keys: frozenset[str] = frozenset()  # fields with patchStrategy retainKeys
    replace_keys: frozenset[str] = frozenset()  # fields with patchStrategy replace
    encoding: Encoding | None = None


@dataclass(frozen=True, slots=True, eq=False)
class List:
    """A list: one value (`atomic`), a `set` of scalars, or a `map` of objects told apart by `keys`.

    `merge_key` is the patchMergeKey of strategic merge patches, "" where the list has no merge strategy;
    for lists of scalars that merge it is "" and `merges` is True.
    """

    items: Type
    topology: Topology = "atomic"
    keys: tuple[str, ...] = ()
    merge_key: str = ""
    merges: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Ref:
    """A type that is looked up when it is needed."""

    name: str
    look_up: Callable[[str], Scalar | Struct | List]


Type: TypeAlias = Scalar | Struct | List | Ref


def resolved(found: Type) -> Scalar | Struct | List:
    """Follow a `Ref` to what it stands for."""
    return found.look_up(found.name) if isinstance(found, Ref) else found

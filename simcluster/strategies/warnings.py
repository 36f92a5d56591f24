"""Warnings that a write answers beside its result."""

from __future__ import annotations

from typing import Any, TypeAlias

from simcluster.kinds.kind import Kind

JsonObject: TypeAlias = dict[str, Any]


def warnings(obj: JsonObject, kind: Kind, old: JsonObject | None = None) -> list[str]:
    """Return the warnings for storing `obj`, in the place of `old` where there is one."""
    del obj, kind, old
    return []

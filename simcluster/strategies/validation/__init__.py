"""Whether an object may be stored: what the server's validation says of it, in its words and order."""

from __future__ import annotations

from typing import Any, TypeAlias

from simcluster.errors import Cause
from simcluster.kinds.kind import Kind
from simcluster.strategies.validation import formats, meta
from simcluster.strategies.validation.rules import RULES, Rules

JsonObject: TypeAlias = dict[str, Any]

_LOOSE = Rules()


def validate_create(obj: JsonObject, kind: Kind) -> list[Cause]:
    """Return what is wrong with a new object that `prepare_create` returned; nothing: it may be stored.

    Custom objects are checked for their metadata only; their schema is `simcluster.kinds.schema_errors`.
    """
    rules = RULES.get((kind.group, kind.kind), _LOOSE)
    if kind.custom is None and rules is not _LOOSE:
        causes = meta.metadata(obj["metadata"], rules.name, namespaced=kind.namespaced)
        if rules.create is not None:
            causes += rules.create(obj)
        if causes:
            return causes
    return meta.metadata(obj["metadata"], _name_rule(kind), namespaced=kind.namespaced)


def validate_update(new: JsonObject, old: JsonObject, kind: Kind) -> list[Cause]:
    """Return what is wrong with `new`, which `prepare_update` returned, in the place of `old`."""
    causes = _shared_update(new, old, kind)
    rules = RULES.get((kind.group, kind.kind), _LOOSE)
    if kind.custom is None and rules is not _LOOSE:
        if causes:
            # The kind's own check goes over metadata again, and so do the causes.
            causes += meta.changed(new["metadata"], old["metadata"])
        if rules.update is not None:
            causes += rules.update(new, old)
    return causes


def validate_status(new: JsonObject, old: JsonObject, kind: Kind) -> list[Cause]:
    """Return what is wrong with `new`, which `prepare_status` returned, in the place of `old`."""
    causes = _shared_update(new, old, kind)
    rules = RULES.get((kind.group, kind.kind), _LOOSE)
    if causes:
        causes += meta.changed(new["metadata"], old["metadata"])
    if rules.status is not None:
        causes += rules.status(new, old)
    return causes


def _shared_update(new: JsonObject, old: JsonObject, kind: Kind) -> list[Cause]:
    causes = meta.metadata(new["metadata"], formats.path_segment, namespaced=kind.namespaced)
    return causes + meta.changed(new["metadata"], old["metadata"])


def _name_rule(kind: Kind) -> meta.NameRule:
    return formats.path_segment if kind.custom is None else formats.dns_subdomain

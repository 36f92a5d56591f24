"""Whether an object may be stored: what the server's validation says of it, in its words and order."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.kinds.kind import Kind
from simcluster.strategies.validation import formats, meta
from simcluster.strategies.validation.rules import RULES, Rules, Update
from simcluster.values import JsonObject

# Their strategies do not use the declarative validation, which drops what is said twice.
_REPEATING = frozenset({"apiextensions.k8s.io", "apiregistration.k8s.io"})


def validate_create(obj: JsonObject, kind: Kind) -> list[Cause]:
    """Return what is wrong with a new object that `prepare_create` returned; nothing: it may be stored.

    Custom objects are checked for their metadata only; their schema is `simcluster.kinds.schema_errors`.
    """
    metadata = obj["metadata"]
    rules = _rules(kind)
    if rules is None:
        rule = formats.path_segment if kind.custom is None else formats.dns_subdomain
        causes = meta.metadata(metadata, rule, namespaced=kind.namespaced)
    else:
        causes = meta.metadata(metadata, rules.name, namespaced=kind.namespaced)
        if "finalizers" in metadata:
            causes += meta.kube_finalizers(metadata)
        if rules.create is not None:
            causes += rules.create(obj)
    return _once(causes + meta.declared(metadata, None), kind)


def validate_update(new: JsonObject, old: JsonObject, kind: Kind) -> list[Cause]:
    """Return what is wrong with `new`, which `prepare_update` returned, in the place of `old`."""
    rules = _rules(kind)
    return _changed(new, old, kind, None if rules is None else rules.update)


def validate_status(new: JsonObject, old: JsonObject, kind: Kind) -> list[Cause]:
    """Return what is wrong with `new`, which `prepare_status` returned, in the place of `old`."""
    rules = _rules(kind)
    return _changed(new, old, kind, None if rules is None else rules.status)


def _rules(kind: Kind) -> Rules | None:
    return RULES.get((kind.group, kind.kind)) if kind.custom is None else None


def _changed(new: JsonObject, old: JsonObject, kind: Kind, check: Update | None) -> list[Cause]:
    after, before = new["metadata"], old["metadata"]
    causes = meta.metadata(after, formats.path_segment, namespaced=kind.namespaced)
    # The kind's own check goes over the metadata once more.
    causes += 2 * meta.changed(after, before)
    if "finalizers" in after and _rules(kind) is not None:
        causes += meta.kube_finalizers(after)
    if check is not None:
        causes += check(new, old)
    return _once(causes + meta.declared(after, before), kind)


def _once(causes: list[Cause], kind: Kind) -> list[Cause]:
    if not causes or kind.custom is not None or kind.group in _REPEATING:
        return causes
    return list(dict.fromkeys(causes))

"""Metadata that all kinds share: names, labels, annotations, owners, finalizers, and what never changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from simcluster.errors import Cause
from simcluster.strategies.validation import formats
from simcluster.strategies.validation.causes import (
    duplicate,
    prohibited,
    required,
    too_long,
    unsupported,
    wrong,
)
from simcluster.values import JsonObject

NameRule: TypeAlias = Callable[[str], formats.Faults]

_MOST_ANNOTATIONS = 256 << 10
_ORPHAN, _FOREGROUND = "orphan", "foregroundDeletion"
_IMMUTABLE = "field is immutable"
_LONGEST_MANAGER = 128


def metadata(meta: JsonObject, rule: NameRule, *, namespaced: bool) -> list[Cause]:
    """Check the metadata of a new object, whose name follows `rule`."""
    causes: list[Cause] = []
    prefix, name = meta.get("generateName", ""), meta.get("name", "")
    if prefix:
        masks = rule is not formats.path_segment
        faults = rule(formats.masked(prefix)) if masks else formats.path_segment_prefix(prefix)
        causes += [wrong("metadata.generateName", prefix, fault) for fault in faults]
    if not name:
        causes.append(required("metadata.name", "name or generateName is required"))
    else:
        causes += [wrong("metadata.name", name, fault) for fault in rule(name)]
    return causes + _shared(meta, namespaced=namespaced)


def _shared(meta: JsonObject, *, namespaced: bool) -> list[Cause]:
    causes: list[Cause] = []
    namespace = meta.get("namespace", "")
    if namespaced and not namespace:
        causes.append(required("metadata.namespace"))
    elif namespaced:
        causes += [wrong("metadata.namespace", namespace, fault) for fault in formats.dns_label(namespace)]
    elif namespace:
        causes.append(prohibited("metadata.namespace", "not allowed on this type"))
    generation = meta.get("generation", 0)
    if generation < 0:
        causes.append(wrong("metadata.generation", generation, "must be greater than or equal to 0"))
    causes += check_labels(meta.get("labels"), "metadata.labels")
    causes += check_annotations(meta.get("annotations"), "metadata.annotations")
    if "ownerReferences" in meta:
        causes += _owners(meta["ownerReferences"], "metadata.ownerReferences")
    if "finalizers" in meta:
        causes += _finalizers(meta["finalizers"])
    if "managedFields" in meta:
        causes += _managed_fields(meta["managedFields"])
    return causes


def changed(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check what an update may not change in metadata (ValidateObjectMetaUpdate)."""
    causes: list[Cause] = []
    if "deletionTimestamp" in old:
        extra = sorted(set(new.get("finalizers", ())) - set(old.get("finalizers", ())))
        if extra:
            listed = ", ".join(f'"{each}"' for each in extra)
            text = "no new finalizers can be added if the object is being deleted, found new finalizers "
            causes.append(prohibited("metadata.finalizers", f"{text}[]string{{{listed}}}"))
    if not new.get("resourceVersion"):
        causes.append(wrong("metadata.resourceVersion", 0, "must be specified for an update"))
    if new.get("generation", 0) < old.get("generation", 0):
        causes.append(wrong("metadata.generation", new.get("generation", 0), "must not be decremented"))
    causes += _immutable(new, old, ("name", "namespace"))
    causes += check_labels(new.get("labels"), "metadata.labels")
    causes += check_annotations(new.get("annotations"), "metadata.annotations")
    if "ownerReferences" in new:
        causes += _owners(new["ownerReferences"], "metadata.ownerReferences")
    if "managedFields" in new:
        causes += _managed_fields(new["managedFields"])
    return causes


_SYSTEM = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_ABSENT = {"name": "", "namespace": "", "uid": ""}
_STANDARD_FINALIZERS = frozenset({"kubernetes", _ORPHAN, _FOREGROUND})
_NOT_QUALIFIED = "name is neither a standard finalizer name nor is it fully qualified"


def _immutable(new: JsonObject, old: JsonObject, fields: Iterable[str]) -> list[Cause]:
    return [
        wrong(f"metadata.{field}", new.get(field, _ABSENT.get(field)), _IMMUTABLE)
        for field in fields
        if new.get(field) != old.get(field)
    ]


def declared(new: JsonObject, old: JsonObject | None) -> list[Cause]:
    """Check what the server checks declaratively: once, after everything else."""
    causes = [] if old is None else _immutable(new, old, _SYSTEM)
    for number, owner in enumerate(new.get("ownerReferences", ())):
        causes += [
            required(f"metadata.ownerReferences[{number}].{field}", "must not be empty")
            for field in ("apiVersion", "kind", "name", "uid")
            if not owner.get(field)
        ]
    return causes


def kube_finalizers(meta: JsonObject) -> list[Cause]:
    """Check that finalizers without a prefix are Kubernetes' own."""
    return [
        wrong(f"metadata.finalizers[{number}]", each, _NOT_QUALIFIED)
        for number, each in enumerate(meta.get("finalizers", ()))
        if "/" not in each and each not in _STANDARD_FINALIZERS
    ]


def check_labels(given: JsonObject | None, at: str) -> list[Cause]:
    """Check keys and values of labels. Go walks maps in random order; here they come sorted."""
    causes: list[Cause] = []
    for key, value in given.items() if given else ():
        faults = formats.qualified_name(key)
        if faults:
            causes += [wrong(at, key, fault) for fault in faults]
        faults = formats.label_value(value)
        if faults:
            causes += [wrong(at, value, fault) for fault in faults]
    return causes


def check_annotations(given: JsonObject | None, at: str) -> list[Cause]:
    """Check keys of annotations and their size together."""
    if not given:
        return []
    causes: list[Cause] = []
    size = 0
    for key, value in given.items():
        faults = formats.qualified_name(key.lower())
        if faults:
            causes += [wrong(at, key, fault) for fault in faults]
        size += len(key) + len(value)
    # Bytes count; the cheap sum of characters decides whether they must be counted.
    if size * 4 > _MOST_ANNOTATIONS:
        size = sum(len(key.encode()) + len(value.encode()) for key, value in given.items())
        if size > _MOST_ANNOTATIONS:
            causes.append(too_long(at, _MOST_ANNOTATIONS))
    return causes


def _owners(owners: Sequence[JsonObject], at: str) -> list[Cause]:
    causes: list[Cause] = []
    controllers: list[str] = []
    for number, owner in enumerate(owners):
        causes += _owner(owner, f"{at}[{number}]")
        if owner.get("controller"):
            controllers.append(f"{owner.get('kind', '')}/{owner.get('name', '')}")
            if len(controllers) > 1:
                text = (
                    'Only one reference can have Controller set to true. Found "true" in references for '
                    f"{controllers[0]} and {controllers[-1]}"
                )
                causes.append(wrong(at, list(owners), text))
    return causes


def _owner(owner: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    version = owner.get("apiVersion", "")
    if version.count("/") > 1 or version.endswith("/"):
        causes.append(wrong(f"{at}.apiVersion", version, "must be <group>/<version> or <version>"))
    if (version, owner.get("kind")) == ("v1", "Event"):
        causes.append(wrong(at, owner, "/v1, Kind=Event is disallowed from being an owner"))
    return causes


def _finalizers(finalizers: Iterable[str]) -> list[Cause]:
    at = "metadata.finalizers"
    given = list(finalizers)
    causes = [wrong(at, each, fault) for each in given for fault in formats.qualified_name(each)]
    if _ORPHAN in given and _FOREGROUND in given:
        causes.append(wrong(at, given, f"finalizer {_ORPHAN} and {_FOREGROUND} cannot be both set"))
    return causes


def _managed_fields(entries: Iterable[JsonObject]) -> list[Cause]:
    causes: list[Cause] = []
    for number, entry in enumerate(entries):
        operation = entry.get("operation", "")
        if operation not in {"Apply", "Update"}:
            at = f"metadata.managedFields[{number}].operation"
            causes.append(
                unsupported(at, operation, ("Apply", "Update"))
                if operation
                else required(at, "must not be empty")
            )
        if len(entry.get("manager", "")) > _LONGEST_MANAGER:
            causes.append(too_long(f"metadata.managedFields[{number}].manager", _LONGEST_MANAGER))
    return causes


_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})


def label_selector(selector: JsonObject | None, at: str) -> list[Cause]:
    """Check a LabelSelector."""
    if not selector:
        return []
    causes = check_labels(selector.get("matchLabels"), f"{at}.matchLabels")
    for number, each in enumerate(selector.get("matchExpressions", ())):
        causes += _requirement(each, f"{at}.matchExpressions[{number}]")
    return causes


def _requirement(requirement: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    operator, values = requirement.get("operator", ""), requirement.get("values", ())
    if operator not in _OPERATORS:
        causes.append(wrong(f"{at}.operator", operator, "not a valid selector operator"))
    elif operator in {"In", "NotIn"} and not values:
        causes.append(required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in {"Exists", "DoesNotExist"} and values:
        text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        causes.append(prohibited(f"{at}.values", text))
    key = requirement.get("key", "")
    causes += [wrong(f"{at}.key", key, fault) for fault in formats.qualified_name(key)]
    for number, value in enumerate(values):
        causes += [wrong(f"{at}.values[{number}]", value, fault) for fault in formats.label_value(value)]
    return causes


def immutable(new: object, old: object, at: str) -> list[Cause]:
    """Refuse a change of a field."""
    return [] if (new or None) == (old or None) else [wrong(at, new, _IMMUTABLE)]


def non_negative(value: int | None, at: str) -> list[Cause]:
    """Refuse a negative number."""
    return [wrong(at, value, "must be greater than or equal to 0")] if value is not None and value < 0 else []


def duplicates(values: Iterable[Any], at: str) -> list[Cause]:
    """Name every value that was there before."""
    seen: set[Any] = set()
    causes: list[Cause] = []
    for number, value in enumerate(values):
        if value in seen:
            causes.append(duplicate(f"{at}[{number}]", value))
        seen.add(value)
    return causes

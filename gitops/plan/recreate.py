"""What to do when the API server will not update an object because a field of it is immutable."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gitops.objects import GroupKind, Manifest

RECREATE = "gitops-waves.io/recreate"

_JOB = GroupKind("batch", "Job")
_HOLDS_OTHERS = frozenset(
    {GroupKind("", "Namespace"), GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")}
)
# How the API server's validation words it: apimachinery's ValidateImmutableField ("field is immutable"),
# StatefulSets and storage classes ("updates to … are forbidden"), Pods ("may not change fields other than"),
# Services ("may not change once set"), role bindings ("cannot change roleRef").
_IMMUTABLE = re.compile(
    r"immutable|updates to .+ (is|are) forbidden|updates to .+ for fields other than|"
    r"may not change|cannot change|cannot be changed",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Replace:
    """Delete the object and create it from the manifest, after a clean dry-run of its creation."""

    because: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Leave the live object alone; the text says how to allow a replacement, where it can be."""

    because: str


def on_immutable(manifest: Manifest, message: str, causes: Iterable[str] = ()) -> Replace | Refuse:
    """Decide what follows from the API server's refusal (HTTP 422) to update an object.

    `causes` are the messages of the answer's details, `message` the whole. Only when every cause is
    about an immutable field can a replacement help. A Job, immutable by nature, is replaced; any other object
    where its manifest carries `gitops-waves.io/recreate: "true"`. A Namespace or a CRD never is: deleting it
    deletes everything inside or of its kind.
    """
    told = tuple(causes) or (message,)
    key = manifest.key
    if not all(_IMMUTABLE.search(cause) for cause in told):
        return Refuse(message)
    if key.group_kind in _HOLDS_OTHERS:
        return Refuse(f"{message}; replacing {key} would delete everything that belongs to it")
    if key.group_kind == _JOB:
        return Replace("a Job's template cannot be updated")
    if manifest.annotations.get(RECREATE) == "true":
        return Replace(f"an immutable field changed, and {RECREATE} allows it")
    return Refuse(
        f'{message}; to delete {key} and create it again, annotate its manifest with {RECREATE}: "true"'
    )

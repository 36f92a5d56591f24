"""Where a value of a manifest comes from that is not simply written in its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitops.model.catalog import ApplicationSource, EnvironmentSource
from gitops.model.kinds import Cluster
from gitops.objects import Json
from gitops.ownership import ENVIRONMENT, PART_OF
from gitops.pointers import Pointer, pointer_to
from gitops.render.drafts import Draft
from gitops.render.patches import matches, patches_for
from gitops.render.variables import overrides_for, references

_LABEL = "labels."


@dataclass(frozen=True, slots=True)
class Around:
    """What bears on an application's manifests on one cluster."""

    environment: EnvironmentSource
    application: ApplicationSource
    cluster: Cluster


def explain(draft: Draft, pointer: Pointer, around: Around) -> str:
    """Say what to change, and where, instead of the text that `draft` was read from. Quotes no value."""
    path = pointer_to(*pointer) or "/"
    if pointer[-1:] in ((PART_OF,), (ENVIRONMENT,)):
        return f"{path} marks which application the object belongs to, and is written by the controller"
    if draft.secret and pointer[:1] in (("data",), ("stringData",)):
        return (
            f"{path} is a Secret's, whose values are never written: change it by hand at {draft.at(*pointer)}"
        )
    patches = [
        f"the patch at {placed.at('operations', index)}"
        for placed in patches_for(around.environment, around.application, around.cluster)
        if matches(placed.patch.target, draft)
        for index, operation in enumerate(placed.patch.operations)
        if _touches(operation.path, path)
    ]
    if patches:
        return f"{path} is set by {patches[-1]}: change that"
    names = sorted(references(_below(draft.body, pointer)))
    if names:
        where = "; ".join(_variable(name, around) for name in names)
        return f"{path} is made of variables at {draft.at(*pointer)}: {where}"
    return f"{path} is not written as it is applied: change it by hand at {draft.at(*pointer)}"


def _touches(operation: str, path: str) -> bool:
    return operation == path or operation.startswith(f"{path}/") or path.startswith(f"{operation}/")


def _below(value: Json, pointer: Pointer) -> Json:
    for step in pointer:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _variable(name: str, around: Around) -> str:
    place = next(_definitions(name, around), "")
    if place:
        return f"${{{name}}} is defined at {place}"
    if name.startswith(_LABEL):
        label = name.removeprefix(_LABEL)
        return f"${{{name}}} is the label {label} of cluster {around.cluster.metadata.name}"
    return f"${{{name}}} is the target's own"


def _definitions(name: str, around: Around) -> Iterator[str]:
    """The places that define a variable, the one that counts first."""
    for owner in (around.application, around.environment):
        if owner.spec is None:
            continue
        for number, override in reversed(overrides_for(owner.spec, around.cluster)):
            if name in override.variables:
                yield str(owner.at("spec", "overrides", number, "variables", name))
        if name in owner.spec.variables:
            yield str(owner.at("spec", "variables", name))

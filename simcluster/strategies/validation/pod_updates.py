"""Changes of Pods: most of a Pod stays as it was created."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.strategies.validation import formats, internals, meta, pods, scheduling
from simcluster.strategies.validation.causes import prohibited, required, wrong
from simcluster.values import JsonObject

_CHANGEABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a Pod: images, deadlines and tolerations may change, in some directions."""
    causes = meta.metadata(new["metadata"], formats.dns_subdomain, namespaced=True)
    causes += pods.whole(new)
    after, before = new["spec"], old["spec"]
    for field in ("containers", "initContainers"):
        if len(after.get(field) or ()) != len(before.get(field) or ()):
            return [*causes, prohibited(f"spec.{field}", "pod updates may not add or remove containers")]
        for number, container in enumerate(after.get(field) or ()):
            if not container.get("image"):
                causes.append(required(f"spec.{field}[{number}].image"))
    deadline = _deadline(after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    causes += deadline
    if deadline and after.get("activeDeadlineSeconds") is not None:
        return causes
    causes += _tolerations(after.get("tolerations", []), before.get("tolerations", []))
    causes += _gates(after.get("schedulingGates", []), before.get("schedulingGates", []))
    if _munged(after, before) != before:
        shown = internals.difference("PodSpec", before, _munged(after, before))
        text = f"pod updates may not change fields other than {_CHANGEABLE}\n{shown}"
        causes.append(prohibited("spec", text))
    return causes


def _deadline(after: int | None, before: int | None) -> list[Cause]:
    at = "spec.activeDeadlineSeconds"
    if after is None:
        if before is None:
            return []
        return [wrong(at, None, "must not update from a positive integer to nil value")]
    if not 0 <= after <= pods.MOST_DEADLINE:
        return [wrong(at, after, formats.between(0, pods.MOST_DEADLINE))]
    if before is not None and before < after:
        return [wrong(at, after, "must be less than or equal to previous value")]
    return []


def _tolerations(after: list[JsonObject], before: list[JsonObject]) -> list[Cause]:
    def known(toleration: JsonObject) -> JsonObject:
        return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}

    kept = [known(each) for each in after]
    if all(known(each) in kept for each in before):
        return scheduling.tolerations(after, "spec.tolerations")
    text = "existing toleration can not be modified except its tolerationSeconds"
    return [prohibited("spec.tolerations", text)]


def _gates(after: list[JsonObject], before: list[JsonObject]) -> list[Cause]:
    text = "only deletion is allowed, but found new scheduling gate"
    return [
        prohibited(f"spec.schedulingGates[{number}].name", f"{text} '{gate.get('name', '')}'")
        for number, gate in enumerate(after)
        if gate not in before
    ]


def _munged(after: JsonObject, before: JsonObject) -> JsonObject:
    """Return `after` with what may change as it was."""
    munged = dict(after)
    for field in ("containers", "initContainers"):
        if field in munged:
            munged[field] = [
                {**container, "image": previous.get("image", "")}
                for container, previous in zip(munged[field], before[field], strict=True)
            ]
    for field in ("activeDeadlineSeconds", "schedulingGates", "tolerations"):
        munged.pop(field, None)
        if field in before:
            munged[field] = before[field]
    return munged

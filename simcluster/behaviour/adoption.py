"""Which objects a controller takes over or lets go: labels match its selector or no longer do."""

from __future__ import annotations

from collections.abc import Iterable

from simcluster.behaviour.actions import Action, Update
from simcluster.behaviour.client import Client, Component
from simcluster.behaviour.meta import controller_of, controller_reference, deleting, labels_of, spec_of
from simcluster.selectors import matches
from simcluster.values import JsonObject


def settle(client: Client, owner: JsonObject, storage: str, by: Component) -> list[JsonObject]:
    """Return what `owner` controls of a storage, after it has adopted and released what it must."""
    namespace = owner["metadata"]["namespace"]
    orphans = (client.at(each) for each in client.owners.orphans(storage, namespace))
    controlled = client.controlled(owner, storage)
    changes = claims(owner, [*(each for each in orphans if each is not None), *controlled])
    if not changes:
        return controlled
    client.perform(changes, by)
    return client.controlled(owner, storage)


def claims(owner: JsonObject, objects: Iterable[JsonObject]) -> tuple[Action, ...]:
    """Return the updates by which `owner` adopts matching orphans and releases what matches no more.

    `objects` are of one namespace and kind. One that is being deleted does neither.
    """
    selector, uid = spec_of(owner).get("selector"), owner["metadata"]["uid"]
    if not selector or deleting(owner):
        return ()
    changed: list[Action] = []
    for each in objects:
        controller = controller_of(each)
        matching = selects(selector, labels_of(each))
        references = each["metadata"].get("ownerReferences") or []
        if controller is None:
            if matching and not deleting(each):
                changed.append(_with_references(each, [*references, controller_reference(owner)]))
        elif controller["uid"] == uid and not matching:
            changed.append(_with_references(each, [one for one in references if one["uid"] != uid]))
    return tuple(changed)


def selects(selector: JsonObject, labels: dict[str, str]) -> bool:
    """Tell whether a LabelSelector matches; most have nothing but labels."""
    if "matchExpressions" in selector:
        return matches(selector, labels)
    pairs: JsonObject = selector.get("matchLabels") or {}
    return pairs.items() <= labels.items()


def _with_references(obj: JsonObject, references: list[JsonObject]) -> Update:
    return Update({**obj, "metadata": {**obj["metadata"], "ownerReferences": references}})

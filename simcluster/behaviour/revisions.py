"""ControllerRevisions: the numbered history of a StatefulSet's or DaemonSet's pod template."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from simcluster.behaviour.actions import Action, Create, Delete, Update
from simcluster.behaviour.hashes import template_hash
from simcluster.behaviour.meta import age_key, controller_reference, spec_of
from simcluster.values import JsonObject


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of owner writes its revisions."""

    hash_label: str
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class History:
    """All revisions, oldest first, with the one of the present template; what must be written for that."""

    revisions: tuple[JsonObject, ...]
    update: JsonObject
    actions: tuple[Action, ...]


def data_of(template: JsonObject) -> JsonObject:
    """Return what a revision keeps: a strategic merge patch that replaces the template."""
    return {"spec": {"template": {**copy.deepcopy(template), "$patch": "replace"}}}


def template_of(revision: JsonObject) -> JsonObject:
    """Return the pod template that a revision keeps."""
    template = copy.deepcopy(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    found: JsonObject = template
    return found


def current(owner: JsonObject, revisions: Iterable[JsonObject], form: Form) -> History:
    """Return the history with a revision for the owner's template, numbered after all others.

    One with the same data is used again, under the next number unless it is the last one already.
    """
    every = sorted(revisions, key=lambda each: (each["revision"], age_key(each)))
    data = data_of(spec_of(owner)["template"])
    number = every[-1]["revision"] + 1 if every else 1
    equal = [each for each in every if each["data"] == data]
    if not equal:
        made = _new(owner, data, number, form)
        return History((*every, made), made, (Create(made),))
    found = equal[-1]
    if found is every[-1]:
        return History(tuple(every), found, ())
    raised = {**found, "revision": number}
    rest = [each for each in every if each is not found]
    return History((*rest, raised), raised, (Update(raised),))


def surplus(history: History, limit: int | None, live: Collection[str]) -> tuple[Action, ...]:
    """Return the deletions of the oldest revisions beyond the limit that nothing uses; `live` are names."""
    unused = [
        each
        for each in history.revisions
        if each["metadata"]["name"] not in live and each is not history.update
    ]
    extra = len(unused) - (10 if limit is None else limit)
    return tuple(Delete(each) for each in unused[: max(extra, 0)])


def _new(owner: JsonObject, data: JsonObject, number: int, form: Form) -> JsonObject:
    metadata = owner["metadata"]
    digest = template_hash(data, (owner.get("status") or {}).get("collisionCount") or None)
    told = (spec_of(owner)["template"].get("metadata") or {}).get("labels") or {}
    made: JsonObject = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{metadata['name'][:223]}-{digest}",
            "namespace": metadata["namespace"],
            "labels": {**told, form.hash_label: digest},
            "ownerReferences": [controller_reference(owner)],
        },
        "data": data,
        "revision": number,
    }
    if form.annotations:
        made["metadata"]["annotations"] = dict(form.annotations)
    return made

"""Deployments: which ReplicaSets there should be and how large, one step at a time.

The rules and texts are those of kube-controller-manager (pkg/controller/deployment), measured on 1.37.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from datetime import datetime

from simcluster.behaviour import deployment_history as history
from simcluster.behaviour import deployment_scale as scale
from simcluster.behaviour import deployment_status as progress
from simcluster.behaviour.actions import Action, Create, Decision, Delete, Record, Update, UpdateStatus
from simcluster.behaviour.hashes import template_hash
from simcluster.behaviour.meta import (
    LookAgain,
    age_key,
    annotations_of,
    controller_reference,
    deleting,
    spec_of,
    status_of,
)
from simcluster.values import JsonObject

_NAME_MAX = 253


def decide(
    deployment: JsonObject,
    replica_sets: Iterable[JsonObject],
    pods: Callable[[], Iterable[JsonObject]],
    now: datetime,
) -> Decision:
    """Return the next step of a Deployment.

    `replica_sets` are those it controls; `pods` gives all pods of theirs, and is asked only where the
    strategy is Recreate.
    """
    return _Pass(deployment, replica_sets, now).run(pods)


class _Pass:
    """One look at one Deployment, on copies. `old` are all ReplicaSets but `new`, oldest first."""

    def __init__(self, deployment: JsonObject, replica_sets: Iterable[JsonObject], now: datetime) -> None:
        self.before = deployment
        self.deployment = history.writable(deployment)
        read = sorted(replica_sets, key=age_key)
        self.old = [history.writable(each) for each in read]
        self.read = {each["metadata"]["name"]: each for each in read}
        self.new: JsonObject | None = self._find_new()
        if self.new is not None:
            self.old.remove(self.new)
        self.now = now
        self.actions: list[Action] = []
        self.again = LookAgain()

    def run(self, pods: Callable[[], Iterable[JsonObject]]) -> Decision:
        if deleting(self.deployment):
            self._sync_revision()
            self._finish(self._plain_status())
        else:
            self._check_paused()
            self._sync_revision()
            if spec_of(self.deployment).get("paused") or self._is_scaling():
                self._sync_scale()
            elif (spec_of(self.deployment).get("strategy") or {}).get("type") == "Recreate":
                self._recreate(pods())
            else:
                self._roll()
        return Decision(tuple(self.actions), self.again.at)

    @property
    def _all(self) -> list[JsonObject]:
        return [*self.old, self.new] if self.new is not None else list(self.old)

    def _find_new(self) -> JsonObject | None:
        wanted = history.without_hash(spec_of(self.deployment)["template"])
        return next(
            (each for each in self.old if history.without_hash(spec_of(each)["template"]) == wanted), None
        )

    def _check_paused(self) -> None:
        if not progress.has_deadline(self.deployment):
            return
        found = progress.progressing(self.deployment)
        if found is not None and found.get("reason") == progress.TIMED_OUT:
            return
        said = found is not None and found.get("reason") == progress.PAUSED
        if spec_of(self.deployment).get("paused", False) == said:
            return
        reason = progress.RESUMED if said else progress.PAUSED
        message = "Deployment is resumed" if said else "Deployment is paused"
        progress.set_condition(
            self._status(), progress.new("Progressing", "Unknown", reason, message, self.now)
        )

    def _status(self) -> JsonObject:
        found: JsonObject = self.deployment.setdefault("status", {})
        return found

    def _is_scaling(self) -> bool:
        replicas = scale.replicas(self.deployment)
        return any(scale.desired(each) not in (None, replicas) for each in scale.active(self._all))

    def _next_number(self) -> int:
        return max(map(history.revision_of, self.old), default=0) + 1

    def _sync_revision(self) -> None:
        """Number the new ReplicaSet after all others."""
        if self.new is not None:
            self._number(self.new, self._next_number())

    def _made_new(self) -> JsonObject:
        """Return the new ReplicaSet, made now where it is missing."""
        if self.new is None:
            self.new = self._create_new(self._next_number())
        return self.new

    def _number(self, replica_set: JsonObject, number: int) -> None:
        before = dict(annotations_of(replica_set))
        history.annotate(self.deployment, replica_set, number)
        seconds = spec_of(self.deployment).get("minReadySeconds", 0)
        changed = annotations_of(replica_set) != before
        if spec_of(replica_set).get("minReadySeconds", 0) != seconds:
            changed = True
            replica_set["spec"]["minReadySeconds"] = seconds
            if not seconds:
                del replica_set["spec"]["minReadySeconds"]
        if changed:
            self._write(replica_set)
        self._set_revision(annotations_of(replica_set).get(history.REVISION, ""))
        if progress.has_deadline(self.deployment) and progress.progressing(self.deployment) is None:
            message = f'Found new replica set "{replica_set["metadata"]["name"]}"'
            found = progress.new("Progressing", "True", "FoundNewReplicaSet", message, self.now)
            progress.set_condition(self._status(), found)

    def _set_revision(self, number: str) -> None:
        if annotations_of(self.deployment).get(history.REVISION) != number:
            self.deployment["metadata"].setdefault("annotations", {})[history.REVISION] = number

    def _create_new(self, number: int) -> JsonObject:
        made = self._new_replica_set()
        replicas = scale.new_replicas(self.deployment, [*self.old, made], made)
        made["spec"]["replicas"] = replicas
        history.annotate(self.deployment, made, number)
        scale.annotate(self.deployment, made)
        self.actions.append(Create(made))
        name = made["metadata"]["name"]
        if replicas:
            self._record(f"Scaled up replica set {name} from 0 to {replicas}")
        self._set_revision(str(number))
        if progress.has_deadline(self.deployment):
            message = f'Created new replica set "{name}"'
            found = progress.new("Progressing", "True", "NewReplicaSetCreated", message, self.now)
            progress.set_condition(self._status(), found)
        return made

    def _new_replica_set(self) -> JsonObject:
        metadata, wanted = self.deployment["metadata"], spec_of(self.deployment)
        template = copy.deepcopy(wanted["template"])
        digest = template_hash(template, status_of(self.deployment).get("collisionCount"))
        both = template.setdefault("metadata", {}).setdefault("labels", {})
        both[history.HASH_LABEL] = digest
        selector = copy.deepcopy(wanted["selector"])
        selector.setdefault("matchLabels", {})[history.HASH_LABEL] = digest
        seconds = wanted.get("minReadySeconds")
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{metadata['name'][: _NAME_MAX - len(digest) - 1]}-{digest}",
                "namespace": metadata["namespace"],
                "labels": dict(both),
                "ownerReferences": [controller_reference(self.deployment)],
            },
            "spec": {
                "replicas": 0,
                **({"minReadySeconds": seconds} if seconds else {}),
                "selector": selector,
                "template": template,
            },
        }

    def _write(self, replica_set: JsonObject) -> None:
        """Have a ReplicaSet written once, as it is at the end of this pass."""
        written = (each.object for each in self.actions if isinstance(each, (Create, Update)))
        if not any(each is replica_set for each in written):
            self.actions.append(Update(replica_set, self.read[replica_set["metadata"]["name"]]))

    def _record(self, message: str) -> None:
        self.actions.append(Record(self.before, "Normal", "ScalingReplicaSet", message))

    def _scale(self, replica_set: JsonObject, size: int, *, annotate: bool = False) -> bool:
        """Give a ReplicaSet its size; with `annotate` also where only its annotations are old."""
        before = spec_of(replica_set).get("replicas", 1)
        if before == size and not annotate:
            return False
        outdated = scale.annotate(self.deployment, replica_set)
        if before == size and not outdated:
            return False
        replica_set["spec"]["replicas"] = size
        self._write(replica_set)
        if before == size:
            return False
        way = "up" if before < size else "down"
        name = replica_set["metadata"]["name"]
        self._record(f"Scaled {way} replica set {name} from {before} to {size}")
        return True

    def _sync_scale(self) -> None:
        for replica_set, size, annotate in scale.proportions(self.deployment, self.new, self.old):
            self._scale(replica_set, size, annotate=annotate)
        if spec_of(self.deployment).get("paused"):
            self._clean_up()
        self._finish(self._plain_status())

    def _roll(self) -> None:
        new = self._made_new()
        wanted = scale.replicas(self.deployment)
        size = spec_of(new).get("replicas", 1)
        if size > wanted:
            size = wanted
        elif size < wanted:
            size = scale.new_replicas(self.deployment, self._all, new)
        if not self._scale(new, size) and not self._shrink_old(new):
            self._clean_up_when_complete()
        self._finish(self._rollout_status())

    def _shrink_old(self, new: JsonObject) -> bool:
        sizes = scale.old_sizes(self.deployment, new, scale.active(self.old))
        changed = [self._scale(replica_set, size) for replica_set, size in sizes]
        return any(changed)

    def _recreate(self, pods: Iterable[JsonObject]) -> None:
        shrunk = [self._scale(each, 0) for each in scale.active(self.old)]
        if not any(shrunk) and not history.old_pods_run(self.new, self.old, pods):
            self._scale(self._made_new(), scale.replicas(self.deployment))
            self._clean_up_when_complete()
        self._finish(self._rollout_status())

    def _clean_up_when_complete(self) -> None:
        if progress.complete(self.deployment, status_of(self.before)):
            self._clean_up()

    def _clean_up(self) -> None:
        """Delete the oldest ReplicaSets beyond the limit of the history that are empty and observed."""
        limit = spec_of(self.deployment).get("revisionHistoryLimit")
        living = [each for each in self.old if not deleting(each)]
        if limit is None or len(living) <= limit:
            return
        living.sort(key=lambda each: (history.revision_of(each), age_key(each)))
        for each in living[: len(living) - limit]:
            observed = status_of(each).get("observedGeneration", 0) >= each["metadata"].get("generation", 0)
            if observed and not status_of(each).get("replicas") and not spec_of(each).get("replicas"):
                self.actions.append(Delete(each))

    def _plain_status(self) -> JsonObject:
        return progress.calculate(self.deployment, self._all, self.new, self.now)

    def _rollout_status(self) -> JsonObject:
        look = progress.Look(self.deployment, status_of(self.before), self._all, self.new, self.now)
        return progress.rollout(look, self.again)

    def _finish(self, found: JsonObject) -> None:
        annotated = annotations_of(self.deployment) != annotations_of(self.before)
        if annotated or found != status_of(self.before):
            told = annotations_of(self.deployment) if annotated else None
            self.actions.append(UpdateStatus(self.before, found, told))

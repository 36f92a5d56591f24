"""StatefulSets: pods with numbers, made in order, updated from the highest number down."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from simcluster.behaviour import pods as pod_rules
from simcluster.behaviour.actions import Action, Create, Delete, Record
from simcluster.behaviour.meta import (
    LookAgain,
    controller_reference,
    deleting,
    labels_of,
    scaled,
    spec_of,
    status_of,
)
from simcluster.behaviour.revisions import template_of
from simcluster.values import JsonObject

REVISION_LABEL = "controller-revision-hash"


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revision that pods had, and the one that they shall have."""

    current: JsonObject
    update: JsonObject

    @property
    def names(self) -> tuple[str, str]:
        """Both names."""
        return self.current["metadata"]["name"], self.update["metadata"]["name"]


def decide(
    found: JsonObject,
    revisions: Revisions,
    pods: Iterable[JsonObject],
    claims: Iterable[str],
    now: datetime,
) -> tuple[Action, ...]:
    """Return what to do with the pods now; `claims` are the names of the claims that are there."""
    if deleting(found):
        return ()
    return _Pass(found, revisions, pods, frozenset(claims), now).run()


def ordinal(pod: JsonObject) -> int:
    """Return the number at the end of a pod's name, -1 where there is none."""
    _, _, number = pod["metadata"]["name"].rpartition("-")
    return int(number) if number.isdigit() else -1


class _Pass:
    def __init__(
        self,
        found: JsonObject,
        revisions: Revisions,
        pods: Iterable[JsonObject],
        claims: frozenset[str],
        now: datetime,
    ) -> None:
        self.found = found
        self.spec = spec_of(found)
        self.revisions = revisions
        self.claims = claims
        self.now = now
        self.start = (self.spec.get("ordinals") or {}).get("start", 0)
        wanted = self.spec.get("replicas")
        self.end = self.start + (1 if wanted is None else wanted)
        self.pods: Mapping[int, JsonObject] = {ordinal(each): each for each in pods}
        self.actions: list[Action] = []
        self.ordered = self.spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady"

    def run(self) -> tuple[Action, ...]:
        if self._make_all() and self._drop_condemned():
            self._update()
        return tuple(self.actions)

    def _unavailable(self, pod: JsonObject | None) -> bool:
        if pod is None or deleting(pod) or pod_rules.phase(pod) != "Running":
            return True
        return not pod_rules.available(pod, self.spec.get("minReadySeconds", 0), self.now)

    def _make_all(self) -> bool:
        """Make what is missing; tell whether all is as it must be before anything is taken away."""
        settled = True
        for number in range(self.start, self.end):
            pod = self.pods.get(number)
            if pod is None:
                self._create(number)
                settled = False
            elif pod_rules.finished(pod) and not deleting(pod):
                self._delete(pod)
                settled = False
            elif self.ordered and self._unavailable(pod):
                settled = False
            if self.ordered and not settled:
                return False
        return settled or not self.ordered

    def _drop_condemned(self) -> bool:
        """Delete pods beyond the wanted number, the highest first, one at a time where order counts."""
        condemned = sorted(
            (number for number in self.pods if number >= 0 and not self._wanted(number)), reverse=True
        )
        for number in condemned:
            pod = self.pods[number]
            if deleting(pod):
                if self.ordered:
                    return False
                continue
            self._delete(pod)
            if self.ordered:
                return False
        return True

    def _wanted(self, number: int) -> bool:
        return bool(self.start <= number < self.end)

    def _update(self) -> None:
        strategy = self.spec.get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return
        rolling = strategy.get("rollingUpdate") or {}
        count = self.end - self.start
        most = max(scaled(rolling.get("maxUnavailable", 1), count, up=False), 1)
        lowest = self.start + (rolling.get("partition") or 0)
        deleted: set[int] = set()
        if not self.ordered:
            deleted = {
                number
                for number in range(lowest, self.end)
                if self._outdated(number) and self._unavailable(self.pods.get(number))
            }
            for number in sorted(deleted, reverse=True):
                self._delete(self.pods[number])
        unavailable = sum(
            1
            for number in range(self.start, self.end)
            if number in deleted or self._unavailable(self.pods.get(number))
        )
        for number in range(self.end - 1, lowest - 1, -1):
            if unavailable >= most:
                return
            if number not in deleted and self._outdated(number):
                self._delete(self.pods[number])
                unavailable += 1

    def _outdated(self, number: int) -> bool:
        pod = self.pods.get(number)
        update = self.revisions.names[1]
        return pod is not None and not deleting(pod) and labels_of(pod).get(REVISION_LABEL) != update

    def _delete(self, pod: JsonObject) -> None:
        self.actions.append(Delete(pod))
        name, owner = pod["metadata"]["name"], self.found["metadata"]["name"]
        message = f"Delete Pod {name} in StatefulSet {owner} successful"
        self.actions.append(Record(self.found, "Normal", "SuccessfulDelete", message))

    def _create(self, number: int) -> None:
        revision = self._revision_for(number)
        pod = new_pod(self.found, revision, number)
        name, owner = pod["metadata"]["name"], self.found["metadata"]["name"]
        for template in self.spec.get("volumeClaimTemplates") or ():
            claim = new_claim(self.found, template, number)
            claim_name = claim["metadata"]["name"]
            if claim_name not in self.claims:
                self.actions.append(Create(claim))
                message = f"Create Claim {claim_name} Pod {name} in StatefulSet {owner} success"
                self.actions.append(Record(self.found, "Normal", "SuccessfulCreate", message))
        self.actions.append(Create(pod))
        message = f"Create Pod {name} in StatefulSet {owner} successful"
        self.actions.append(Record(self.found, "Normal", "SuccessfulCreate", message))

    def _revision_for(self, number: int) -> JsonObject:
        """Below the partition a pod comes back as it was (newVersionedStatefulSetPod)."""
        strategy = self.spec.get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") == "RollingUpdate":
            rolling = strategy.get("rollingUpdate")
            kept = (
                status_of(self.found).get("currentReplicas", 0)
                if rolling is None
                else rolling.get("partition", 0)
            )
            if number < self.start + (kept or 0):
                return self.revisions.current
        return self.revisions.update


def new_pod(found: JsonObject, revision: JsonObject, number: int) -> JsonObject:
    """Return the pod of that number, by a revision's template, with its identity and claims."""
    name = f"{found['metadata']['name']}-{number}"
    pod = pod_rules.from_template(template_of(revision), found, name, f"{found['metadata']['name']}-")
    both = pod["metadata"].setdefault("labels", {})
    both["statefulset.kubernetes.io/pod-name"] = name
    both["apps.kubernetes.io/pod-index"] = str(number)
    both[REVISION_LABEL] = revision["metadata"]["name"]
    pod["spec"]["hostname"] = name
    if spec_of(found).get("serviceName"):
        pod["spec"]["subdomain"] = spec_of(found)["serviceName"]
    templates = spec_of(found).get("volumeClaimTemplates") or ()
    claimed = {each["metadata"]["name"] for each in templates}
    volumes = [
        {
            "name": each["metadata"]["name"],
            "persistentVolumeClaim": {"claimName": f"{each['metadata']['name']}-{name}"},
        }
        for each in templates
    ]
    others = [each for each in pod["spec"].get("volumes") or () if each["name"] not in claimed]
    if volumes or others:
        pod["spec"]["volumes"] = [*volumes, *others]
    return pod


def new_claim(found: JsonObject, template: JsonObject, number: int) -> JsonObject:
    """Return the claim that a template asks for, for the pod of that number."""
    told = template["metadata"]
    policy = spec_of(found).get("persistentVolumeClaimRetentionPolicy") or {}
    metadata: JsonObject = {
        "name": f"{told['name']}-{found['metadata']['name']}-{number}",
        "namespace": found["metadata"]["namespace"],
        "labels": {
            **(told.get("labels") or {}),
            **((spec_of(found).get("selector") or {}).get("matchLabels") or {}),
        },
    }
    if told.get("annotations"):
        metadata["annotations"] = dict(told["annotations"])
    if policy.get("whenDeleted") == "Delete":
        metadata["ownerReferences"] = [controller_reference(found)]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": copy.deepcopy(template["spec"]),
    }


def calculate(
    found: JsonObject,
    revisions: Revisions,
    pods: Iterable[JsonObject],
    now: datetime,
    again: LookAgain,
) -> JsonObject:
    """Return the status that counts `pods`; a finished update makes its revision the current one."""
    seconds = spec_of(found).get("minReadySeconds", 0)
    current, update = revisions.names
    counts = dict.fromkeys(
        ("replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas"), 0
    )
    for pod in pods:
        counts["replicas"] += 1
        if pod_rules.phase(pod) == "Running" and pod_rules.ready(pod):
            counts["readyReplicas"] += 1
            at = pod_rules.available_at(pod, seconds)
            if at is None or not seconds or at <= now:
                counts["availableReplicas"] += 1
            else:
                again.not_after(at)
        if not deleting(pod):
            revision = labels_of(pod).get(REVISION_LABEL)
            counts["currentReplicas"] += revision == current
            counts["updatedReplicas"] += revision == update
    rolling = (spec_of(found).get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"
    if rolling and counts["updatedReplicas"] == counts["readyReplicas"] == counts["replicas"] == _replicas(
        found
    ):
        current, counts["currentReplicas"] = update, counts["updatedReplicas"]
    kept = ("replicas", "availableReplicas")
    status: JsonObject = {
        "observedGeneration": found["metadata"].get("generation", 1),
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": status_of(found).get("collisionCount", 0),
        **{key: value for key, value in counts.items() if value or key in kept},
    }
    if status_of(found).get("conditions"):
        status["conditions"] = status_of(found)["conditions"]
    return status


def _replicas(found: JsonObject) -> int:
    wanted = spec_of(found).get("replicas")
    return 1 if wanted is None else int(wanted)

"""DaemonSets: one pod on every node that the template and the taints allow, replaced a few at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from simcluster.behaviour import pods as pod_rules
from simcluster.behaviour import scheduler
from simcluster.behaviour.meta import LookAgain, age_key, deleting, labels_of, scaled, settled, spec_of
from simcluster.values import JsonObject

HASH_LABEL = "controller-revision-hash"
GENERATION = "deprecated.daemonset.template.generation"
_NO_EXECUTE = ("not-ready", "unreachable")
_NO_SCHEDULE = ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The nodes that get a pod, and the pods that go; `failed` of these ran to their end."""

    create: tuple[str, ...]
    delete: tuple[JsonObject, ...]
    failed: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """A DaemonSet with its pods and all nodes; `digest` is the hash of the present template."""

    found: JsonObject
    pods: Sequence[JsonObject]
    nodes: Sequence[JsonObject]
    digest: str
    now: datetime

    @property
    def seconds(self) -> int:
        """`minReadySeconds`."""
        return int(spec_of(self.found).get("minReadySeconds", 0))

    def available(self, pod: JsonObject) -> bool:
        """Ready for long enough, and not on its way out."""
        return not deleting(pod) and pod_rules.available(pod, self.seconds, self.now)


def node_of(pod: JsonObject) -> str:
    """Return the node that a pod is on or is made for."""
    if spec_of(pod).get("nodeName"):
        return str(spec_of(pod)["nodeName"])
    affinity = (spec_of(pod).get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for each in term.get("matchFields") or ():
            if each["key"] == "metadata.name":
                return str(each["values"][0])
    return ""


def by_node(pods: Iterable[JsonObject]) -> dict[str, list[JsonObject]]:
    """Return pods by their node, oldest first."""
    found: dict[str, list[JsonObject]] = {}
    for pod in sorted(pods, key=age_key):
        found.setdefault(node_of(pod), []).append(pod)
    return found


def should_run(found: JsonObject, node: JsonObject) -> tuple[bool, bool]:
    """Tell whether a node shall have a pod, and whether one that it has may stay."""
    pod = _probe(found)
    if not scheduler.matches_node(pod, node):
        return False, False
    if scheduler.tolerates(pod, node, ("NoSchedule", "NoExecute")):
        return True, True
    return False, scheduler.tolerates(pod, node, ("NoExecute",))


def decide(look: Look) -> Wanted:
    """Return what to create and delete: first what is missing or too much, else the rolling update."""
    placed = by_node(look.pods)
    create: list[str] = []
    delete: list[JsonObject] = []
    failed: list[JsonObject] = []
    for node in look.nodes:
        name = node["metadata"]["name"]
        run, stay = should_run(look.found, node)
        living = [each for each in placed.get(name, ()) if not deleting(each)]
        ended = [each for each in living if pod_rules.phase(each) == "Failed"]
        kept = [each for each in living if each not in ended]
        failed += ended
        if run and not placed.get(name):
            create.append(name)
        elif run and not _surge(look.found):
            delete += kept[1:]
        elif not stay:
            delete += kept
    names = {node["metadata"]["name"] for node in look.nodes}
    delete += [each for each in look.pods if node_of(each) not in names and not deleting(each)]
    if create or delete or failed:
        return Wanted(tuple(create), tuple(delete), tuple(failed))
    if (spec_of(look.found).get("updateStrategy") or {}).get("type", "RollingUpdate") != "RollingUpdate":
        return Wanted((), ())
    return _surge_update(look, placed) if _surge(look.found) else _update(look, placed)


def _rolling(found: JsonObject) -> JsonObject:
    return (spec_of(found).get("updateStrategy") or {}).get("rollingUpdate") or {}


def _surge(found: JsonObject) -> int | str:
    """Return maxSurge where it is any."""
    value: int | str = _rolling(found).get("maxSurge") or 0
    return 0 if value == "0%" else value


def _most(look: Look, value: int | str) -> int:
    return scaled(value, _desired(look), up=True)


def _desired(look: Look) -> int:
    return sum(1 for node in look.nodes if should_run(look.found, node)[0])


def _update(look: Look, placed: Mapping[str, Sequence[JsonObject]]) -> Wanted:
    """Delete outdated pods: those that are unavailable anyway, others as far as maxUnavailable allows."""
    unavailable, free, candidates = 0, [], []
    for node in sorted(placed):
        pods = placed[node]
        outdated = [each for each in pods if labels_of(each).get(HASH_LABEL) != look.digest]
        if not outdated:
            unavailable += not look.available(pods[0])
        elif look.available(outdated[0]):
            candidates.append(outdated[0])
        else:
            unavailable += 1
            free += [each for each in outdated[:1] if not deleting(each)]
    room = max(_most(look, _rolling(look.found).get("maxUnavailable", 1)) - unavailable, 0)
    return Wanted((), (*free, *candidates[:room]))


def _surge_update(look: Look, placed: Mapping[str, Sequence[JsonObject]]) -> Wanted:
    """Make the new pod beside the old one, and delete the old one when the new one is available."""
    create, delete = [], []
    room = _most(look, _surge(look.found))
    for node in sorted(placed):
        living = [each for each in placed[node] if not deleting(each)]
        outdated = [each for each in living if labels_of(each).get(HASH_LABEL) != look.digest]
        updated = [each for each in living if labels_of(each).get(HASH_LABEL) == look.digest]
        if not outdated:
            continue
        if updated:
            room -= 1
            if look.available(updated[0]):
                delete += outdated
        elif room > 0 or not look.available(outdated[0]):
            room -= 1
            create.append(node)
    return Wanted(tuple(create), tuple(delete))


def calculate(look: Look, again: LookAgain) -> JsonObject:
    """Return the status: counts of nodes by what their pod is."""
    counts = dict.fromkeys(("desired", "current", "misscheduled", "ready", "updated", "available"), 0)
    placed = by_node(each for each in look.pods if pod_rules.phase(each) != "Failed")
    for node in look.nodes:
        run, _ = should_run(look.found, node)
        pods = placed.get(node["metadata"]["name"], ())
        counts["desired"] += run
        if not pods:
            continue
        if not run:
            counts["misscheduled"] += 1
            continue
        counts["current"] += 1
        pod = next((each for each in reversed(pods) if look.available(each)), pods[0])
        counts["updated"] += labels_of(pod).get(HASH_LABEL) == look.digest
        if pod_rules.ready(pod):
            counts["ready"] += 1
            at = pod_rules.available_at(pod, look.seconds)
            if look.available(pod):
                counts["available"] += 1
            elif at is not None and look.seconds:
                again.not_after(at)
    return {
        "currentNumberScheduled": counts["current"],
        "desiredNumberScheduled": counts["desired"],
        "numberMisscheduled": counts["misscheduled"],
        "numberReady": counts["ready"],
        **settled(
            {
                "observedGeneration": look.found["metadata"].get("generation", 0),
                "updatedNumberScheduled": counts["updated"],
                "numberAvailable": counts["available"],
                "numberUnavailable": counts["desired"] - counts["available"],
            }
        ),
    }


def new_pod(found: JsonObject, node: str, digest: str, name: str) -> JsonObject:
    """Return a pod that only fits on `node`, and stands what a daemon must."""
    pod = pod_rules.from_template(spec_of(found)["template"], found, name, f"{found['metadata']['name']}-")
    both = pod["metadata"].setdefault("labels", {})
    both[HASH_LABEL] = digest
    generation = (found["metadata"].get("annotations") or {}).get(GENERATION)
    if generation:
        both["pod-template-generation"] = generation
    affinity = pod["spec"].setdefault("affinity", {}).setdefault("nodeAffinity", {})
    only = [{"key": "metadata.name", "operator": "In", "values": [node]}]
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms: list[JsonObject] = required.get("nodeSelectorTerms") or [{}]
    affinity["requiredDuringSchedulingIgnoredDuringExecution"] = {
        "nodeSelectorTerms": [{**term, "matchFields": only} for term in terms]
    }
    pod["spec"]["tolerations"] = _tolerations(pod)
    return pod


def _tolerations(pod: JsonObject) -> list[JsonObject]:
    daemon = [("NoExecute", each) for each in _NO_EXECUTE] + [("NoSchedule", each) for each in _NO_SCHEDULE]
    if spec_of(pod).get("hostNetwork"):
        daemon.append(("NoSchedule", "network-unavailable"))
    found = list(spec_of(pod).get("tolerations") or ())
    for effect, name in daemon:
        toleration = {"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": effect}
        if toleration not in found:
            found.append(toleration)
    return found


def _probe(found: JsonObject) -> JsonObject:
    """Return enough of a pod to ask where it may run."""
    spec = copy.copy(spec_of(found)["template"]["spec"])
    spec["tolerations"] = _tolerations({"spec": spec})
    return {"spec": spec}

"""Where a pod goes: which nodes it fits on, which of them is best, and what to say when there is none.

Looked at: spec.unschedulable, taints, nodeSelector and required node affinity, host ports, requests against
what is allocatable. Pod affinity, topology spread constraints and preemption are not simulated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from simcluster.behaviour.meta import labels_of, spec_of, status_of
from simcluster.strategies.amounts import thousandths
from simcluster.values import JsonObject

Amounts: TypeAlias = Mapping[str, int]
_HOPELESS = "Preemption is not helpful for scheduling"
_NO_VICTIMS = "No preemption victims found for incoming pod"


@dataclass(frozen=True, slots=True)
class Load:
    """What the pods of a node take: amounts in thousandths, host ports, and how many have which owner."""

    amounts: Amounts
    ports: frozenset[tuple[str, int]]
    pods: int
    owners: Mapping[str, int]


EMPTY = Load({}, frozenset(), 0, {})


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a pod does not fit on a node; `hopeless` even if the node were empty."""

    reasons: tuple[str, ...]
    hopeless: bool


def requests(pod: JsonObject) -> dict[str, int]:
    """Return what a pod asks for, in thousandths: containers' sum, or its largest init container."""
    total: dict[str, int] = {}
    for container in spec_of(pod).get("containers") or ():
        for name, value in _asked(container).items():
            total[name] = total.get(name, 0) + thousandths(value)
    for container in spec_of(pod).get("initContainers") or ():
        for name, value in _asked(container).items():
            total[name] = max(total.get(name, 0), thousandths(value))
    for name, value in (spec_of(pod).get("overhead") or {}).items():
        total[name] = total.get(name, 0) + thousandths(value)
    return total


def host_ports(pod: JsonObject) -> frozenset[tuple[str, int]]:
    """Return the (protocol, port) pairs that a pod takes of its node."""
    return frozenset(
        (port.get("protocol", "TCP"), port["hostPort"])
        for container in spec_of(pod).get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    )


def owner_of(pod: JsonObject) -> str:
    """Return what its pods are spread by: the controller's uid, "" for a pod without."""
    for reference in pod["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return str(reference["uid"])
    return ""


def place(pod: JsonObject, nodes: Iterable[JsonObject], loads: Mapping[str, Load]) -> str | None:
    """Return the best node's name, None where the pod fits on none.

    Best: fewest pods of the same owner, then the smallest share of CPU and memory taken, then fewest pods.
    """
    asked, owner = requests(pod), owner_of(pod)
    best: tuple[tuple[float, ...], str] | None = None
    for node in nodes:
        name = node["metadata"]["name"]
        load = loads.get(name, EMPTY)
        if fits(pod, asked, node, load) is not None:
            continue
        score = (load.owners.get(owner, 0) if owner else 0, _taken(node, load), load.pods)
        if best is None or score < best[0]:
            best = (score, name)
    return None if best is None else best[1]


def fits(pod: JsonObject, asked: Amounts, node: JsonObject, load: Load) -> Unfit | None:
    """Return why a pod does not fit on a node, by the first of the scheduler's filters that says no."""
    if spec_of(node).get("unschedulable") and not _tolerates(
        pod, {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    ):
        return Unfit(("node(s) were unschedulable",), hopeless=True)
    for taint in spec_of(node).get("taints") or ():
        if taint["effect"] != "PreferNoSchedule" and not _tolerates(pod, taint):
            return Unfit(("node(s) had untolerated taint(s)",), hopeless=True)
    if not matches_node(pod, node):
        return Unfit(("node(s) didn't match Pod's node affinity/selector",), hopeless=True)
    if host_ports(pod) & load.ports:
        return Unfit(("node(s) didn't have free ports for the requested pod ports",), hopeless=False)
    return _fits_resources(asked, node, load)


def matches_node(pod: JsonObject, node: JsonObject) -> bool:
    """Tell whether the pod's nodeSelector and required node affinity allow a node."""
    wanted = spec_of(pod).get("nodeSelector") or {}
    if not wanted.items() <= labels_of(node).items():
        return False
    affinity = (spec_of(pod).get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_term(term, node) for term in required.get("nodeSelectorTerms") or ())


def tolerates(pod: JsonObject, node: JsonObject, effects: tuple[str, ...]) -> bool:
    """Tell whether a pod stands every taint of a node that has one of these effects."""
    taints = spec_of(node).get("taints") or ()
    return all(_tolerates(pod, taint) for taint in taints if taint["effect"] in effects)


def unschedulable_message(count: int, reasons: tuple[str, ...], *, hopeless: int) -> str:
    """Say why a pod stays Pending, in the scheduler's words: how many nodes have which reason."""
    if count == 0:
        return "no nodes available to schedule pods"
    told = ", ".join(sorted(f"{number} {reason}" for reason, number in Counter(reasons).items()))
    victims = [(hopeless, _HOPELESS), (count - hopeless, _NO_VICTIMS)]
    preemption = ", ".join(sorted(f"{number} {reason}" for number, reason in victims if number))
    head = f"0/{count} nodes are available: "
    return f"{head}{told}. preemption: {head}{preemption}."


def explain(pod: JsonObject, nodes: list[JsonObject], loads: Mapping[str, Load]) -> str:
    """Return the message for a pod that fits nowhere."""
    asked = requests(pod)
    found = [fits(pod, asked, node, loads.get(node["metadata"]["name"], EMPTY)) for node in nodes]
    unfit = [each for each in found if each is not None]
    reasons = tuple(reason for each in unfit for reason in each.reasons)
    hopeless = sum(each.hopeless for each in unfit)
    return unschedulable_message(len(nodes), reasons, hopeless=hopeless)


def _asked(container: JsonObject) -> Mapping[str, str]:
    found: Mapping[str, str] = (container.get("resources") or {}).get("requests") or {}
    return found


def _allocatable(node: JsonObject) -> Mapping[str, str]:
    found: Mapping[str, str] = status_of(node).get("allocatable") or status_of(node).get("capacity") or {}
    return found


def _fits_resources(asked: Amounts, node: JsonObject, load: Load) -> Unfit | None:
    room = _allocatable(node)
    reasons, hopeless = [], False
    if (load.pods + 1) * 1000 > thousandths(room.get("pods", "110")):
        reasons.append("Too many pods")
    for name, amount in sorted(asked.items()):
        most = thousandths(room.get(name, "0"))
        if amount and amount > most - load.amounts.get(name, 0):
            reasons.append(f"Insufficient {name}")
            hopeless = hopeless or amount > most
    return Unfit(tuple(reasons), hopeless) if reasons else None


def _taken(node: JsonObject, load: Load) -> float:
    room = _allocatable(node)
    shares = [
        load.amounts.get(name, 0) / (thousandths(room.get(name, "0")) or 1) for name in ("cpu", "memory")
    ]
    return sum(shares)


def _tolerates(pod: JsonObject, taint: JsonObject) -> bool:
    for each in spec_of(pod).get("tolerations") or ():
        if each.get("effect") and each["effect"] != taint["effect"]:
            continue
        if each.get("key") and each["key"] != taint["key"]:
            continue
        if each.get("operator") == "Exists":
            return True
        if each.get("key") and each.get("value", "") == taint.get("value", ""):
            return True
    return False


def _term(term: JsonObject, node: JsonObject) -> bool:
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    names = {"metadata.name": node["metadata"]["name"]}
    return all(_holds(each, labels_of(node)) for each in expressions) and all(
        _holds(each, names) for each in fields
    )


def _holds(expression: JsonObject, values: Mapping[str, str]) -> bool:
    value = values.get(expression["key"])
    wanted = expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case operator:
            return _compares(value, operator, wanted)


def _compares(value: str | None, operator: str, wanted: Iterable[str]) -> bool:
    try:
        number, bound = int(value or ""), int(next(iter(wanted)))
    except (ValueError, StopIteration):
        return False
    return number > bound if operator == "Gt" else number < bound

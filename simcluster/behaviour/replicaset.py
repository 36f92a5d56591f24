"""ReplicaSets and ReplicationControllers: as many pods as wanted, and a status that counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from simcluster.behaviour import pods as pod_rules
from simcluster.behaviour.meta import LookAgain, deleting, labels_of, settled, spec_of, status_of
from simcluster.clock import timestamp
from simcluster.values import JsonObject

FAILURE = "ReplicaFailure"
_BURST = 500


@dataclass(frozen=True, slots=True)
class Missing:
    """How many pods to create, and which to delete."""

    create: int
    delete: tuple[JsonObject, ...]


def missing(replica_set: JsonObject, pods: Sequence[JsonObject], now: datetime) -> Missing:
    """Compare the pods that a ReplicaSet controls with how many it wants; never more than 500 at once."""
    wanted = spec_of(replica_set).get("replicas")
    wanted = 1 if wanted is None else wanted
    active = [each for each in pods if pod_rules.active(each)]
    if deleting(replica_set) or len(active) == wanted:
        return Missing(0, ())
    if len(active) < wanted:
        return Missing(min(wanted - len(active), _BURST), ())
    surplus = min(len(active) - wanted, _BURST)
    return Missing(0, tuple(pod_rules.by_least_loss(active, now)[:surplus]))


def calculate(
    replica_set: JsonObject,
    pods: Sequence[JsonObject],
    failure: tuple[str, str] | None,
    now: datetime,
    again: LookAgain,
) -> JsonObject:
    """Return the status that counts `pods`; `failure` is (reason, message) when a pod was refused just now.

    Asks for another look when `minReadySeconds` of a pod will have passed.
    """
    seconds = spec_of(replica_set).get("minReadySeconds", 0)
    template_labels = ((spec_of(replica_set).get("template") or {}).get("metadata") or {}).get("labels") or {}
    active = [each for each in pods if pod_rules.active(each)]
    ready = [each for each in active if pod_rules.ready(each)]
    available = 0
    for each in ready:
        at = pod_rules.available_at(each, seconds)
        if at is None or not seconds or at <= now:
            available += 1
        else:
            again.not_after(at)
    terminating = sum(1 for each in pods if deleting(each) and not pod_rules.finished(each))
    found: JsonObject = {
        "replicas": len(active),
        **settled(
            {
                "fullyLabeledReplicas": sum(
                    1 for each in active if template_labels.items() <= labels_of(each).items()
                ),
                "readyReplicas": len(ready),
                "availableReplicas": available,
                "observedGeneration": replica_set["metadata"].get("generation", 0),
                "conditions": _conditions(status_of(replica_set), failure, now),
            }
        ),
    }
    if replica_set["kind"] == "ReplicaSet":
        found["terminatingReplicas"] = terminating
    return found


def _conditions(before: JsonObject, failure: tuple[str, str] | None, now: datetime) -> list[JsonObject]:
    others = [each for each in before.get("conditions") or () if each["type"] != FAILURE]
    if failure is None:
        return others
    current = [each for each in before.get("conditions") or () if each["type"] == FAILURE]
    if current and current[0].get("reason") == failure[0]:
        return [*others, current[0]]
    return [*others, pod_rules.failure_condition(FAILURE, *failure, timestamp(now))]

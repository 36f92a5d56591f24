"""StatefulSets at work: revisions, pods and claims, status."""

from __future__ import annotations

from simcluster.behaviour import adoption, revisions, statefulset, volumes
from simcluster.behaviour.actions import Record
from simcluster.behaviour.client import Client, Component
from simcluster.behaviour.meta import LookAgain, labels_of, spec_of, status_of
from simcluster.behaviour.queue import Key
from simcluster.errors import ApiError
from simcluster.values import JsonObject

STATEFUL_SETS = "apps/statefulsets"
REVISIONS = "apps/controllerrevisions"
_CONTROLLER = Component("statefulset-controller")
_FORM = revisions.Form("controller.kubernetes.io/hash", {})


def sync(client: Client, key: Key) -> None:
    """Take a StatefulSet's next step."""
    found = client.get(STATEFUL_SETS, key.namespace, key.name)
    if found is None:
        return
    pods = adoption.settle(client, found, "pods", _CONTROLLER)
    history = revisions.current(found, client.controlled(found, REVISIONS), _FORM)
    client.perform(history.actions, _CONTROLLER)
    pair = _pair(found, history)
    claims = [each.name for each in client.store.items(volumes.CLAIMS, key.namespace)]
    actions = statefulset.decide(found, pair, pods, claims, client.now)
    failure = None
    try:
        client.perform(actions, _CONTROLLER)
    except ApiError as error:
        failure = error
        told = Record(found, "Warning", "FailedCreate", _failed(found, str(error)))
        client.record(told, _CONTROLLER)
    if actions:
        pods = client.controlled(found, "pods")
    again = LookAgain()
    status = statefulset.calculate(found, pair, pods, client.now, again)
    if status != status_of(found):
        client.update_status(found, status, _CONTROLLER)
    live = {*pair.names, *(labels_of(each).get(statefulset.REVISION_LABEL, "") for each in pods)}
    client.perform(revisions.surplus(history, spec_of(found).get("revisionHistoryLimit"), live), _CONTROLLER)
    client.queue.again(key, again.at)
    if failure is not None:
        raise failure


def _pair(found: JsonObject, history: revisions.History) -> statefulset.Revisions:
    name = status_of(found).get("currentRevision")
    current = next((each for each in history.revisions if each["metadata"]["name"] == name), history.update)
    return statefulset.Revisions(current, history.update)


def _failed(found: JsonObject, message: str) -> str:
    return f"create Pod in StatefulSet {found['metadata']['name']} failed error: {message}"

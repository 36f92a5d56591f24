"""DaemonSets at work."""

from __future__ import annotations

from simcluster.behaviour import adoption, daemonset, revisions
from simcluster.behaviour.actions import Record
from simcluster.behaviour.client import Client, Component
from simcluster.behaviour.daemonset import Look, Wanted
from simcluster.behaviour.meta import LookAgain, annotations_of, deleting, labels_of, spec_of, status_of
from simcluster.behaviour.queue import Key
from simcluster.strategies.names import suffix

DAEMON_SETS = "apps/daemonsets"
REVISIONS = "apps/controllerrevisions"
_CONTROLLER = Component("daemonset-controller")


def sync(client: Client, key: Key) -> None:
    """Take a DaemonSet's next step."""
    found = client.get(DAEMON_SETS, key.namespace, key.name)
    if found is None:
        return
    pods = adoption.settle(client, found, "pods", _CONTROLLER)
    generation = annotations_of(found).get(daemonset.GENERATION)
    form = revisions.Form(daemonset.HASH_LABEL, {daemonset.GENERATION: generation} if generation else {})
    history = revisions.current(found, client.controlled(found, REVISIONS), form)
    client.perform(history.actions, _CONTROLLER)
    digest = labels_of(history.update)[daemonset.HASH_LABEL]
    nodes = client.items("nodes")
    look = Look(found, pods, nodes, digest, client.now)
    if not deleting(found):
        wanted = daemonset.decide(look)
        if wanted != Wanted((), ()):
            _carry_out(client, look, wanted)
            look = Look(found, client.controlled(found, "pods"), nodes, digest, client.now)
    again = LookAgain()
    status = daemonset.calculate(look, again)
    if status != status_of(found):
        client.update_status(found, status, _CONTROLLER)
    live = {
        each["metadata"]["name"]
        for each in history.revisions
        if any(
            labels_of(pod).get(daemonset.HASH_LABEL) == labels_of(each).get(daemonset.HASH_LABEL)
            for pod in look.pods
        )
    }
    client.perform(revisions.surplus(history, spec_of(found).get("revisionHistoryLimit"), live), _CONTROLLER)
    client.queue.again(key, again.at)


def _carry_out(client: Client, look: Look, wanted: Wanted) -> None:
    found = look.found
    for pod in wanted.failed:
        metadata, node = pod["metadata"], daemonset.node_of(pod)
        place = f"{metadata['namespace']}/{metadata['name']}"
        message = f"Found failed daemon pod {place} on node {node}, will try to kill it"
        client.record(Record(found, "Warning", "FailedDaemonPod", message), _CONTROLLER)
    for pod in (*wanted.failed, *wanted.delete):
        client.delete(pod)
        message = f"Deleted pod: {pod['metadata']['name']}"
        client.record(Record(found, "Normal", "SuccessfulDelete", message), _CONTROLLER)
    for node in wanted.create:
        name = f"{found['metadata']['name']}-{suffix(client.random)}"
        client.create(daemonset.new_pod(found, node, look.digest, name), _CONTROLLER)
        client.record(Record(found, "Normal", "SuccessfulCreate", f"Created pod: {name}"), _CONTROLLER)

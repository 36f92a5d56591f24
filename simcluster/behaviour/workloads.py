"""Deployments and ReplicaSets at work: what was decided is carried out."""

from __future__ import annotations

from collections.abc import Iterator

from simcluster.behaviour import adoption, deployment, deployment_history, replicaset
from simcluster.behaviour import pods as pod_rules
from simcluster.behaviour.actions import Record
from simcluster.behaviour.client import Client, Component
from simcluster.behaviour.meta import LookAgain, controller_of, deleting, labels_of, spec_of, status_of
from simcluster.behaviour.queue import Key
from simcluster.errors import ApiError
from simcluster.strategies.names import suffix
from simcluster.values import JsonObject

DEPLOYMENTS = "apps/deployments"
REPLICA_SETS = "apps/replicasets"
PODS = "pods"
_DEPLOYMENT = Component("deployment-controller")
_REPLICA_SET = Component("replicaset-controller")
_REPLICATION = Component("replication-controller")


def sync_deployment(client: Client, key: Key) -> None:
    """Take a Deployment's next step."""
    found = client.get(DEPLOYMENTS, key.namespace, key.name)
    if found is None:
        return
    replica_sets = adoption.settle(client, found, REPLICA_SETS, _DEPLOYMENT)

    def pods() -> Iterator[JsonObject]:
        for each in replica_sets:
            yield from client.controlled(each, PODS)

    decision = deployment.decide(found, replica_sets, pods, client.now)
    try:
        client.perform(decision.actions, _DEPLOYMENT)
    except ApiError as error:
        if not _count_collision(client, found, error):
            raise
    if len(decision.actions) == 1 and not deployment_history.full(found, replica_sets):
        client.queue.forget(key)  # nothing but its own status was written
    client.queue.again(key, decision.again)


def _count_collision(client: Client, found: JsonObject, error: ApiError) -> bool:
    """A ReplicaSet of that name is somebody else's: the next hash counts one collision more."""
    if error.status["reason"] != "AlreadyExists":
        return False
    status = {**status_of(found), "collisionCount": status_of(found).get("collisionCount", 0) + 1}
    client.update_status(found, status, _DEPLOYMENT)
    return True


def sync_replica_set(client: Client, key: Key) -> None:
    """Make a ReplicaSet have its pods, and its status count them."""
    _sync_replicas(client, key, client.get(REPLICA_SETS, key.namespace, key.name), _REPLICA_SET)


def sync_replication_controller(client: Client, key: Key) -> None:
    """Do the same for a ReplicationController, whose selector is of labels alone."""
    found = client.get("replicationcontrollers", key.namespace, key.name)
    _sync_replicas(client, key, found, _REPLICATION)


def _sync_replicas(client: Client, key: Key, found: JsonObject | None, by: Component) -> None:
    if found is None:
        return
    adopts = by is _REPLICA_SET
    pods = adoption.settle(client, found, PODS, by) if adopts else client.controlled(found, PODS)
    wanted = replicaset.missing(found, pods, client.now)
    failure = None
    if wanted.create:
        failure = _create_pods(client, found, wanted.create, by)
    for pod in wanted.delete:
        client.delete(pod)
        name = pod["metadata"]["name"]
        client.record(Record(found, "Normal", "SuccessfulDelete", f"Deleted pod: {name}"), by)
    if wanted.create or wanted.delete:
        pods = client.controlled(found, PODS)
    again = LookAgain()
    status = replicaset.calculate(found, pods, failure, client.now, again)
    if status != status_of(found):
        client.update_status(found, status, by)
    client.queue.forget(key)  # what happened since this look began is counted
    if failure is not None:
        again.not_after(pod_rules.retry_at(client.now))
    client.queue.again(key, again.at)


def _create_pods(client: Client, owner: JsonObject, count: int, by: Component) -> tuple[str, str] | None:
    """Create pods until one is refused; return the failure's reason and message then."""
    prefix = f"{owner['metadata']['name']}-"
    for _ in range(count):
        name = prefix + suffix(client.random)
        pod = pod_rules.from_template(spec_of(owner)["template"], owner, name, prefix)
        try:
            client.create(pod, by)
        except ApiError as error:
            message = str(error)
            if "because it is being terminated" in message:
                return None
            client.record(Record(owner, "Warning", "FailedCreate", f"Error creating: {message}"), by)
            return "FailedCreate", message
        client.record(Record(owner, "Normal", "SuccessfulCreate", f"Created pod: {name}"), by)
    return None


def orphans_owner(client: Client, orphan: JsonObject, storage: str) -> JsonObject | None:
    """Return who of a storage would adopt an object that nobody controls."""
    if controller_of(orphan) is not None or deleting(orphan):
        return None
    for each in client.items(storage, orphan["metadata"]["namespace"]):
        selector = spec_of(each).get("selector")
        if selector and not deleting(each) and adoption.selects(selector, labels_of(orphan)):
            return each
    return None

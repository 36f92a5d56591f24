"""The short ways to the store give, byte for byte, what the api gives; and whoever is idle costs nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simcluster.behaviour import direct
from simcluster.store.records import Change
from tests.unit.simcluster.behaviour.world import World, template


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without anything prepared, so that the first object of a kind goes the long way."""
    monkeypatch.setattr(direct, "_PREPARED", direct.Prepared())


def _play(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    """Let a bit of everything happen; return all changes of the store."""
    world.deploy(replicas=3)
    world.deploy(name="twin", replicas=2, progressDeadlineSeconds=3)
    world.deploy("r/web:1-crash-after-ready", name="crash")
    world.deploy("r/web:1-image-pull-error", name="pull")
    world.deploy("r/web:1-never-ready", name="never", progressDeadlineSeconds=3)
    world.deploy(name="again", strategy={"type": "Recreate"})
    world.create("Service", "web", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})
    world.create("PodDisruptionBudget", "web", spec={"selector": {"matchLabels": {"app": "web"}}})
    world.create("Job", "job", spec={"template": template(restartPolicy="Never")})
    world.create("Job", "bad", spec={"template": template("r/w:1-job-fails", restartPolicy="Never")})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    selector = {"matchLabels": {"app": "db"}}
    sets = {"selector": selector, "template": template(app="db"), "serviceName": "db"}
    claims = [{"metadata": {"name": "data"}, "spec": claim}]
    world.create("StatefulSet", "db", spec={**sets, "replicas": 2, "volumeClaimTemplates": claims})
    agents = {"selector": {"matchLabels": {"app": "agent"}}, "template": template(app="agent")}
    world.create("DaemonSet", "agent", spec=agents)
    world.create(
        "CronJob",
        "tick",
        spec={
            "schedule": "* * * * *",
            "jobTemplate": {"spec": {"template": template(restartPolicy="Never")}},
        },
    )
    world.step(10)
    for name in ("web", "again"):
        world.set_image("Deployment", name, "r/web:2")
    world.set_image("StatefulSet", "db", "r/db:2")
    world.set_image("DaemonSet", "agent", "r/agent:2")
    world.step(20)
    world.set_image("Deployment", "web", "r/web:1")
    world.step(3)
    world.delete("Deployment", "twin")
    world.create("Namespace", "team")
    world.deploy(namespace="team")
    world.step(60)
    world.delete("Namespace", "team")
    world.step(60)
    return [_readable(change) for change in world.changes]


def _readable(change: Change) -> tuple[str, str, dict[str, Any]]:
    return change.kind, change.now.storage, json.loads(change.now.body)


def test_shortcuts_write_what_the_api_would_write() -> None:
    """Every change of a busy cluster is the same, managedFields, names and uids included."""
    short, long = _play(World()), _play(World(shortcuts=False))
    for one, other in zip(short, long, strict=True):
        assert one == other


def test_other_owners_of_a_status_are_respected(world: World) -> None:
    """Where somebody else wrote the status, the api decides who owns what now."""
    world.deploy()
    world.step(1)
    found = world.get("Deployment", "web")
    found["status"]["unavailableReplicas"] = 7
    world.cluster.api.update(world.kind("Deployment"), "default", "web", found, subresource="status")
    world.step(1)
    fields = {
        each["manager"]: each["fieldsV1"].get("f:status", {})
        for each in world.get("Deployment", "web")["metadata"]["managedFields"]
        if each.get("subresource") == "status"
    }
    assert "unavailableReplicas" not in world.status("Deployment", "web")
    assert "f:readyReplicas" in fields["kube-controller-manager"]
    assert "f:unavailableReplicas" not in fields.get("unknown", {})


def test_two_runs_are_the_same() -> None:
    """A cluster's name, seed and clock settle everything, also what another cluster has prepared before."""
    assert _play(World()) == _play(World())


def test_idle_cluster_has_nothing_to_do(world: World) -> None:
    """No timer and no turn before anything changes, and none when all is settled."""
    assert world.clock.until_next() is None
    world.create("ConfigMap", "settings")
    world.step(1)
    assert world.clock.until_next() is None
    assert world.cluster.behaviour.idle


def test_closed_cluster_does_nothing_any_more(world: World) -> None:
    """What was due does not come."""
    world.deploy()
    world.step()
    world.cluster.close()
    before = len(world.changes)
    world.step(60)
    assert len(world.changes) == before


def test_a_rollout_takes_few_writes(world: World) -> None:
    """Each of three pods is written four times, what counts them three or four times; seven Events."""
    world.create("ConfigMap", "first")
    world.step()
    world.changes.clear()
    world.deploy(replicas=3)
    world.step(5)
    counts: dict[str, int] = {}
    for change in world.changes:
        counts[change.now.storage] = counts.get(change.now.storage, 0) + 1
    assert counts == {"apps/deployments": 4, "apps/replicasets": 3, "pods": 12, "events": 7}

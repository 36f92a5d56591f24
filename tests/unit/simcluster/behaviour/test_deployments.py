"""Deployments roll out as kube-controller-manager rolls them; figures and texts were measured on 1.37."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcluster.behaviour import deployment_scale as scale
from simcluster.behaviour import pods
from simcluster.behaviour.hashes import template_hash
from simcluster.store.records import Change
from tests.unit.simcluster.behaviour.world import JsonObject, World, images


def _sizes(world: World) -> dict[str, int]:
    """Replicas wanted, by revision."""
    return {
        each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: each["spec"]["replicas"]
        for each in world.all("ReplicaSet")
    }


def test_paused_controllers_observe_nothing_until_they_are_resumed(world: World) -> None:
    """As a real controller manager that was stopped; Pods run on meanwhile."""
    world.deploy(replicas=1)
    world.step(0.1)
    world.cluster.behaviour.pause_controllers()
    world.change("Deployment", "web", lambda obj: obj["spec"].update(replicas=2))
    world.step(5)
    (pod,) = world.all("Pod")
    assert pod["status"]["phase"] == "Running"
    assert world.get("Deployment", "web")["metadata"]["generation"] == 2
    assert world.status("Deployment", "web")["observedGeneration"] == 1
    world.cluster.behaviour.resume_controllers()
    world.step(2)
    status = world.status("Deployment", "web")
    assert (status["observedGeneration"], status["readyReplicas"]) == (2, 2)


def test_deployment_becomes_available(world: World) -> None:
    """Its status, conditions in their order, revision and Events are the real ones."""
    world.deploy(replicas=3)
    world.step(1)
    (replica_set,) = world.all("ReplicaSet")
    name = replica_set["metadata"]["name"]
    status = world.status("Deployment", "web")
    conditions = status.pop("conditions")
    assert status == {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "terminatingReplicas": 0,
    }
    assert [(each["type"], each["status"], each["reason"], each["message"]) for each in conditions] == [
        ("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
        (
            "Progressing",
            "True",
            "NewReplicaSetAvailable",
            f'ReplicaSet "{name}" has successfully progressed.',
        ),
    ]
    assert world.told("Deployment") == [("ScalingReplicaSet", f"Scaled up replica set {name} from 0 to 3")]
    made = [f"Created pod: {each['metadata']['name']}" for each in world.pods()]
    assert sorted(world.told("ReplicaSet")) == sorted(("SuccessfulCreate", each) for each in made)


def test_first_status_says_that_nothing_is_available_yet(world: World) -> None:
    """Before its pods are ready: all unavailable, progressing."""
    world.deploy(replicas=2)
    world.step()
    found = world.conditions("Deployment", "web")
    assert world.status("Deployment", "web")["unavailableReplicas"] == 2
    assert (found["Available"]["status"], found["Available"]["reason"]) == (
        "False",
        "MinimumReplicasUnavailable",
    )
    assert (found["Progressing"]["status"], found["Progressing"]["reason"]) == ("True", "ReplicaSetUpdated")


def test_replica_set_is_labelled_annotated_and_owned(world: World) -> None:
    """The new ReplicaSet has the hash in its name, labels and selector, and the Deployment's size."""
    world.deploy(replicas=4)
    world.step()
    (found,) = world.all("ReplicaSet")
    digest = found["metadata"]["labels"]["pod-template-hash"]
    assert found["metadata"]["name"] == f"web-{digest}"
    assert found["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": digest}
    assert found["metadata"]["annotations"] == {
        "deployment.kubernetes.io/desired-replicas": "4",
        "deployment.kubernetes.io/max-replicas": "5",
        "deployment.kubernetes.io/revision": "1",
    }
    assert found["metadata"]["ownerReferences"][0]["controller"] is True


def test_update_replaces_pods_one_after_another(world: World) -> None:
    """25 % of three: one more pod at a time, none less; the old ReplicaSet stays, empty."""
    world.deploy(replicas=3)
    world.step(1)
    world.set_image("Deployment", "web", "r/web:2")
    world.step()
    assert _sizes(world) == {"1": 3, "2": 1}
    world.step(0.8)
    assert _sizes(world) == {"1": 2, "2": 2}
    world.step(0.8)
    assert _sizes(world) == {"1": 1, "2": 3}
    world.step(0.8)
    assert _sizes(world) == {"1": 0, "2": 3}
    assert images(world.pods()) == ["r/web:2"] * 3
    assert world.conditions("Deployment", "web")["Progressing"]["reason"] == "NewReplicaSetAvailable"


def test_going_back_uses_the_old_replica_set_again(world: World) -> None:
    """It gets the next revision and remembers its first one; nothing is created."""
    world.deploy()
    world.step(1)
    world.set_image("Deployment", "web", "r/web:2")
    world.step(5)
    world.set_image("Deployment", "web", "r/web:1")
    world.step(5)
    assert _sizes(world) == {"2": 0, "3": 1}
    current = next(each for each in world.all("ReplicaSet") if each["spec"]["replicas"])
    assert current["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"
    annotations = world.get("Deployment", "web")["metadata"]["annotations"]
    assert annotations["deployment.kubernetes.io/revision"] == "3"


def test_broken_update_keeps_the_old_pods(world: World) -> None:
    """A revision that never becomes ready takes no availability, and misses its deadline a second later."""
    world.deploy(replicas=3, progressDeadlineSeconds=5)
    world.step(1)
    world.set_image("Deployment", "web", "r/web:2-never-ready")
    world.step(5)
    assert world.conditions("Deployment", "web")["Progressing"]["reason"] == "ReplicaSetUpdated"
    world.step(1)
    found = world.conditions("Deployment", "web")
    assert (found["Progressing"]["status"], found["Progressing"]["reason"]) == (
        "False",
        "ProgressDeadlineExceeded",
    )
    assert found["Progressing"]["message"].endswith("has timed out progressing.")
    assert found["Available"]["status"] == "True"
    assert images(world.pods()).count("r/web:1") == 3


def test_new_revision_scales_unhealthy_old_pods_down_first(world: World) -> None:
    """A second update, after a broken one, finishes."""
    world.deploy(replicas=3)
    world.step(1)
    world.set_image("Deployment", "web", "r/web:2-crash-loop")
    world.step(3)
    world.set_image("Deployment", "web", "r/web:3")
    world.step(10)
    assert images(world.pods()) == ["r/web:3"] * 3


def test_recreate_never_runs_both_revisions(world: World) -> None:
    """Old pods are all gone before the first new one is made, also when they stop slowly."""
    world.deploy("r/web:1-slow-stop-4", replicas=2, strategy={"type": "Recreate"})
    world.step(1)
    world.set_image("Deployment", "web", "r/web:2")
    world.step(3)
    assert images(world.pods()) == ["r/web:1-slow-stop-4"] * 2
    world.step(2)
    assert images(world.pods()) == ["r/web:2"] * 2


def test_paused_deployment_does_nothing_until_resumed(world: World) -> None:
    """The condition says so; scaling still works."""
    world.deploy(replicas=1)
    world.step(1)
    world.set_spec("Deployment", "web", paused=True)
    world.step()
    world.set_image("Deployment", "web", "r/web:2")
    world.set_spec("Deployment", "web", replicas=2)
    world.step(5)
    assert images(world.pods()) == ["r/web:1"] * 2
    assert world.conditions("Deployment", "web")["Progressing"]["reason"] == "DeploymentPaused"
    world.set_spec("Deployment", "web", paused=False)
    world.step(5)
    assert images(world.pods()) == ["r/web:2"] * 2


def test_scaling_is_told_and_does_not_restart(world: World) -> None:
    """Up and down change the one ReplicaSet; the rollout stays complete."""
    world.deploy(replicas=1)
    world.step(1)
    before = {each["metadata"]["uid"] for each in world.pods()}
    world.set_spec("Deployment", "web", replicas=3)
    world.step(2)
    assert before < {each["metadata"]["uid"] for each in world.pods()}
    world.set_spec("Deployment", "web", replicas=0)
    world.step(2)
    assert world.pods() == []
    messages = [message.split(" from ")[1] for _, message in world.told("Deployment")]
    assert messages == ["0 to 1", "1 to 3", "3 to 0"]


def test_scaling_in_the_middle_of_an_update_is_spread_over_both_revisions(world: World) -> None:
    """Both grow by their size, together to the wanted number and the surge."""
    world.deploy(replicas=10, strategy={"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}})
    world.step(1)
    world.set_image("Deployment", "web", "r/web:2-never-ready")
    world.step(2)
    assert _sizes(world) == {"1": 8, "2": 5}
    world.set_spec("Deployment", "web", replicas=15)
    world.step(2)
    assert _sizes(world) == {"1": 11, "2": 7}


def test_history_is_limited(world: World) -> None:
    """The oldest empty ReplicaSets beyond the limit go."""
    world.deploy(revisionHistoryLimit=1)
    for number in range(2, 5):
        world.step(3)
        world.set_image("Deployment", "web", f"r/web:{number}")
    world.step(5)
    assert _sizes(world) == {"3": 0, "4": 1}


def test_min_ready_seconds_delay_availability(world: World) -> None:
    """A ready pod counts as available only after that time."""
    world.deploy(minReadySeconds=5)
    world.step(3)
    assert world.status("Deployment", "web")["readyReplicas"] == 1
    assert world.status("Deployment", "web").get("availableReplicas", 0) == 0
    world.step(4)
    assert world.status("Deployment", "web")["availableReplicas"] == 1


def test_refused_pods_are_a_condition(world: World) -> None:
    """Without its service account no pod can be made: ReplicaFailure, an Event, and another try later."""
    template = {"metadata": {"labels": {"app": "web"}}}
    spec = {"serviceAccountName": "robot", "containers": [{"name": "web", "image": "r/web:1"}]}
    world.deploy(template={**template, "spec": spec})
    world.step()
    found = world.conditions("Deployment", "web")["ReplicaFailure"]
    assert (found["status"], found["reason"]) == ("True", "FailedCreate")
    assert 'serviceaccount "robot" not found' in found["message"]
    assert world.told("ReplicaSet")[0][0] == "FailedCreate"
    world.create("ServiceAccount", "robot")
    world.step(10)
    assert "ReplicaFailure" not in world.conditions("Deployment", "web")
    assert world.status("Deployment", "web")["availableReplicas"] == 1


def test_orphaned_replica_set_is_adopted(world: World) -> None:
    """A Deployment made again takes over what the first one left, pods included."""
    world.deploy(replicas=2)
    world.step(1)
    before = {each["metadata"]["uid"] for each in world.pods()}
    world.delete("Deployment", "web", propagation="Orphan")
    world.step(1)
    world.deploy(replicas=2)
    world.step(1)
    assert {each["metadata"]["uid"] for each in world.pods()} == before
    (replica_set,) = world.all("ReplicaSet")
    owner = replica_set["metadata"]["ownerReferences"][0]
    assert owner["uid"] == world.get("Deployment", "web")["metadata"]["uid"]


def test_pod_that_no_longer_matches_is_released_and_replaced(world: World) -> None:
    """A changed label takes a pod out of its ReplicaSet, which makes another."""
    world.deploy()
    world.step(1)
    name = world.pod()["metadata"]["name"]
    world.change("Pod", name, lambda pod: pod["metadata"]["labels"].update(app="debug"))
    world.step(1)
    assert len(world.pods()) == 2
    assert "ownerReferences" not in world.get("Pod", name)["metadata"]


def test_deleted_pod_is_replaced(world: World) -> None:
    """The ReplicaSet makes up for it at once."""
    world.deploy()
    world.step(1)
    before = world.pod()["metadata"]["name"]
    world.delete("Pod", before)
    world.step(1)
    assert world.pod()["metadata"]["name"] != before


def test_replica_set_name_that_is_taken_counts_as_a_collision(world: World) -> None:
    """The Deployment counts it, and makes one by the next hash."""
    world.deploy()
    wanted = world.get("Deployment", "web")["spec"]["template"]
    foreign = {"matchLabels": {"app": "other"}}
    other = {"metadata": {"labels": {"app": "other"}}, "spec": wanted["spec"]}
    name = f"web-{template_hash(wanted)}"
    world.create("ReplicaSet", name, spec={"replicas": 0, "selector": foreign, "template": other})
    world.step(1)
    assert world.status("Deployment", "web")["collisionCount"] == 1
    assert world.status("Deployment", "web")["availableReplicas"] == 1


def test_settled_deployment_waits_for_nothing(world: World) -> None:
    """No timer is left, not even for its deadline."""
    world.deploy()
    world.step(2)
    assert world.clock.until_next() is None


def test_complete_deployment_from_long_ago_can_be_scaled(world: World) -> None:
    """Its last progress is older than the deadline; that is not held against it."""
    world.deploy()
    world.step(2)
    world.step(3600)
    world.set_spec("Deployment", "web", replicas=2)
    world.step(2)
    assert world.status("Deployment", "web")["availableReplicas"] == 2
    assert world.conditions("Deployment", "web")["Progressing"]["status"] == "True"


def _deployment(replicas: int, surge: int | str, unavailable: int | str) -> JsonObject:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}}


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (10, "25%", "25%", (3, 2)),
        (3, "25%", "25%", (1, 0)),
        (1, 0, "1%", (0, 1)),  # rounding leaves no room: one may go
        (4, 0, 10, (0, 4)),
        (0, "25%", "25%", (0, 0)),
    ],
)
def test_surge_rounds_up_and_unavailability_down(
    replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]
) -> None:
    """As intstr.GetScaledValueFromIntOrPercent and ResolveFenceposts do."""
    found = _deployment(replicas, surge, unavailable)
    assert (scale.max_surge(found), scale.max_unavailable(found)) == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.integers(0, 4), st.integers(0, 4))
def test_an_update_stays_within_its_bounds(replicas: int, surge: int, unavailable: int) -> None:
    """At every write of the store: no more pods than wanted and surge, no fewer available than allowed."""
    unavailable = unavailable or (0 if surge else 1)
    world = World()
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    world.deploy(replicas=replicas, strategy={"rollingUpdate": rolling})
    world.step(1)
    least = replicas - min(unavailable, replicas)

    def check(change: Change) -> None:
        if change.now.storage == "pods":
            living = [each for each in world.pods() if "deletionTimestamp" not in each["metadata"]]
            assert len(living) <= replicas + surge
            assert len([each for each in living if pods.ready(each)]) >= least

    world.cluster.store.on_change(check)
    world.set_image("Deployment", "web", "r/web:2")
    world.step(60)
    assert images(world.pods()) == ["r/web:2"] * replicas
    assert world.conditions("Deployment", "web")["Progressing"]["reason"] == "NewReplicaSetAvailable"

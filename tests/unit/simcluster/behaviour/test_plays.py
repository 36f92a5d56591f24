"""Pods play as their image tag or annotation says, step by step, at the times that the rig's stages have."""

from __future__ import annotations

import pytest

from simcluster.behaviour import plays
from simcluster.behaviour.plays import Name
from tests.unit.simcluster.behaviour.world import JsonObject, World, template


def _pod(image: str = "r/web:1", **annotations: str) -> JsonObject:
    told = {f"gitops-waves.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {"metadata": {"annotations": told}, "spec": {"containers": [{"image": image}]}}


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (_pod(), (Name.READY, 0.8, 0.0)),
        (_pod("registry.example/web:1.2-crash-loop"), (Name.CRASH_LOOP, 0.8, 0.0)),
        (_pod("r/web:1-crash-after-ready"), (Name.CRASH_AFTER_READY, 0.8, 0.0)),
        (_pod("r/web:1-image-pull-error"), (Name.IMAGE_PULL_ERROR, 0.8, 0.0)),
        (_pod("r/web:1-job-fails"), (Name.JOB_FAILS, 0.8, 0.0)),
        (_pod("r/web:1-ready-after-1.5s"), (Name.READY, 1.5, 0.0)),
        (_pod("r/web:1-ready-after-250ms"), (Name.READY, 0.25, 0.0)),
        (_pod("r/web:1-ready-after-2m"), (Name.READY, 120.0, 0.0)),
        (_pod("r/web:1-slow-stop-7"), (Name.READY, 0.8, 7.0)),
        (_pod(play="never-ready"), (Name.NEVER_READY, 0.8, 0.0)),
        (_pod("r/web:1-crash-loop", play="never-ready"), (Name.NEVER_READY, 0.8, 0.0)),
        (_pod(play="ready-after-3s"), (Name.READY, 3.0, 0.0)),
        (_pod("r/web:1-ready-after-9s", ready_after="1h2m"), (Name.READY, 3720.0, 0.0)),
        (_pod("r/web:1-crash-loops"), (Name.READY, 0.8, 0.0)),
        (_pod(ready_after="soon"), (Name.READY, 0.8, 0.0)),
    ],
)
def test_play_is_read_from_annotation_or_tag(pod: JsonObject, expected: tuple[Name, float, float]) -> None:
    """The annotation first, then the end of an image's tag; anything else plays well."""
    found = plays.of(pod)
    assert (found.name, found.ready_after, found.stops_after) == expected


def _run(world: World, image: str) -> None:
    world.create("Pod", "web", spec=template(image)["spec"])
    world.step()


def _container(world: World) -> JsonObject:
    found: JsonObject = world.status("Pod", "web")["containerStatuses"][0]
    return found


def _ready(world: World) -> str:
    return str(world.conditions("Pod", "web")["Ready"]["status"])


def test_pod_runs_at_once_and_is_ready_after_its_time(world: World) -> None:
    """Not a moment sooner."""
    _run(world, "r/web:1-ready-after-2s")
    assert world.status("Pod", "web")["phase"] == "Running"
    assert _container(world)["state"] == {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    world.step(1.99)
    assert _ready(world) == "False"
    world.step(0.01)
    assert _ready(world) == "True"
    assert _container(world)["ready"] is True


def test_started_pod_reports_what_a_kubelet_reports(world: World) -> None:
    """Conditions, addresses, times and the generation that it has observed."""
    _run(world, "r/web:1")
    status = world.status("Pod", "web")
    assert [each["type"] for each in status["conditions"]] == [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]
    assert status["conditions"][2]["reason"] == "ContainersNotReady"
    assert (status["hostIP"], status["podIP"]) == ("127.0.0.1", "10.128.0.1")
    assert status["podIPs"] == [{"ip": "10.128.0.1"}]
    assert (status["startTime"], status["observedGeneration"]) == ("2026-01-01T00:00:00Z", 1)


def test_never_ready_tells_of_its_probe_once(world: World) -> None:
    """Running for ever, one Unhealthy Event."""
    _run(world, "r/web:1-never-ready")
    world.step(3600)
    assert (_ready(world), world.status("Pod", "web")["phase"]) == ("False", "Running")
    assert (
        world.told("Pod")[1:]
        == [("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")]
        or world.told("Pod") == []
    )  # Events are kept for an hour


def test_crash_loop_waits_ever_longer(world: World) -> None:
    """Crashes 0.4 s after each start, waits 2, 4, 8, 16, then 30 seconds."""
    _run(world, "r/web:1-crash-loop")
    world.step(0.4)
    for count, wait in enumerate((2, 4, 8, 16, 30, 30), start=1):
        found = _container(world)
        assert found["restartCount"] == count
        assert found["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        assert found["lastState"]["terminated"]["exitCode"] == 1
        world.step(wait - 0.01)
        assert "waiting" in _container(world)["state"]
        world.step(0.01)
        assert "running" in _container(world)["state"]
        assert _ready(world) == "False"
        world.step(0.4)
    back_off = [each for each in world.all("Event") if each["reason"] == "BackOff"]
    assert [(each["count"], each["message"]) for each in back_off] == [
        (7, "Back-off restarting failed container")
    ]


def test_crash_after_ready_is_ready_for_three_seconds(world: World) -> None:
    """Then it crashes again and again."""
    _run(world, "r/web:1-crash-after-ready")
    world.step(0.8)
    assert _ready(world) == "True"
    world.step(2.99)
    assert _ready(world) == "True"
    world.step(0.02)
    assert _ready(world) == "False"
    assert _container(world)["restartCount"] == 1
    world.step(3)
    assert _container(world)["restartCount"] == 2


def test_image_that_is_not_there_is_never_pulled(world: World) -> None:
    """ErrImagePull, half a second later ImagePullBackOff; the pod stays Pending."""
    _run(world, "r/web:1-image-pull-error")
    world.step(0.2)
    assert _container(world)["state"]["waiting"]["reason"] == "ErrImagePull"
    world.step(0.5)
    waiting = _container(world)["state"]["waiting"]
    assert waiting == {
        "reason": "ImagePullBackOff",
        "message": 'Back-off pulling image "r/web:1-image-pull-error"',
    }
    assert world.status("Pod", "web")["phase"] == "Pending"
    assert [reason for reason, _ in world.told("Pod")] == ["Scheduled", "Failed", "BackOff"]


def test_deleted_pod_is_gone_at_once(world: World) -> None:
    """The simulated kubelet does not use up the grace period."""
    _run(world, "r/web:1")
    world.delete("Pod", "web")
    assert world.get("Pod", "web")["metadata"]["deletionGracePeriodSeconds"] == 30
    world.step()
    assert not world.has("Pod", "web")


@pytest.mark.parametrize(("grace", "stops"), [(None, 5.0), (2, 2.0)])
def test_slow_stop_takes_its_time_but_no_more_than_the_grace_period(
    world: World, grace: int | None, stops: float
) -> None:
    """It runs on, being deleted."""
    _run(world, "r/web:1-slow-stop-5")
    world.delete("Pod", "web", grace_period=grace)
    world.step(stops - 0.1)
    assert "deletionTimestamp" in world.get("Pod", "web")["metadata"]
    world.step(0.1)
    assert not world.has("Pod", "web")


def test_pod_with_a_finalizer_stays_until_it_is_taken_off(world: World) -> None:
    """Then it goes without another look of the kubelet."""
    world.create("Pod", "web", metadata={"finalizers": ["example.com/wait"]}, spec=template()["spec"])
    world.step(1)
    world.delete("Pod", "web")
    world.step(60)
    assert world.has("Pod", "web")
    world.change("Pod", "web", lambda pod: pod["metadata"].pop("finalizers"))
    assert not world.has("Pod", "web")


def test_init_containers_are_done_and_sidecars_run(world: World) -> None:
    """Both are reported ready from the start."""
    spec = template()["spec"]
    spec["initContainers"] = [
        {"name": "migrate", "image": "r/m:1"},
        {"name": "proxy", "image": "r/p:1", "restartPolicy": "Always"},
    ]
    world.create("Pod", "web", spec=spec)
    world.step()
    done, running = world.status("Pod", "web")["initContainerStatuses"]
    assert done["state"]["terminated"]["reason"] == "Completed"
    assert "running" in running["state"]


def test_same_name_again_is_another_pod(world: World) -> None:
    """What was due for the old one does not happen to the new one."""
    _run(world, "r/web:1-crash-after-ready")
    world.delete("Pod", "web")
    world.step(0.5)
    _run(world, "r/web:1-never-ready")
    world.step(10)
    assert _container(world)["restartCount"] == 0


@pytest.mark.parametrize("image", ["r/web:1", "r/web:1-crash-loop", "r/web:1-job-fails"])
def test_a_play_goes_on_when_somebody_wipes_the_status(image: str) -> None:
    """As a kubelet, which reports what it knows, whatever the last report has become."""
    world = World()
    _run(world, image)
    pod = world.get("Pod", "web")
    world.cluster.api.update(world.kind("Pod"), "default", "web", {**pod, "status": {}}, subresource="status")
    world.step(60)
    assert "state" in world.status("Pod", "web")["containerStatuses"][0]

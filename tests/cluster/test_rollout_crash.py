"""Promise 2: the process may be killed after any action; the next start finishes, and does nothing twice."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from controllers.main import mirror_of
from gitops import audit
from gitops.rollout import events as e
from tests.cluster.rig.control_plane import ControlPlane
from tests.cluster.world import CANARY_EARLY_REST, People, World, config_map, deployment

MORE_ACTIONS_THAN_ANY_ROLLOUT = 60


@pytest.fixture
def world(clusters: tuple[ControlPlane, ...], namespace: str, tmp_path: Path) -> World:
    """Two clusters, two waves."""
    return World(People(tmp_path), clusters[:2], namespace, tmp_path, "production")


async def test_killed_after_each_action_of_a_good_rollout(world: World) -> None:
    """Every target ends on the new revision, every event is recorded once, nothing is orphaned."""
    await start(world)
    for at in range(1, MORE_ACTIONS_THAN_ANY_ROLLOUT):
        image = f"registry.example/web:1.{at}"
        world.people.push(f"Release {at}", release(world, image, f"added-{at}"))
        killed = await run(world, at)
        await run(world, 0)
        check_history(world)
        for index in range(2):
            assert image_on(world, index) == image
            assert tracked(world, index) == {"web", f"added-{at}"}
        if not killed:
            return
    pytest.fail("the rollout never ended")


async def test_killed_after_each_action_of_a_revert(world: World) -> None:
    """The canary ends on the last good revision, with exactly one revert commit for each bad one."""
    await start(world)
    for at in range(1, MORE_ACTIONS_THAN_ANY_ROLLOUT):
        before = world.people.head()
        bad = world.people.push(
            f"Break {at}", release(world, f"registry.example/web:1.{at}-crash-loop", f"added-{at}")
        )
        killed = await run(world, at)
        await run(world, 0)
        check_history(world)
        messages = [world.people.message(commit) for commit in world.people.log(f"{bad}..main")]
        assert len(messages) == 1
        assert f"Gitops-Reverts: {bad}" in messages[0]
        assert world.people.tree("main") == world.people.tree(before)
        for index in range(2):
            assert image_on(world, index) == "registry.example/web:1.0"
            assert tracked(world, index) == {"web", "added-0"}
        if not killed:
            return
    pytest.fail("the revert never ended")


async def start(world: World) -> None:
    """The first release, undisturbed."""
    config = world.config().model_dump(mode="json", by_alias=True, exclude_none=True)
    (world.folder / "controller.yaml").write_text(yaml.safe_dump(config))
    waves = [{**wave, "progressDeadline": "60s"} for wave in (CANARY_EARLY_REST[0], CANARY_EARLY_REST[2])]
    files = {**world.clusters(), **world.environment_file(waves=waves)}
    world.people.push("Start", {**files, **release(world, "registry.example/web:1.0", "added-0")})
    await run(world, 0)


def release(world: World, image: str, extra: str) -> dict[str, str | None]:
    """A Deployment, and a ConfigMap whose name changes with every release, so that something is pruned."""
    return {
        world.path("web"): deployment("web", image, replicas=1),
        world.path("web", "extra.yaml"): config_map(extra, some="data"),
    }


async def run(world: World, at: int) -> bool:
    """Run the controller once, killed after its `at`-th action; returns whether it was."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.cluster.killed",
        str(world.folder / "controller.yaml"),
        str(at),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        output, _ = await process.communicate()
        pytest.fail(f"it did not come to rest:\n{output.decode()[-4000:]}")
    if at:
        assert process.returncode in (-signal.SIGKILL, 0), output.decode()[-4000:]
        return process.returncode == -signal.SIGKILL
    assert process.returncode == 0, output.decode()[-4000:]
    return False


def check_history(world: World) -> None:
    """The chain is intact, and no event of any rollout was recorded twice.

    A target is told to be healthy again only after it was told not to be any more.
    """
    config = world.config()
    mirror = mirror_of(config, config.repositories[0])
    entries = tuple(reversed(tuple(mirror.audit_log(world.environment))))
    assert audit.verify(entries_of(entries)) == ()
    told: Counter[tuple[str, ...]] = Counter()
    for entry in entries:
        for event in audit.read_events(entry.files()):
            about = [str(getattr(event, field, "")) for field in ("rollout", "wave", "target", "gate")]
            if isinstance(event, e.RevisionObserved):
                continue
            if isinstance(event, e.TargetRegressed):
                told["TargetHealthy", *about] -= 1
                continue
            told[event.type, *about] += 1
    assert {event: count for event, count in told.items() if count > 1} == {}


def entries_of(entries: tuple[object, ...]) -> tuple[audit.AuditEntry, ...]:
    """The form that `audit.verify` takes."""
    return tuple(audit.AuditEntry(one.oid, one.parent, one.time, one.files()) for one in entries)  # type: ignore[attr-defined]


def image_on(world: World, index: int) -> str:
    """The image that runs on one cluster."""
    found = world.live(index, "apps/v1/deployments/web")
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def tracked(world: World, index: int) -> set[str]:
    """Names of all objects of the application on one cluster, found by label."""
    names = set()
    selector = f"gitops-waves.io/environment={world.environment},applyset.kubernetes.io/part-of"
    for root in ("/api/v1/namespaces/{}/configmaps", "/apis/apps/v1/namespaces/{}/deployments"):
        path = f"{root.format(world.namespace)}?labelSelector={selector}"
        names |= {item["metadata"]["name"] for item in world.planes[index].api.get(path)["items"]}
    return names

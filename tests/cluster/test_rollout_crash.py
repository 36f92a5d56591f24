"""Promise 2: the process may be killed after any action; the next start finishes, and does nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from controllers.main import mirror_of
from gitops import audit
from gitops.inventory import from_config_maps
from gitops.rollout import events as e
from tests.cluster.rig.plane import Plane
from tests.cluster.world import CANARY_EARLY_REST, People, World, config_map, deployment

MORE_ACTIONS_THAN_ANY_ROLLOUT = 60
PARTS = 4
CONFIG = "controller.yaml"
# A run takes a second, and many times that where the machine is busy with other tests. A deadline that passes
# meanwhile would be a failed rollout that no kill has caused.
PATIENCE_SECONDS = 300
DEADLINE = "10m"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take the actions in one test; on simulated clusters in several, which may run side by side."""
    if "actions" in metafunc.fixturenames:
        parts = PARTS if metafunc.config.getoption("--cluster") == "sim" else 1
        actions = [range(1 + part, MORE_ACTIONS_THAN_ANY_ROLLOUT, parts) for part in range(parts)]
        metafunc.parametrize(
            "actions", actions, ids=lambda those: f"{those.start},{those.start + those.step}..."
        )


@dataclass(slots=True)
class Runner:
    """Runs the controller in processes that are new, but have not to import everything anew."""

    process: asyncio.subprocess.Process

    async def run(self, folder: Path, at: int) -> tuple[int, str]:
        """Run it once with the configuration in `folder`; return its exit code and its output."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        output = folder / "output.txt"
        self.process.stdin.write(f"{folder / CONFIG}\t{at}\t{output}\n".encode())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                code = await self.process.stdout.readline()
        except TimeoutError:
            pytest.fail(f"it did not come to rest:\n{output.read_text()[-4000:]}")
        return int(code), output.read_text()


@pytest_asyncio.fixture
async def runner() -> AsyncIterator[Runner]:
    """End with the test, whatever runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.cluster.killed",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    yield Runner(process)
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


@pytest.fixture
def world(clusters: tuple[Plane, ...], namespace: str, tmp_path: Path) -> World:
    """Two clusters, two waves."""
    return World(People(tmp_path), clusters[:2], namespace, tmp_path, "production")


@pytest.mark.long
async def test_killed_after_each_action_of_a_good_rollout(
    world: World, runner: Runner, actions: range
) -> None:
    """Every target ends on the new revision, every event is recorded once, nothing is orphaned."""
    await start(world, runner)
    for at in actions:
        image = f"registry.example/web:1.{at}"
        world.people.push(f"Release {at}", release(world, image, f"added-{at}"))
        killed = await run(world, runner, at)
        await run(world, runner, 0)
        check_history(world)
        for index in range(2):
            assert image_on(world, index) == image
            assert tracked(world, index) == {"web", f"added-{at}"}
        if not killed:
            return
    pytest.fail("the rollout never ended")


@pytest.mark.long
async def test_killed_after_each_action_of_a_revert(world: World, runner: Runner, actions: range) -> None:
    """The canary ends on the last good revision, with exactly one revert commit for each bad one."""
    await start(world, runner)
    for at in actions:
        before = world.people.head()
        bad = world.people.push(
            f"Break {at}", release(world, f"registry.example/web:1.{at}-crash-loop", f"added-{at}")
        )
        killed = await run(world, runner, at)
        await run(world, runner, 0)
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


@pytest.mark.long
@pytest.mark.long
async def test_killed_after_each_action_of_prunes_and_a_move(
    world: World, runner: Runner, actions: range
) -> None:
    """Between inventory, apply and prune, and once more on the way on: no orphan, nothing deleted twice.

    With each release one object appears, one changes, one goes, and one moves to the other application.
    """
    await start(world, runner)
    world.people.push("Two applications", moving(world, "0", "web"))
    await run(world, runner, 0)
    uids = [live_uid(world, index, "moving") for index in range(2)]
    for at, taker in zip(actions, cycle(("api", "web")), strict=False):
        world.people.push(f"Release {at}", moving(world, str(at), taker))
        killed = await run(world, runner, at)
        deleted = deletions(world)
        if killed:
            await run(world, runner, 1 + at % 5)
            deleted += deletions(world)
        await run(world, runner, 0)
        deleted += deletions(world)
        check_history(world)
        for index in range(2):
            expected = {"web", "api", "moving", f"added-{at}"}
            assert tracked(world, index) == expected
            inventories = {name: inventory(world, index, name) for name in ("web", "api")}
            assert inventories["web"] | inventories["api"] == expected
            # The giver may still hold what the taker has: it lets go with its next rollout.
            assert "moving" in inventories[taker]
            assert not (inventories["web"] & inventories["api"]) - {"moving"}
            assert live_uid(world, index, "moving") == uids[index]
        assert {name: count for name, count in Counter(deleted).items() if count > 1} == {}
        if not killed:
            return
    pytest.fail("the rollouts never ended")


def moving(world: World, at: str, holds: str) -> dict[str, str | None]:
    """A release of both applications, of which one holds what moves."""
    shared = config_map("moving", some="data")
    gives = "web" if holds == "api" else "api"
    found = {
        **release(world, f"registry.example/web:1.{at}", f"added-{at}"),
        world.path("api", "own.yaml"): config_map("api", at=at),
        world.path(holds, "moving.yaml"): shared,
    }
    if (world.people.work / world.path(gives, "moving.yaml")).exists():
        found[world.path(gives, "moving.yaml")] = None
    return found


def deletions(world: World) -> list[str]:
    """What the newest run deleted, by cluster, other than parts of inventories."""
    lines = (world.folder / "output.txt").read_text().splitlines()
    return [line for line in lines if line.startswith("deleted ") and "/gitops-waves." not in line]


def live_uid(world: World, index: int, name: str) -> str:
    """The uid of a ConfigMap on one cluster."""
    return str(world.live(index, f"v1/configmaps/{name}")["metadata"]["uid"])


def inventory(world: World, index: int, application: str) -> set[str]:
    """Names of the objects that an application's inventory holds on one cluster."""
    chosen = f"gitops-waves.io/inventory-of={world.environment},gitops-waves.io/application={application}"
    path = f"/api/v1/namespaces/{world.namespace}/configmaps?labelSelector={chosen}"
    found = from_config_maps(world.planes[index].api.get(path)["items"], world.planes[index].name)
    return {key.name for key in found.entries} if found else set()


async def start(world: World, runner: Runner) -> None:
    """The first release, undisturbed."""
    config = world.config().model_dump(mode="json", by_alias=True, exclude_none=True)
    (world.folder / CONFIG).write_text(yaml.safe_dump(config))
    waves = [{**wave, "progressDeadline": DEADLINE} for wave in (CANARY_EARLY_REST[0], CANARY_EARLY_REST[2])]
    files = {**world.clusters(), **world.environment_file(waves=waves)}
    world.people.push("Start", {**files, **release(world, "registry.example/web:1.0", "added-0")})
    await run(world, runner, 0)


def release(world: World, image: str, extra: str) -> dict[str, str | None]:
    """A Deployment, and a ConfigMap whose name changes with every release, so that something is pruned."""
    return {
        world.path("web"): deployment("web", image, replicas=1),
        world.path("web", "extra.yaml"): config_map(extra, some="data"),
    }


async def run(world: World, runner: Runner, at: int) -> bool:
    """Run the controller once, killed after its `at`-th action; returns whether it was."""
    code, output = await runner.run(world.folder, at)
    if at:
        assert code in (-signal.SIGKILL, 0), output[-4000:]
        return code == -signal.SIGKILL
    assert code == 0, output[-4000:]
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

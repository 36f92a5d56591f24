"""The main job on real control planes: good commits go wave by wave, bad ones come back by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitops.rollout import events as e
from gitops.rollout.state import RolloutPhase
from tests.cluster.rig.plane import Plane
from tests.cluster.world import CANARY_EARLY_REST, People, World, config_map, deployment

ROOT_CA = "v1/configmaps/kube-root-ca.crt"
CRASHING = "registry.example/web:2.0-crash-loop"


@pytest.fixture
def world(clusters: tuple[Plane, ...], namespace: str, tmp_path: Path) -> World:
    """Three clusters, an empty repository."""
    return World(People(tmp_path), clusters, namespace, tmp_path, "production")


def shop(world: World, *applications: str, **spec: Any) -> dict[str, str | None]:
    """A repository with the given applications, each one a Deployment."""
    files = {**world.clusters(), **world.environment_file(**spec)}
    for application in applications:
        files[world.path(application)] = deployment(application)
    return files


def versions(world: World, index: int) -> dict[str, str]:
    """Resource versions of everything that the controller could write in the namespace on one cluster."""
    plane = world.planes[index]
    found = {}
    for path in ("api/v1/namespaces/{}/configmaps", "apis/apps/v1/namespaces/{}/deployments"):
        for item in plane.api.get(f"/{path.format(world.namespace)}")["items"]:
            found[item["metadata"]["uid"]] = item["metadata"]["resourceVersion"]
    return found


async def test_a_good_commit_goes_wave_by_wave(world: World) -> None:
    """When a wave starts, nothing of it was written before, and the wave before it has passed its gates."""
    written_early: list[str] = []

    def check(events: tuple[e.Event, ...]) -> None:
        for event in events:
            if isinstance(event, e.WaveStarted):
                index = [wave["name"] for wave in CANARY_EARLY_REST].index(event.wave)
                written_early.extend(
                    f"{event.wave}: {world.planes[later].name}"
                    for later in range(index, 3)
                    if versions(world, later) != untouched[later]
                )

    world.seen.on_recorded = check
    # The cluster writes a ConfigMap itself, at some moment after the namespace was made.
    await world.until(lambda: all(world.live(index, ROOT_CA) for index in range(3)), "whole namespaces")
    untouched = [versions(world, index) for index in range(3)]
    first = world.people.push("First", shop(world, "web"))
    async with world.controller():
        await world.succeeded(first, "web")
    assert written_early == []
    order = [event for event in world.seen.events if isinstance(event, e.WaveStarted | e.WavePassed)]
    told = [(type(event).__name__, event.wave) for event in order]
    expected = []
    for wave in ("canary", "early", "rest"):
        expected += [("WaveStarted", wave), ("WavePassed", wave)]
    assert told == expected
    for index in range(3):
        assert world.live(index, "apps/v1/deployments/web")["status"]["availableReplicas"] == 2
    recorded = world.people.git(
        "log",
        "--reverse",
        "--format=%B",
        f"refs/gitops/environments/{world.environment}",
        at=world.people.remote,
    )
    story = [f"web#1 {what}" for what in ("starts wave canary", "passed wave canary", "starts wave early")]
    story += [f"web#1 {what}" for what in ("passed wave early", "starts wave rest", "passed every wave")]
    places = [recorded.find(sentence) for sentence in story]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.long
async def test_a_crashing_image_stops_at_the_canary_and_is_reverted(world: World) -> None:
    """No other cluster sees it, the canary goes back, the revert lands in Git, and nothing loops."""
    good = world.people.push("First", shop(world, "web", onFailure={"action": "Revert"}))
    async with world.controller():
        await world.succeeded(good, "web")
        before = {index: versions(world, index) for index in (1, 2)}
        image = world.live(0, "apps/v1/deployments/web")["spec"]["template"]
        bad = world.people.push("Break web", {world.path("web"): deployment("web", CRASHING)})
        reverted = await world.until(lambda: world.seen.of(e.RolloutReverted), "the revert")
        failed = world.seen.of(e.RolloutFailed)[0]
        assert failed.wave == "canary"
        assert "CrashLoopBackOff" in failed.because or any(
            "CrashLoopBackOff" in line for line in failed.evidence
        )
        assert any("exit code 1" in line or "exited with 1" in line for line in failed.evidence), (
            failed.evidence
        )
        assert world.live(0, "apps/v1/deployments/web")["spec"]["template"] == image
        # The revert: on the branch, with its trailers, and the same tree as before the bad commit.
        head = world.people.head()
        message = world.people.message(head)
        assert head == world.seen.of(e.RevertPushed)[0].commit
        assert world.people.tree(head) == world.people.tree(good)
        for trailer in (
            f"Gitops-Environment: {world.environment}",
            "Gitops-Application: web",
            "Gitops-Wave: canary",
            f"Gitops-Reverts: {bad}",
            "Gitops-Audit: ",
        ):
            assert trailer in message
        assert len(reverted) == 1
        # Nothing loops: the revert's own inputs are the good ones, so no rollout follows.
        await world.until(lambda: world.fleet and _head_seen(world, head), "the revert commit to be seen")
        started = len(world.seen.of(e.RolloutStarted))
        # The same inputs again are held by quarantine.
        again = world.people.push("Break web again", {world.path("web"): deployment("web", CRASHING)})
        held = f"holds revision {again[:12]}: the same inputs failed"
        await world.told(held)
        assert len(world.seen.of(e.RolloutStarted)) == started
        assert {index: versions(world, index) for index in (1, 2)} == before
        # A fixing commit goes through.
        fixed = world.people.push("Fix", {world.path("web"): deployment("web", "registry.example/web:2.1")})
        await world.succeeded(fixed, "web")
    assert world.people.head() == fixed


async def test_a_retry_commit_lifts_the_quarantine(world: World) -> None:
    """`Gitops-Retry` in a commit starts the same inputs once more, exactly once."""
    good = world.people.push("First", shop(world, "web", onFailure={"action": "Revert", "push": "None"}))
    async with world.controller():
        await world.succeeded(good, "web")
        world.people.push("Break", {world.path("web"): deployment("web", CRASHING)})
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the first revert")
        world.people.push(f"Try again\n\nGitops-Retry: {world.environment}/web\n", {})
        await world.until(lambda: len(world.seen.of(e.RolloutReverted)) == 2, "the second revert")
        assert len(world.seen.of(e.CommandSeen)) == 1
        assert world.live(0, "apps/v1/deployments/web")["spec"]["template"]["spec"]["containers"][0][
            "image"
        ].endswith(":1.0")


@pytest.mark.long
async def test_two_applications_never_wait_for_one_another(world: World) -> None:
    """Of two commits at the same time, the bad one is taken back and the good one reaches every wave."""
    first = world.people.push("First", shop(world, "web", "api"))
    async with world.controller():
        await world.succeeded(first, "web")
        await world.succeeded(first, "api")
        bad = world.people.push("Break web", {world.path("web"): deployment("web", CRASHING)})
        good = world.people.push(
            "Improve api", {world.path("api"): deployment("api", "registry.example/api:2.0")}
        )
        await world.until(lambda: world.seen.of(e.RolloutReverted, "web"), "web's revert")
        await world.until(lambda: world.successes("api") == 2, "api everywhere")
        assert f"Gitops-Reverts: {bad}" in world.people.message(world.seen.of(e.RevertPushed)[0].commit)
    assert world.state("api").good is not None
    assert good in world.people.log("main")
    for index in range(3):
        container = world.live(index, "apps/v1/deployments/api")["spec"]["template"]["spec"]["containers"][0]
        assert container["image"] == "registry.example/api:2.0"


@pytest.mark.long
async def test_only_the_guilty_paths_of_a_commit_are_reverted(world: World) -> None:
    """One commit changes two applications, one of them badly: the other keeps its change."""
    first = world.people.push("First", shop(world, "web", "api"))
    async with world.controller():
        await world.succeeded(first, "web")
        await world.succeeded(first, "api")
        world.people.push(
            "Change both",
            {
                world.path("web"): deployment("web", CRASHING),
                world.path("api"): deployment("api", "registry.example/api:2.0"),
            },
        )
        await world.until(lambda: world.seen.of(e.RevertPushed, "web"), "web's revert")
        await world.until(lambda: world.successes("api") == 2, "api everywhere")
    head = world.people.head()
    changed = world.people.git("diff", "--name-only", first, head, at=world.people.remote)
    assert changed == world.path("api")


@pytest.mark.long
async def test_a_dependent_application_waits_for_the_other_on_each_target(world: World) -> None:
    """`dependsOn` holds an application on a target until the other is healthy there, and says so."""
    files = shop(world, "web", "database")
    files[world.path("database")] = deployment("database", "registry.example/database:1.0-ready-after-3s")
    files[world.path("web", "application.yaml")] = """
        apiVersion: gitops-waves.io/v1alpha1
        kind: Application
        metadata: {name: web}
        spec: {dependsOn: [database]}
        """
    first = world.people.push("First", files)
    too_early: list[str] = []

    def check(events: tuple[e.Event, ...]) -> None:
        for event in events:
            if isinstance(event, e.TargetStarted) and event.application == "web":
                on = world.seen.state[world.environment].application("database").on.get(event.target)
                if on is None or not on.settled:
                    too_early.append(event.target)

    world.seen.on_recorded = check
    async with world.controller():
        await world.told("waits for database")
        await world.succeeded(first, "web")
    assert too_early == []


async def test_a_first_rollout_that_fails_stops_and_keeps_what_is_there(world: World) -> None:
    """There is no last good revision: it halts, says so, writes no revert, and leaves the canary as it is."""
    files = shop(world, "web")
    files[world.path("web")] = deployment("web", CRASHING)
    first = world.people.push("First", files)
    async with world.controller():
        await world.until(lambda: world.seen.of(e.RolloutHalted), "the halt")
        await world.told("no last good")
        rollout = world.state("web").rollout
        assert rollout is not None
        assert rollout.phase is RolloutPhase.HALTED
    assert world.people.head() == first
    assert world.live(0, "apps/v1/deployments/web")
    assert not world.live(1, "apps/v1/deployments/web")


@pytest.mark.long
async def test_halt_leaves_the_canary_for_people_to_look_at(world: World) -> None:
    """`onFailure: Halt`: nothing goes back, nothing is committed, no later wave starts; a fix goes on."""
    first = world.people.push("First", shop(world, "web", onFailure={"action": "Halt"}))
    async with world.controller():
        await world.succeeded(first, "web")
        bad = world.people.push("Break", {world.path("web"): deployment("web", CRASHING)})
        await world.until(lambda: world.seen.of(e.RolloutHalted), "the halt")
        assert (
            world.live(0, "apps/v1/deployments/web")["spec"]["template"]["spec"]["containers"][0]["image"]
            == CRASHING
        )
        assert not world.seen.of((e.RestoreStarted, e.RevertPushed))
        assert world.people.head() == bad
        fixed = world.people.push("Fix", {world.path("web"): deployment("web", "registry.example/web:2.1")})
        await world.succeeded(fixed, "web")
    assert [event.target for event in world.seen.of(e.TargetStarted)].count(world.target(1)) == 2


async def test_what_the_bad_revision_added_and_removed_is_undone(world: World) -> None:
    """The canary loses what the bad revision added and gets back what it removed."""
    files = shop(world, "web")
    files[world.path("web", "old.yaml")] = config_map("old", kept="yes")
    first = world.people.push("First", files)
    async with world.controller():
        await world.succeeded(first, "web")
        world.people.push(
            "Break",
            {
                world.path("web"): deployment("web", CRASHING),
                world.path("web", "old.yaml"): None,
                world.path("web", "new.yaml"): config_map("new", added="yes"),
            },
        )
        await world.until(lambda: world.live(0, "v1/configmaps/new"), "the new object on the canary")
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the revert")
    assert world.live(0, "v1/configmaps/new") is None
    assert world.live(0, "v1/configmaps/old")["data"] == {"kept": "yes"}


@pytest.mark.long
async def test_a_fix_supersedes_a_rollout_that_waits(world: World) -> None:
    """A fix need not wait for the deadline of what it fixes."""
    first = world.people.push("First", shop(world, "web"))
    async with world.controller():
        await world.succeeded(first, "web")
        world.people.push(
            "Hang", {world.path("web"): deployment("web", "registry.example/web:2.0-never-ready")}
        )
        await world.until(lambda: world.seen.of(e.TargetApplied)[3:], "the hanging revision on the canary")
        fixed = world.people.push("Fix", {world.path("web"): deployment("web", "registry.example/web:2.1")})
        await world.succeeded(fixed, "web", within=45)
        assert len(world.seen.of(e.RolloutSuperseded)) == 1


def _head_seen(world: World, head: str) -> bool:
    return any(
        one.fetched is not None and one.fetched.head == head
        for one in (world.fleet.repositories if world.fleet else [])
    )

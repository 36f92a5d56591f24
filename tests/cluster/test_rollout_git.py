"""Git is the only memory: records survive the controller, a second one is fenced, a refused push is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gitops.rollout import events as e
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, Seen, World, config_map, deployment

CRASHING = "registry.example/web:2.0-crash-loop"


@pytest.fixture
def world(clusters: tuple[Plane, ...], namespace: str, tmp_path: Path) -> World:
    """Two clusters, two waves."""
    return World(People(tmp_path), clusters[:2], namespace, tmp_path, "production")


def files(world: World) -> dict[str, str | None]:
    """One application."""
    return {**world.clusters(), **world.environment_file(), world.path("web"): deployment("web")}


async def test_a_controller_that_lost_every_file_goes_on_from_git(world: World) -> None:
    """With its state folder deleted it knows what happened, starts nothing again and writes nothing."""
    first = world.people.push("First", files(world))
    async with world.controller():
        await world.succeeded(first, "web")
    shutil.rmtree(world.folder / "state")
    versions = [live_version(world, index) for index in range(2)]
    before = world.state("web")
    world.seen = Seen()
    async with world.controller():
        await world.until(lambda: world.seen.state.get(world.environment), "the first pass")
        assert world.state("web") == before
        assert not world.seen.events
        second = world.people.push(
            "Second", {world.path("web"): deployment("web", "registry.example/web:2.0")}
        )
        assert [live_version(world, index) for index in range(2)] == versions
        await world.succeeded(second, "web")
    assert world.seen.of(e.RolloutStarted)[0].rollout == "web#2"


async def test_a_remote_that_is_away_delays_records_and_never_a_restore(world: World) -> None:
    """Targets go back at once; records and the revert commit follow when the remote answers again."""
    first = world.people.push("First", files(world))
    away = world.folder / "away.git"
    async with world.controller():
        await world.succeeded(first, "web")
        world.people.push("Break", {world.path("web"): deployment("web", CRASHING)})
        await world.until(lambda: len(world.seen.of(e.TargetApplied)) == 3, "the bad revision on the canary")
        world.people.remote.rename(away)
        await world.until(lambda: world.seen.of(e.TargetRestored), "the restore")
        assert live_image(world, 0) == "registry.example/web:1.0"
        assert not world.seen.of(e.RevertPushed)
        away.rename(world.people.remote)
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the revert", within=90)
        assert "Gitops-Reverts" in world.people.message(world.people.head())
    assert "reverted" in history(world)


async def test_a_rejected_push_leaves_the_targets_on_last_good_and_asks_a_person(world: World) -> None:
    """A branch that the host protects: no revert commit, no loop, and a sentence with the reason."""
    first = world.people.push("First", files(world))
    async with world.controller():
        await world.succeeded(first, "web")
        bad = world.people.push("Break", {world.path("web"): deployment("web", CRASHING)})
        hook = world.people.remote / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\necho protected >&2\nexit 1\n")
        hook.chmod(0o755)
        refused = await world.until(lambda: world.seen.of(e.RevertRefused), "the refusal")
        assert "refused" in refused[0].because
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the end of the rollout")
        assert live_image(world, 0) == "registry.example/web:1.0"
        hook.unlink()
        held = f"holds revision {bad[:12]}"
        await world.told(held)
        assert world.people.head() == bad
        assert len(world.seen.of(e.RolloutStarted)) == 2


async def test_a_second_controller_cannot_write(world: World) -> None:
    """The record of one is the other's conflict: whoever is late stops, says why, and acts no more."""
    first = world.people.push("First", files(world))
    async with world.controller():
        await world.succeeded(first, "web")
        await world.until(lambda: "every wave" in history(world) or "succeeded" in history(world), "the push")
        other = World(world.people, world.planes, world.namespace, world.folder, world.environment)
        async with other.controller(stateDirectory=str(world.folder / "other")):
            await other.until(lambda: other.seen.state.get(world.environment), "the other's first pass")
            second = world.people.push(
                "Second", {world.path("web"): deployment("web", "registry.example/web:2.0")}
            )
            await world.until(lambda: errors(world) or errors(other), "one of them to be fenced")
            late, leader = (world, other) if errors(world) else (other, world)
            assert "record" in errors(late)
            await leader.succeeded(second, "web")
            assert not errors(leader)


async def test_records_can_live_on_another_remote(world: World) -> None:
    """The branch's repository then holds no audit ref, the other one all of them; a restart reads them."""
    records = world.folder / "records.git"
    world.people.git("init", "--quiet", "--bare", str(records), at=world.folder)
    elsewhere = [{"name": "shop", "url": str(world.people.remote), "auditUrl": str(records)}]
    first = world.people.push("First", files(world))
    async with world.controller(repositories=elsewhere):
        await world.succeeded(first, "web")
    assert not history(world)
    told = world.people.git("log", "--format=%B", f"refs/gitops/environments/{world.environment}", at=records)
    assert "Gitops-Rollout: web#1" in told
    shutil.rmtree(world.folder / "state")
    before, world.seen = world.state("web"), Seen()
    async with world.controller(repositories=elsewhere):
        await world.until(lambda: world.seen.state.get(world.environment), "the first pass")
        assert world.state("web") == before


async def test_one_controller_follows_several_repositories(world: World) -> None:
    """Each has its own environments and records; what is wrong in one of them holds up no other."""
    folder = world.folder / "infra"
    folder.mkdir()
    other = World(People(folder), world.planes, world.namespace, folder, "infra", seen=world.seen)
    agent = {other.path("agent"): config_map("agent", version="1")}
    first = world.people.push("First", files(world))
    theirs = other.people.push("First", {**other.clusters(), **other.environment_file(), **agent})
    repositories = [
        {"name": "shop", "url": str(world.people.remote)},
        {"name": "infra", "url": str(other.people.remote)},
    ]
    async with world.controller(repositories=repositories) as fleet:
        other.fleet = fleet
        await world.succeeded(first, "web")
        await other.succeeded(theirs, "agent")
        other.people.push("Break", {other.path("agent"): "kind: ["})
        await other.told("agent cannot be rolled out as it is written")
        second = world.people.push(
            "Second", {world.path("web"): deployment("web", "registry.example/web:2.0")}
        )
        await world.succeeded(second, "web")
    assert world.live(0, "v1/configmaps/agent")["data"] == {"version": "1"}
    for one, own in ((world, "production"), (other, "infra")):
        assert one.people.git("for-each-ref", "--format=%(refname)", "refs/gitops", at=one.people.remote) == (
            f"refs/gitops/environments/{own}"
        )


async def test_a_force_push_is_reported_and_not_followed(world: World) -> None:
    """Neither while the controller runs, nor when it happened while it was away with all its files lost."""
    first = world.people.push("First", files(world))
    async with world.controller():
        await world.succeeded(first, "web")
        await world.until(lambda: history(world), "the push")
        world.people.git("commit", "--quiet", "--amend", "--message", "Rewritten")
        world.people.git("push", "--quiet", "--force", "origin", "HEAD:main")
        rewritten = world.people.head()
        await world.until(lambda: "force-pushed" in errors(world), "the report")
    shutil.rmtree(world.folder / "state")
    world.seen = Seen()
    async with world.controller():
        await world.until(lambda: "force-pushed" in errors(world), "the report after a restart")
        assert rewritten[:12] in errors(world)
        assert not world.seen.events


def live_image(world: World, index: int) -> str:
    """What one cluster runs."""
    found = world.live(index, "apps/v1/deployments/web")
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def live_version(world: World, index: int) -> str:
    """Changes with every write of anybody to the object."""
    return str(world.live(index, "apps/v1/deployments/web")["metadata"]["resourceVersion"])


def history(world: World) -> str:
    """Subjects of all records that the remote has."""
    ref = f"refs/gitops/environments/{world.environment}"
    known = world.people.git("for-each-ref", ref, at=world.people.remote)
    return world.people.git("log", "--format=%B", ref, at=world.people.remote) if known else ""


def errors(world: World) -> str:
    """What the controller says is wrong."""
    if world.fleet is None:
        return ""
    found = [one.error for one in world.fleet.repositories]
    found += [loop.error for one in world.fleet.repositories for loop in one.loops.values()]
    return "; ".join(filter(None, found))

"""What people get wrong, and what breaks around us: a clear sentence, nothing written, and the way back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.rollout import events as e
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, World, config_map, deployment

FOLLOWS = "still following"
ALIAS_BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{later}: &{later} [{', '.join([f'*{earlier}'] * 10)}]\n"
    for earlier, later in zip("abcdefgh", "bcdefghi", strict=True)
)
BAD_TEXT = {
    "malformed YAML": ("a: [1, 2\nb: }", "bad.yaml:"),
    "alias bomb": (ALIAS_BOMB, "alias"),
    "duplicate keys": (
        "apiVersion: v1\nkind: ConfigMap\nkind: Secret\nmetadata: {name: x}\n",
        "bad.yaml:3:1: ",
    ),
    "20 MiB document": (config_map("large", value="full").replace("full", "x" * (20 << 20)), "more than the"),
    "no object": ("just words\n", "bad.yaml:1"),
}


def shop(world: World, **spec: Any) -> dict[str, str | None]:
    """An application `web` with one ConfigMap `settings`."""
    return {**world.clusters(), **world.environment_file(**spec), world.path("web"): config_map("settings")}


def names(world: World, index: int = 0) -> set[str]:
    """ConfigMaps of the namespace that are not ours to keep."""
    items = world.planes[index].api.get(f"/api/v1/namespaces/{world.namespace}/configmaps")["items"]
    return {item["metadata"]["name"] for item in items} - {"kube-root-ca.crt"}


def repository_error(world: World) -> str:
    """What is wrong with the repository as a whole."""
    return next((one.error for one in world.fleet.repositories), "") if world.fleet else ""


async def blocked(world: World, where: str, why: str) -> None:
    """`bad` is refused where it is written, `web` goes on with the same commit, and a fix goes through."""
    sentence = await world.told("bad cannot be rolled out as it is written")
    assert where in sentence
    assert why in sentence
    await world.until(lambda: world.live(0, "v1/configmaps/settings"), "the good application")
    refused = world.seen.of(e.RevisionRefused)[-1]
    assert any(where in problem for problem in refused.problems)
    assert not world.seen.of(e.RolloutStarted, "bad")
    assert names(world) == {"settings", "gitops-waves.production.web"}
    fixed = world.people.push("Fix", {world.path("bad", "bad.yaml"): config_map("mended")})
    await world.succeeded(fixed, "bad")
    assert "mended" in names(world)


@pytest.mark.parametrize("mistake", BAD_TEXT)
async def test_text_that_is_no_manifest_blocks_its_application_alone(world: World, mistake: str) -> None:
    """The sentence names the file and what is wrong; the rest of the commit is rolled out."""
    text, why = BAD_TEXT[mistake]
    world.people.push("First", {**shop(world), world.path("bad", "bad.yaml"): text})
    async with world.controller():
        await blocked(world, world.path("bad", "bad.yaml"), why)


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../../../etc/passwd", "../../../../outside.yaml", "bad.yaml"]
)
async def test_symlinks_out_of_the_repository_are_refused(world: World, target: str) -> None:
    """Nothing of the machine's files is read, and the application is blocked where the link is."""
    link = world.people.work / world.path("bad", "bad.yaml")
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    world.people.push("First", shop(world))
    async with world.controller():
        sentence = await world.told("bad cannot be rolled out as it is written")
        assert "root:" not in sentence
        link.unlink()
        await blocked(world, world.path("bad", "bad.yaml"), "symlink")


async def test_an_unknown_field_of_a_manifest_is_the_api_servers_to_report(world: World) -> None:
    """With the file, the line and the server's words; nothing is written, a fix goes through."""
    body = yaml.safe_load(deployment("web"))
    body["spec"]["replicaz"] = 3
    world.people.push("First", {**shop(world), world.path("bad", "bad.yaml"): yaml.safe_dump(body)})
    async with world.controller():
        sentence = await world.told("bad is halted", ".spec.replicaz: field not declared in schema")
        assert world.path("bad", "bad.yaml") + ":1" in sentence
        await world.until(lambda: world.successes("web"), "the good application")
        assert world.live(0, "apps/v1/deployments/web") is None
        fixed = world.people.push("Fix", {world.path("bad", "bad.yaml"): config_map("mended")})
        await world.succeeded(fixed, "bad")


BAD_ENVIRONMENTS: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "unknown field": (
        lambda spec: spec.update(maxConcurentRollouts=3),
        "environment.yaml:",
        "maxConcurrentRollouts",
    ),
    "selector that matches nothing": (
        lambda spec: spec["targets"][0].update(clusterSelector={"matchLabels": {"ring": "canarry"}}),
        "no cluster matches this selector",
        'did you mean "canary"?',
    ),
    "wave that no target matches": (
        lambda spec: spec["waves"].insert(
            0, {"name": "nobody", "clusterSelector": {"matchLabels": {"ring": "early"}}}
        ),
        "environment.yaml:",
        "nobody",
    ),
    "target that no wave takes": (
        lambda spec: spec["waves"][0].update(clusterSelector={"matchLabels": {"ring": "early"}}),
        "environment.yaml",
        "wave",
    ),
}


@pytest.mark.parametrize("mistake", BAD_ENVIRONMENTS)
async def test_an_environment_that_cannot_be_used_leaves_everything_as_it_is(
    world: World, mistake: str
) -> None:
    """The sentence says where and what; what ran runs on; a fix goes through."""
    change, *words = BAD_ENVIRONMENTS[mistake]
    path = f"environments/{world.environment}/environment.yaml"
    first = world.people.push("First", shop(world))
    async with world.controller():
        await world.succeeded(first, "web")
        world.requests.clear()
        body = yaml.safe_load(world.environment_file()[path] or "")
        change(body["spec"])
        bad = world.people.push(
            "Bad environment", {path: yaml.safe_dump(body), world.path("web", "new.yaml"): config_map("new")}
        )
        sentence = await world.told("web cannot be rolled out as it is written", *words)
        assert path in sentence
        await world.looked_at(bad)
        assert world.writes == []
        fixed = world.people.push("Fix", world.environment_file())
        await world.succeeded(fixed, "web")
    assert "new" in names(world)


async def test_a_cluster_that_is_unreachable_is_left_behind_and_rejoins(
    clusters: tuple[Plane, ...], namespace: str, tmp_path: Path
) -> None:
    """Within maxFailures the others go on; a sentence says who is silent; once it answers, it follows."""
    world = World(People(tmp_path), clusters, namespace, tmp_path, "production")
    waves = [{"name": "all", "maxFailures": 1, "progressDeadline": "3s"}]
    silent = world.target(2)
    first = world.people.push("First", shop(world, waves=waves))
    async with world.controller():
        await world.succeeded(first, "web")
        clusters[2].kill_apiserver()
        try:
            second = world.people.push("Second", {world.path("web"): config_map("settings", version="2")})
            sentence = await world.told(f"web@{silent}", "no answer from")
            assert "released by the cluster" in sentence
            await world.succeeded(second, "web", within=30)
            assert world.state("web").lagging.keys() == {silent}
            assert await world.told(
                f"web@{silent}", "was left behind", "released by the cluster, by answering"
            )
            for index in (0, 1):
                assert world.live(index, "v1/configmaps/settings")["data"] == {"version": "2"}
        finally:
            await asyncio.to_thread(clusters[2].start_apiserver)
        await world.until(lambda: not world.state("web").lagging, "the cluster to rejoin")
        assert world.live(2, "v1/configmaps/settings")["data"] == {"version": "2"}
        assert world.seen.of(e.RolloutFailed) == []


async def test_expired_credentials_are_named_and_fresh_ones_are_taken_up(world: World) -> None:
    """401 is about the connection, never about a revision: nothing fails, and a new token file is read."""
    token = world.folder / "token"
    token.write_text("stale-token-of-yesterday")
    plane = world.planes[0]
    connection = {
        "name": plane.name,
        "server": plane.url,
        "caFile": str(plane.ca_file),
        "tokenFile": str(token),
    }
    first = world.people.push("First", shop(world))
    async with world.controller(connections=[connection]):
        sentence = await world.told("web@", "renew the token or client certificate of this connection")
        assert "stale-token" not in sentence
        assert "released by the cluster" in sentence
        assert world.seen.of((e.TargetFailed, e.RolloutFailed)) == []
        token.write_text(plane.token)
        await world.succeeded(first, "web")


async def test_a_repository_without_a_commit_and_a_branch_that_vanishes(world: World) -> None:
    """Both are said; targets stay as they are; the first commit, and the branch's return, are noticed."""
    async with world.controller():
        await world.until(lambda: "has no commit yet" in repository_error(world), "the sentence")
        ready, because = world.fleet.ready()  # type: ignore[union-attr]
        assert not ready
        assert "push one to the branch main" in because
        first = world.people.push("First", shop(world))
        await world.succeeded(first, "web")
        assert repository_error(world) == ""
        world.requests.clear()
        world.people.git("update-ref", "refs/heads/other", "refs/heads/main", at=world.people.remote)
        world.people.git("update-ref", "-d", "refs/heads/main", at=world.people.remote)
        await world.until(lambda: "has no branch main any more" in repository_error(world), "the sentence")
        assert "targets stay as they are" in repository_error(world)
        assert await world.told("follows no newer commit", "has no branch main any more")
        assert world.writes == []
        assert "settings" in names(world)
        world.people.git("update-ref", "refs/heads/main", first, at=world.people.remote)
        await world.until(lambda: not repository_error(world), "the branch to be back")
        second = world.people.push("Go on", {world.path("web"): config_map("settings", version="2")})
        await world.succeeded(second, "web")


async def test_a_force_pushed_branch_is_not_followed_blindly(world: World) -> None:
    """It is said, with what to do; nothing is rolled out from it; a commit on top of the old head goes on."""
    first = world.people.push("First", shop(world))
    async with world.controller():
        await world.succeeded(first, "web")
        second = world.people.push("Second", {world.path("web"): config_map("settings", version="2")})
        await world.succeeded(second, "web")
        world.requests.clear()
        git = world.people.git
        git("reset", "--quiet", "--hard", first)
        (world.people.work / world.path("web")).write_text(config_map("settings", version="forced"))
        git("commit", "--quiet", "--all", "--message", "Rewritten")
        git("push", "--quiet", "--force", "origin", "HEAD:main")
        rewritten = world.people.head()
        sentence = await world.told(f"force-pushed to {rewritten[:12]}", f"{FOLLOWS} {second[:12]}")
        assert "onForcePush: Follow" in sentence
        assert world.writes == []
        assert world.live(0, "v1/configmaps/settings")["data"] == {"version": "2"}
        git("reset", "--quiet", "--hard", second)
        git("push", "--quiet", "--force", "origin", "HEAD:main")
        await world.until(lambda: not repository_error(world), "the old branch again")
        third = world.people.push("Third", {world.path("web"): config_map("settings", version="3")})
        await world.succeeded(third, "web")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 24 MiB, of which the mirror leaves 16 MiB free."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a file system of limited size needs the right to mount one")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_full_disk_for_the_mirror_is_said_and_survived(world: World, small_disk: Path) -> None:
    """Fetching stops with a sentence, targets stay as they are, and with more room it goes on by itself."""
    first = world.people.push("First", shop(world))
    filler = small_disk / "filler"
    async with world.controller(stateDirectory=str(small_disk / "state")):
        await world.succeeded(first, "web")
        world.requests.clear()
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(1 << 16)):
                pass
        second = world.people.push("Second", {world.path("web"): config_map("settings", version="2")})
        sentence = await world.told("follows no newer commit", "the disk is full; free some space")
        assert "enlarge the volume of the mirror" in sentence
        assert world.writes == []
        filler.unlink()
        await world.succeeded(second, "web")
        assert repository_error(world) == ""
    assert world.live(0, "v1/configmaps/settings")["data"] == {"version": "2"}

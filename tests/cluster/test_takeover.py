"""Objects that were there before us: taken over when nobody claims them, else refused by the owner's name."""

from __future__ import annotations

from typing import Any

from gitops.inventory import applyset_id, parent_name
from gitops.rollout import events as e
from tests.cluster.world import World, config_map, deployment

PART_OF = "applyset.kubernetes.io/part-of"
CLAIMS: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "of-helm": (
        {"app.kubernetes.io/managed-by": "Helm"},
        {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "retail"},
        "Helm release retail/shop",
    ),
    "of-argo": (
        {},
        {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:retail/x"},
        "Argo CD application shop",
    ),
    "of-flux": (
        {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
        {},
        "Flux Kustomization flux-system/shop",
    ),
    "of-kapp": ({"kapp.k14s.io/app": "1234"}, {}, "kapp application 1234"),
    "of-another": ({PART_OF: "applyset-someone-v1"}, {}, "ApplySet applyset-someone-v1"),
}


def existing(world: World, name: str, **metadata: Any) -> dict[str, Any]:
    """Create a ConfigMap as somebody else, and return it."""
    body = {"metadata": {"name": name, **metadata}, "data": {"theirs": "yes"}}
    created: dict[str, Any] = world.planes[0].api.create(
        f"/api/v1/namespaces/{world.namespace}/configmaps", body
    )
    return created


async def test_an_object_that_nobody_claims_is_taken_over(world: World) -> None:
    """It stays the same object, gets our fields and labels, and keeps what else was in it."""
    before = existing(world, "settings")
    files = {**world.clusters(), **world.environment_file()}
    first = world.people.push("First", {**files, world.path("web"): config_map("settings", ours="yes")})
    async with world.controller():
        await world.succeeded(first, "web")
    live = world.live(0, "v1/configmaps/settings")
    assert live["metadata"]["uid"] == before["metadata"]["uid"]
    assert live["data"] == {"theirs": "yes", "ours": "yes"}
    assert live["metadata"]["labels"][PART_OF] == applyset_id(
        parent_name("production", "web"), world.namespace
    )
    assert world.seen.of(e.TargetApplied)[0].counts == {"take over": 1}


async def test_claimed_objects_are_refused_naming_each_owner(world: World) -> None:
    """All of them in one answer, each with its file and line, and nothing is written beside them either."""
    claimed = {
        name: existing(world, name, labels=labels, annotations=annotations)
        for name, (labels, annotations, _) in CLAIMS.items()
    }
    files = {**world.clusters(), **world.environment_file()}
    files[world.path("web", "free.yaml")] = config_map("free")
    for name in CLAIMS:
        files[world.path("web", f"{name}.yaml")] = config_map(name, ours="yes")
    world.people.push("First", files)
    async with world.controller():
        await world.told("web is halted", "a person decides")
        failed = world.seen.of(e.RolloutFailed)[0]
    assert len(failed.evidence) == len(CLAIMS)
    for name, (_, _, owner) in CLAIMS.items():
        line = next(line for line in failed.evidence if f"{name}.yaml:1" in line)
        assert f"already exists and belongs to {owner}:" in line
        live = world.live(0, f"v1/configmaps/{name}")
        assert live["metadata"]["resourceVersion"] == claimed[name]["metadata"]["resourceVersion"]
    assert world.live(0, "v1/configmaps/free") is None
    assert [one for one in world.writes if not one.dry_run] == []


async def test_a_revert_leaves_what_was_there_before(world: World) -> None:
    """An object that the failed revision took over is not deleted with it, unlike one that it created."""
    before = existing(world, "settings")
    files = {**world.clusters(), **world.environment_file(onFailure={"push": "None"})}
    first = world.people.push("First", {**files, world.path("web"): deployment("web")})
    async with world.controller():
        await world.succeeded(first, "web")
        world.people.push(
            "Take over and break",
            {
                world.path("web"): deployment("web", "registry.example/web:2.0-crash-loop"),
                world.path("web", "settings.yaml"): config_map("settings", ours="yes"),
                world.path("web", "new.yaml"): config_map("new"),
            },
        )
        await world.until(lambda: world.live(0, "v1/configmaps/new"), "the bad revision to be applied")
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the revert")
    assert world.live(0, "v1/configmaps/new") is None
    live = world.live(0, "v1/configmaps/settings")
    assert live["metadata"]["uid"] == before["metadata"]["uid"]
    assert live["data"]["theirs"] == "yes"


async def test_two_environments_that_claim_one_object_are_told_apart(world: World) -> None:
    """The second one is refused, naming the first; the first keeps its object as it is."""
    files = {
        **world.clusters(),
        **world.environment_file(),
        world.path("web"): config_map("shared", of="one"),
    }
    first = world.people.push("First", files)
    async with world.controller():
        await world.succeeded(first, "web")
        before = world.live(0, "v1/configmaps/shared")
        world.environment = "staging"
        world.people.push(
            "Another environment, the same namespace",
            {
                **world.environment_file(),
                world.path("web"): config_map("shared", of="two"),
                world.path("web", "own.yaml"): config_map("own"),
            },
        )
        sentence = await world.told("web is halted", "ConfigMap", "/shared belongs to another application")
    assert "of environment production" in sentence
    assert (
        world.live(0, "v1/configmaps/shared")["metadata"]["resourceVersion"]
        == before["metadata"]["resourceVersion"]
    )
    assert world.live(0, "v1/configmaps/own") is None

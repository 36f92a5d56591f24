"""What moves in the repository is handed over: it keeps its uid, and is never deleted on the way."""

from __future__ import annotations

import secrets

import pytest
import yaml

from gitops.ownership import PART_OF
from gitops.rollout import events as e
from tests.cluster.leaving import elsewhere, files, inventory, metadata, one_of, owner
from tests.cluster.world import World, config_map


@pytest.mark.parametrize("first", ["giver", "taker"])
async def test_an_object_that_moves_to_another_environment_is_handed_over(
    world: World, deleted: list[str], first: str
) -> None:
    """Whichever of the two rollouts comes first: never deleted, the same uid, in the other's inventory."""
    giver, taker = world, elsewhere(world, "staging")
    shared = config_map("shared", key="value")
    start = {
        **world.clusters(),
        **giver.environment_file(),
        **taker.environment_file(),
        **files(giver, {"web/own.yaml": config_map("one"), "web/shared.yaml": shared}),
        **files(taker, {"api/own.yaml": config_map("two")}),
    }
    name = f"ConfigMap {world.namespace}/shared"
    started = world.people.push("First", start)
    async with world.controller() as taker.fleet:
        await giver.succeeded(started, "web")
        await taker.succeeded(started, "api")
        uid = metadata(world, "v1/configmaps/shared")["uid"]
        late = taker if first == "giver" else giver
        early = giver if late is taker else taker
        moved = world.people.push(
            "Move",
            {
                **late.environment_file(suspended=True),
                **files(giver, {"web/shared.yaml": None}),
                **files(taker, {"api/shared.yaml": shared}),
            },
        )
        await early.succeeded(moved, "web" if early is giver else "api")
        assert metadata(world, "v1/configmaps/shared")["uid"] == uid
        resumed = world.people.push("Go on", late.environment_file())
        await late.succeeded(resumed, "web" if late is giver else "api")
        live = metadata(world, "v1/configmaps/shared")
        assert (live["uid"], live["labels"][PART_OF]) == (uid, owner(taker, "api"))
        assert live["labels"]["gitops-waves.io/environment"] == "staging"
        assert inventory(taker, "api")[name] == uid
        # The giver's next rollout leaves it alone, and holds it no more.
        after = world.people.push("After", files(giver, {"web/own.yaml": config_map("one", a="b")}))
        await giver.succeeded(after, "web")
        assert inventory(giver, "web").keys() == {f"ConfigMap {world.namespace}/one"}
    assert deleted == []
    assert metadata(world, "v1/configmaps/shared")["uid"] == uid


@pytest.mark.parametrize("first", ["giver", "taker"])
async def test_an_object_that_moves_to_another_application_is_handed_over(
    world: World, deleted: list[str], first: str
) -> None:
    """In both orders, which `dependsOn` sets: the same uid, and at the end one inventory holds it."""
    early, late = ("giver", "taker") if first == "giver" else ("taker", "giver")
    settings = {
        "apiVersion": "gitops-waves.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": late},
        "spec": {"dependsOn": [early]},
    }
    shared = config_map("shared", key="value")
    found = {
        f"{late}/application.yaml": yaml.safe_dump(settings),
        "giver/own.yaml": config_map("one"),
        "giver/shared.yaml": shared,
        "taker/own.yaml": config_map("two"),
    }
    started = one_of(world, found)
    async with world.controller():
        await world.succeeded(started, late)
        uid = metadata(world, "v1/configmaps/shared")["uid"]
        moved = world.people.push(
            "Move", files(world, {"giver/shared.yaml": None, "taker/shared.yaml": shared})
        )
        await world.succeeded(moved, early)
        await world.succeeded(moved, late)
        live = metadata(world, "v1/configmaps/shared")
        assert (live["uid"], live["labels"][PART_OF]) == (uid, owner(world, "taker"))
        after = world.people.push("After", files(world, {"giver/own.yaml": config_map("one", a="b")}))
        await world.succeeded(after, "giver")
        name = f"ConfigMap {world.namespace}/shared"
        assert inventory(world, "taker")[name] == uid
        assert name not in inventory(world, "giver")
    assert deleted == []


async def test_a_renamed_application_folder_hands_everything_over(world: World, deleted: list[str]) -> None:
    """Nothing is deleted or made again, nobody is asked for permission, and the old name is forgotten."""
    names = ("a", "b", "c")
    started = world.people.push(
        "First",
        {
            **world.clusters(),
            **world.environment_file(),
            **files(world, {f"web/{name}.yaml": config_map(name) for name in names}),
        },
    )
    async with world.controller():
        await world.succeeded(started, "web")
        before = inventory(world, "web")
        renamed = world.people.push(
            "Rename",
            {
                **files(world, dict.fromkeys((f"web/{name}.yaml" for name in names), None)),
                **files(world, {f"shop/{name}.yaml": config_map(name) for name in names}),
            },
        )
        await world.succeeded(renamed, "shop")
        await world.until(lambda: world.seen.of(e.ApplicationRetired, "web"), "web to be retired")
        assert inventory(world, "shop") == before
        assert {metadata(world, f"v1/configmaps/{name}")["labels"][PART_OF] for name in names} == {
            owner(world, "shop")
        }
    assert deleted == []


async def test_a_renamed_environment_folder_hands_everything_over(world: World, deleted: list[str]) -> None:
    """The new environment takes over what the old one left; objects keep their uids."""
    after = elsewhere(world, "live")
    started = world.people.push(
        "First",
        {**world.clusters(), **world.environment_file(), **files(world, {"web/a.yaml": config_map("a")})},
    )
    async with world.controller() as after.fleet:
        await world.succeeded(started, "web")
        before = inventory(world, "web")
        renamed = world.people.push(
            "Rename",
            {
                f"environments/{world.environment}/environment.yaml": None,
                **files(world, {"web/a.yaml": None}),
                **after.environment_file(),
                **files(after, {"web/a.yaml": config_map("a")}),
            },
        )
        await after.succeeded(renamed, "web")
        assert inventory(after, "web") == before
    assert deleted == []


async def test_what_does_not_move_with_the_target_namespace_is_handed_over(
    world: World, deleted: list[str], other_namespace: str
) -> None:
    """A cluster-scoped object, and one with a namespace of its own, keep their uids.

    What lives in the old target namespace stays there as it is.
    """
    after = elsewhere(world, namespace=other_namespace)
    role = f"role-{secrets.token_hex(4)}"
    pinned = yaml.safe_load(config_map("pinned"))
    pinned["metadata"]["namespace"] = world.namespace
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    cluster_role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": role},
        "rules": [rule],
    }
    manifests = {
        "web/pinned.yaml": yaml.safe_dump(pinned),
        "web/role.yaml": yaml.safe_dump(cluster_role),
        "web/moves.yaml": config_map("moves"),
    }
    api = world.planes[0].api
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{role}"
    started = world.people.push(
        "First", {**world.clusters(), **world.environment_file(), **files(world, manifests)}
    )
    try:
        async with world.controller() as after.fleet:
            await world.succeeded(started, "web")
            before = inventory(world, "web")
            moved = world.people.push("Move", after.environment_file())
            await after.succeeded(moved, "web")
            now = inventory(after, "web")
            for name in (
                f"ClusterRole.rbac.authorization.k8s.io {role}",
                f"ConfigMap {world.namespace}/pinned",
            ):
                assert now[name] == before[name]
            assert api.get(path)["metadata"]["labels"][PART_OF] == owner(after, "web")
            assert after.live(0, "v1/configmaps/moves")
            assert world.live(0, "v1/configmaps/moves")
        assert deleted == []
    finally:
        api.request("DELETE", path)


async def test_a_move_to_what_cannot_be_rendered_yet_waits_for_it(world: World, deleted: list[str]) -> None:
    """The commit that moves an object breaks the other end of it, and the next one mends that."""
    taker = elsewhere(world, "staging")
    shared = config_map("shared", key="value")
    start = {
        **world.clusters(),
        **world.environment_file(),
        **taker.environment_file(),
        **files(world, {"web/own.yaml": config_map("one"), "web/shared.yaml": shared}),
        **files(taker, {"api/own.yaml": config_map("two")}),
    }
    started = world.people.push("First", start)
    async with world.controller() as taker.fleet:
        await world.succeeded(started, "web")
        await taker.succeeded(started, "api")
        uid = metadata(world, "v1/configmaps/shared")["uid"]
        broken = {
            **files(world, {"web/shared.yaml": None}),
            **files(taker, {"api/shared.yaml": shared, "api/own.yaml": "a: [b"}),
        }
        moved = world.people.push("Move, and break", broken)
        await world.succeeded(moved, "web")
        assert metadata(world, "v1/configmaps/shared")["uid"] == uid
        mended = world.people.push("Mend", files(taker, {"api/own.yaml": config_map("two")}))
        await taker.succeeded(mended, "api")
        assert inventory(taker, "api")[f"ConfigMap {world.namespace}/shared"] == uid
    assert deleted == []

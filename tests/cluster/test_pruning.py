"""What leaves the repository, and what becomes of it in the cluster: the accidents of others, avoided.

| accident elsewhere | shown here not to happen by |
|---|---|
| an object that moves is deleted and made again | the tests of moves, in both orders of the two rollouts |
| a folder that is renamed deletes what is in it | the tests of renamed folders |
| a rollback leaves what the bad revision added, or deletes what was there before | the test of a revert |
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.resources import Resource
from gitops.inventory import applyset_id, from_config_maps, parent_name
from gitops.ownership import PART_OF
from gitops.rollout import events as e
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, World, config_map, deployment


@pytest.fixture
def world(cluster: Plane, namespace: str, tmp_path: Path) -> World:
    """One cluster, an empty repository."""
    return World(People(tmp_path), (cluster,), namespace, tmp_path, "production")


def elsewhere(world: World, environment: str = "", namespace: str = "") -> World:
    """The same repository and clusters, seen as another environment or namespace."""
    return replace(
        world, environment=environment or world.environment, namespace=namespace or world.namespace
    )


def files(world: World, found: Mapping[str, str | None]) -> dict[str, str | None]:
    """Files of applications, given by `<application>/<file>`."""
    return {world.path(*path.split("/")): content for path, content in found.items()}


def inventory(world: World, application: str) -> dict[str, str]:
    """The objects that an application's inventory holds here, and each one's uid."""
    chosen = f"gitops-waves.io/inventory-of={world.environment},gitops-waves.io/application={application}"
    path = f"/api/v1/namespaces/{world.namespace}/configmaps?labelSelector={chosen}"
    found = from_config_maps(world.planes[0].api.get(path)["items"], world.planes[0].name)
    return {str(key): entry.uid for key, entry in found.entries.items()} if found else {}


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the controller deletes, other than parts of its inventories: `Kind/name`, each time it does."""
    found: list[str] = []
    delete = KubeClient.delete

    async def noted(self: KubeClient, resource: Resource, name: str, namespace: str = "", **how: Any) -> bool:
        done = await delete(self, resource, name, namespace, **how)
        if done and not name.startswith("gitops-waves."):
            assert how.get("uid"), f"{resource.kind}/{name} is deleted whatever it is by now"
            found.append(f"{resource.kind}/{name}")
        return done

    monkeypatch.setattr(KubeClient, "delete", noted)
    return found


def metadata(world: World, path: str) -> dict[str, Any]:
    """Metadata of an object that has to be there."""
    live = world.live(0, path)
    assert live is not None, f"{path} is gone"
    return dict(live["metadata"])


def owner(world: World, application: str) -> str:
    """The ApplySet id of an application here."""
    return applyset_id(parent_name(world.environment, application), world.namespace)


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


@pytest.fixture
def other_namespace(world: World) -> Iterator[str]:
    """A second namespace."""
    name = f"{world.namespace[:40]}-{secrets.token_hex(3)}"
    world.planes[0].api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    world.planes[0].api.request("DELETE", f"/api/v1/namespaces/{name}")


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


def stateful_set(name: str) -> str:
    """A StatefulSet as YAML."""
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": "registry.example/db:1.0"}]},
    }
    spec = {
        "replicas": 1,
        "serviceName": name,
        "selector": {"matchLabels": {"app": name}},
        "template": template,
    }
    return yaml.safe_dump(
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": spec}
    )


async def test_a_revert_takes_back_what_the_bad_revision_added(world: World, deleted: list[str]) -> None:
    """Also a StatefulSet; one that an earlier rollout kept stays, and so does what a revision took over."""
    world.planes[0].api.create(
        f"/api/v1/namespaces/{world.namespace}/configmaps", {"metadata": {"name": "theirs"}}
    )
    started = world.people.push(
        "First",
        {
            **world.clusters(),
            **world.environment_file(),
            **files(world, {"web/web.yaml": deployment("web"), "web/old.yaml": stateful_set("old")}),
        },
    )
    async with world.controller():
        await world.succeeded(started, "web")
        kept = world.people.push("Drop the old", files(world, {"web/old.yaml": None}))
        await world.succeeded(kept, "web")
        before = inventory(world, "web")
        assert f"StatefulSet.apps {world.namespace}/old" in before
        world.people.push(
            "Break",
            files(
                world,
                {
                    "web/web.yaml": deployment("web", "registry.example/web:2.0-crash-loop"),
                    "web/added.yaml": config_map("added"),
                    "web/new.yaml": stateful_set("new"),
                    "web/theirs.yaml": config_map("theirs"),
                },
            ),
        )
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the revert", within=90)
        assert inventory(world, "web") == before
    assert world.live(0, "v1/configmaps/added") is None
    assert world.live(0, "apps/v1/statefulsets/new") is None
    assert metadata(world, "apps/v1/statefulsets/old")["uid"] in before.values()
    assert world.live(0, "v1/configmaps/theirs")
    assert sorted(deleted) == ["ConfigMap/added", "StatefulSet/new"]

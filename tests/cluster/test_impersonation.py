"""`serviceAccountName`: objects are applied with the rights of a service account, never with our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.rollout import events as e
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, World, config_map, deployment

RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def world(cluster: Plane, namespace: str, tmp_path: Path) -> World:
    """One cluster with a service account that may do everything to ConfigMaps of its namespace."""
    root = f"/api/v1/namespaces/{namespace}"
    roles = f"{RBAC}/namespaces/{namespace}"
    cluster.api.create(f"{root}/serviceaccounts", {"metadata": {"name": "deployer"}})
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}
    cluster.api.create(f"{roles}/roles", {"metadata": {"name": "deployer"}, "rules": [rule]})
    cluster.api.create(
        f"{roles}/rolebindings",
        {
            "metadata": {"name": "deployer"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"},
            "subjects": [{"kind": "ServiceAccount", "name": "deployer", "namespace": namespace}],
        },
    )
    return World(People(tmp_path), (cluster,), namespace, tmp_path, "production")


async def test_forbidden_kinds_are_reported_and_nothing_is_written(world: World) -> None:
    """In the server's own words, with file and line, all kinds together; what is allowed goes through."""
    files = {**world.clusters(), **world.environment_file(serviceAccountName="deployer")}
    files[world.path("web", "map.yaml")] = config_map("settings")
    first = world.people.push("Allowed", files)
    user = f'User "system:serviceaccount:{world.namespace}:deployer" cannot'
    async with world.controller():
        await world.succeeded(first, "web")
        world.requests.clear()
        world.people.push(
            "Forbidden",
            {
                world.path("web", "map.yaml"): config_map("settings", changed="yes"),
                world.path("web", "web.yaml"): deployment("web"),
                world.path(
                    "web", "account.yaml"
                ): "{apiVersion: v1, kind: ServiceAccount, metadata: {name: x}}",
            },
        )
        failed = (await world.until(lambda: world.seen.of(e.RolloutFailed), "the refusal"))[0]
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the end of it")
        assert len(failed.evidence) == 2, failed.evidence
        for file, kind in (("web.yaml", "deployments"), ("account.yaml", "serviceaccounts")):
            line = next(line for line in failed.evidence if f"{file}:1" in line)
            assert "is forbidden" in line
            assert user in line
            assert f'resource "{kind}"' in line
        assert [one for one in world.writes if not one.dry_run] == []
        assert world.live(0, "apps/v1/deployments/web") is None
        assert "data" not in world.live(0, "v1/configmaps/settings")
        allowed = world.people.push(
            "Allowed", {world.path("web", "map.yaml"): config_map("settings", ours="yes")}
        )
        await world.succeeded(allowed, "web")
    assert world.live(0, "v1/configmaps/settings")["data"] == {"ours": "yes"}


async def test_an_account_without_rights_can_write_nothing(world: World) -> None:
    """An account that does not exist has no rights, so ours are not used instead."""
    files = {**world.clusters(), **world.environment_file(serviceAccountName="nobody")}
    files[world.path("web", "map.yaml")] = config_map("settings")
    world.people.push("First", files)
    async with world.controller():
        sentence = await world.told("web is halted", "is forbidden")
        assert f"system:serviceaccount:{world.namespace}:nobody" in sentence
    assert world.live(0, "v1/configmaps/settings") is None


async def test_objects_that_may_not_be_read_are_not_taken_for_gone(world: World) -> None:
    """When the account loses a right, what is tracked of that kind stays tracked and in the cluster."""
    plane = world.planes[0]
    role = f"{RBAC}/namespaces/{world.namespace}/roles/deployer"
    more = [
        {"apiGroups": [""], "resources": ["configmaps", "serviceaccounts"], "verbs": ["*"]},
    ]
    plane.api.patch(role, {"rules": more})
    account = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: x}}"
    files = {**world.clusters(), **world.environment_file(serviceAccountName="deployer")}
    files |= {world.path("web", "map.yaml"): config_map("a"), world.path("web", "account.yaml"): account}
    first = world.people.push("First", files)
    async with world.controller():
        await world.succeeded(first, "web")
        plane.api.patch(role, {"rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]})
        world.people.push("Without", {world.path("web", "account.yaml"): None})
        await world.told("web@", "serviceaccounts", "is forbidden")
        assert world.live(0, "v1/serviceaccounts/x")
        plane.api.patch(role, {"rules": more})
        await world.until(lambda: world.live(0, "v1/serviceaccounts/x") is None, "it to be pruned")

"""Deletions that are refused or held up: said with the reason, tried again, and never forgotten."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.errors import Forbidden, Rejected
from controllers.adapters.kube.resources import Resource
from controllers.rollout import pruning
from gitops.errors import Unreachable
from gitops.rollout import events as e
from tests.cluster.leaving import files, inventory, left, metadata, one_of
from tests.cluster.sim.plane import SimPlane
from tests.cluster.world import World, config_map, deployment

REFUSALS = {
    "forbidden": Forbidden("configmaps is forbidden: User cannot delete resource"),
    "by-admission": Rejected("admission webhook guard denied the request", code=400),
    "server-error": Unreachable("delete configmaps: HTTP 500: failed calling webhook guard"),
    "timeout": Unreachable("delete configmaps: no answer within 30 s"),
}


@pytest.mark.parametrize("how", sorted(REFUSALS))
async def test_a_deletion_that_is_refused_stays_tracked_and_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, deleted: list[str], how: str
) -> None:
    """No rollout waits for it, none is needed for it, and a restart does not forget it."""
    refused = [True]
    delete = KubeClient.delete

    async def guarded(self: KubeClient, resource: Resource, name: str, *place: str, **more: Any) -> bool:
        if name == "old" and refused:
            raise REFUSALS[how]
        return await delete(self, resource, name, *place, **more)

    monkeypatch.setattr(KubeClient, "delete", guarded)
    name = f"ConfigMap {world.namespace}/old"
    started = one_of(world, {"web/a.yaml": config_map("a"), "web/old.yaml": config_map("old")})
    async with world.controller():
        await world.succeeded(started, "web")
        uid = metadata(world, "v1/configmaps/old")["uid"]
        await left(world, "web/old.yaml")
        sentence = await world.told("waits for 1 object that left Git to be gone", name, str(REFUSALS[how]))
        assert "since" in sentence
        assert inventory(world, "web")[name] == uid
    async with world.controller():
        await world.told("waits for 1 object that left Git to be gone", name)
        assert metadata(world, "v1/configmaps/old")["uid"] == uid
        refused.clear()
        await world.until(lambda: world.seen.of(e.PruneFinished, "web"), "the end of the prune")
        assert world.live(0, "v1/configmaps/old") is None
        assert inventory(world, "web").keys() == {f"ConfigMap {world.namespace}/a"}
    assert deleted == ["ConfigMap/old"]
    assert len(world.seen.of(e.RolloutStarted)) == 2


async def test_what_a_finalizer_holds_is_awaited_in_order(
    world: World, monkeypatch: pytest.MonkeyPatch, deleted: list[str]
) -> None:
    """What it may need is deleted after it; the sentence names the finalizer; then everything goes."""
    monkeypatch.setattr(pruning, "GONE_WITHIN_SECONDS", 1.0)
    started = one_of(
        world,
        {
            "web/a.yaml": config_map("a"),
            "web/b.yaml": config_map("b"),
            "web/old.yaml": deployment("old"),
            "web/settings.yaml": config_map("settings"),
        },
    )
    api = world.planes[0].api
    path = f"/apis/apps/v1/namespaces/{world.namespace}/deployments/old"
    async with world.controller():
        await world.succeeded(started, "web")
        api.patch(path, {"metadata": {"finalizers": ["example.org/hold"]}})
        dropped = {"web/old.yaml": None, "web/settings.yaml": None}
        pruned = world.people.push("Drop", files(world, dropped))
        sentence = await world.told("web@", "example.org/hold")
        await world.succeeded(pruned, "web")
        sentence = await world.told("waits for 2 objects that left Git to be gone", "example.org/hold")
        assert f"ConfigMap {world.namespace}/settings: it goes after Deployment.apps" in sentence
        assert world.live(0, "v1/configmaps/settings")
        assert len(inventory(world, "web")) == 4
        api.patch(path, {"metadata": {"finalizers": None}})
        await world.until(lambda: world.seen.of(e.PruneFinished, "web"), "the end of the prune")
        assert world.live(0, "v1/configmaps/settings") is None
        assert len(inventory(world, "web")) == 2
    assert deleted == ["Deployment/old", "ConfigMap/settings"]


async def test_an_application_is_not_forgotten_before_its_last_object_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It left Git with permission; a finalizer holds one object, and the sentence stays until that goes."""
    monkeypatch.setattr(pruning, "GONE_WITHIN_SECONDS", 1.0)
    started = one_of(world, {"web/a.yaml": config_map("a"), "api/b.yaml": config_map("b")})
    api = world.planes[0].api
    path = f"/api/v1/namespaces/{world.namespace}/configmaps/a"
    async with world.controller():
        await world.succeeded(started, "web")
        api.patch(path, {"metadata": {"finalizers": ["example.org/hold"]}})
        removal = "Drop\n\nGitops-Allow-Prune: production/web\n"
        world.people.push(removal, files(world, {"web/a.yaml": None}))
        await world.told("web@", "waits for 1 object that left Git to be gone", "example.org/hold")
        assert not world.seen.of(e.ApplicationRetired, "web")
        api.patch(path, {"metadata": {"finalizers": None}})
        await world.until(lambda: world.seen.of(e.ApplicationRetired, "web"), "web to be retired")
        assert inventory(world, "web") == {}


async def test_a_policy_of_the_cluster_that_forbids_a_deletion_is_named(world: World) -> None:
    """The API server's own refusal at admission, until the policy is taken away."""
    if isinstance(world.planes[0], SimPlane):
        pytest.skip("simcluster stores admission policies and does not act on them")
    api = world.planes[0].api
    root, name = "/apis/admissionregistration.k8s.io/v1", f"keep-{secrets.token_hex(4)}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["DELETE"]}
    chosen = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}}
    validation = {"expression": "!oldObject.metadata.name.startsWith('old')", "message": "the old stay"}
    policy = {"matchConstraints": {"resourceRules": [rule]}, "validations": [validation]}
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": chosen}
    api.create(f"{root}/validatingadmissionpolicies", {"metadata": {"name": name}, "spec": policy})
    api.create(f"{root}/validatingadmissionpolicybindings", {"metadata": {"name": name}, "spec": binding})
    maps = f"/api/v1/namespaces/{world.namespace}/configmaps"
    api.create(maps, {"metadata": {"name": "old-probe"}})
    started = one_of(world, {"web/a.yaml": config_map("a"), "web/old.yaml": config_map("old")})
    try:
        refused = f"{maps}/old-probe?dryRun=All"
        await world.until(lambda: not api.request("DELETE", refused).ok, "the policy to act")
        async with world.controller():
            await world.succeeded(started, "web")
            await left(world, "web/old.yaml")
            await world.told("waits for 1 object that left Git to be gone", "the old stay")
            assert len(inventory(world, "web")) == 2
            api.request("DELETE", f"{root}/validatingadmissionpolicybindings/{name}")
            await world.until(lambda: world.seen.of(e.PruneFinished), "the end of the prune", within=120)
            assert world.live(0, "v1/configmaps/old") is None
    finally:
        api.request("DELETE", f"{root}/validatingadmissionpolicybindings/{name}")
        api.request("DELETE", f"{root}/validatingadmissionpolicies/{name}")


async def test_a_right_that_is_missing_is_named_until_it_is_given(world: World) -> None:
    """The API server's own 403: with a service account that may do all but delete."""
    api = world.planes[0].api
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{world.namespace}"
    verbs = ["get", "list", "watch", "create", "patch"]

    def rules(*more: str) -> dict[str, Any]:
        return {"rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": [*verbs, *more]}]}

    account = {"metadata": {"name": "deployer"}}
    api.create(f"/api/v1/namespaces/{world.namespace}/serviceaccounts", account)
    api.create(f"{roles}/roles", {**account, **rules()})
    subject = {"kind": "ServiceAccount", "name": "deployer", "namespace": world.namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"}
    api.create(f"{roles}/rolebindings", {**account, "roleRef": role, "subjects": [subject]})
    found = {"web/a.yaml": config_map("a"), "web/old.yaml": config_map("old")}
    started = one_of(world, found, serviceAccountName="deployer")
    async with world.controller():
        await world.succeeded(started, "web")
        await left(world, "web/old.yaml")
        sentence = await world.told("waits for 1 object that left Git to be gone", "forbidden")
        assert "system:serviceaccount" in sentence
        assert len(inventory(world, "web")) == 2
        api.patch(f"{roles}/roles/deployer", rules("delete"))
        await world.until(lambda: world.seen.of(e.PruneFinished), "the end of the prune")
        assert world.live(0, "v1/configmaps/old") is None
        assert len(inventory(world, "web")) == 1

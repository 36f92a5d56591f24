"""What others own inside our objects: seen on the first event, told, and removed where exclusive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from gitops.drift import ForeignFinding
from gitops.objects import ObjectKey
from gitops.rollout import events as e
from tests.cluster.fights import fighting
from tests.cluster.rig.api import APPLY, MERGE_PATCH
from tests.cluster.sim.plane import SimPlane
from tests.cluster.world import World, config_map, deployment

STRATEGIC = "application/strategic-merge-patch+json"
WEB = "/apis/apps/v1/namespaces/{}/deployments/web"
MAP = "/api/v1/namespaces/{}/configmaps/web"
POD = "spec.template.spec"
SIDECAR = {"name": "sidecar", "image": "registry.example/sidecar:1"}


def shop(world: World, **spec: Any) -> dict[str, str | None]:
    """A repository with a Deployment and a ConfigMap, both `web`."""
    found = {**world.clusters(), **world.environment_file(**{"drift": "Correct", **spec})}
    found[world.path("shop", "deployment.yaml")] = deployment("web")
    found[world.path("shop", "config.yaml")] = config_map("web", colour="green")
    return found


def exclusive(*allowed: str) -> dict[str, Any]:
    """The part of an environment that says so."""
    return {"foreignFields": {"exclusive": True, "allowedManagers": list(allowed)}}


def pods(**spec: Any) -> dict[str, Any]:
    """A patch of the pod template's spec."""
    return {"spec": {"template": {"spec": spec}}}


def patch(world: World, body: Any, by: str = "kubectl-patch", kind: str = STRATEGIC, at: str = WEB) -> str:
    """Patch the Deployment (or what is at another place) as somebody; the version that came of it."""
    path = f"{at.format(world.namespace)}?fieldManager={by}{'&force=true' if kind == APPLY else ''}"
    answer = world.planes[0].api.request("PATCH", path, body, content_type=kind)
    assert answer.ok, answer.body
    return str(answer.body["metadata"]["resourceVersion"])


def live(world: World) -> Any:
    """The Deployment."""
    return world.live(0, "apps/v1/deployments/web")


def pod(world: World) -> Any:
    """Its pod template's spec."""
    return live(world)["spec"]["template"]["spec"]


def containers(world: World) -> list[str]:
    """The names of its containers."""
    return [one["name"] for one in pod(world)["containers"]]


def watch(world: World) -> Any:
    """What watches the cluster."""
    assert world.fleet is not None
    (found,) = world.fleet.repositories[0].loops[world.environment]._drift._clusters.values()
    return found


async def watched(world: World) -> None:
    """Wait until everything is looked at."""
    assert world.fleet is not None
    drift = world.fleet.repositories[0].loops[world.environment]._drift
    await world.until(lambda: drift.synced, "everything to be watched")


async def started(world: World, **spec: Any) -> None:
    """Roll out, and wait until it is watched."""
    first = world.people.push("First", shop(world, **spec))
    await world.succeeded(first, "shop")
    await watched(world)


async def recorded(world: World, kind: type[e.Event], count: int = 1) -> Any:
    """Wait for so many events of a kind; give the newest."""
    await world.until(lambda: len(world.seen.of(kind)) >= count, f"{count} of {kind.__name__}")
    return world.seen.of(kind)[-1]


async def seen(world: World, version: str) -> ForeignFinding | None:
    """Wait until the watch has come to a version of the Deployment; what is found in it then."""
    key = ObjectKey("apps", "Deployment", world.namespace, "web")

    def there() -> bool:
        sight = watch(world).sight(key)
        return sight is not None and int(sight.resource_version) >= int(version) and not undecided()

    def undecided() -> bool:
        return any(place.foreign.undecided for place in watch(world).places())

    await world.until(there, f"version {version} to be looked at")
    (place,) = watch(world).places()
    found: ForeignFinding | None = place.foreign.findings.get(key)
    return found


async def test_an_injected_container_is_told_with_its_author_and_age(world: World) -> None:
    """Record, status, explain; it ends when somebody takes it away. Nothing is written."""
    async with world.controller():
        await started(world)
        patch(world, pods(containers=[SIDECAR]), by="kubectl-edit")
        event = await recorded(world, e.ForeignFieldsFound)
        assert (event.object, event.group_kind) == (
            f"Deployment.apps {world.namespace}/web",
            "Deployment.apps",
        )
        assert [(by.manager, by.operation, by.fields) for by in event.by] == [
            ("kubectl-edit", "Update", (f"{POD}.containers[name=sidecar]",))
        ]
        times = {entry["time"] for entry in live(world)["metadata"]["managedFields"]}
        assert event.since.isoformat().replace("+00:00", "Z") in times
        sentence = await world.told("holds fields of others", "sidecar", "kubectl-edit", "since")
        assert "foreignFields" in sentence
        assert containers(world) == ["sidecar", "main"]
        patch(world, pods(containers=[{"name": "sidecar", "$patch": "delete"}]), by="kubectl-edit")
        await recorded(world, e.ForeignFieldsEnded)
        assert world.state("shop").foreign == {}
    assert len(world.seen.of(e.ForeignFieldsFound)) == 1
    assert not [one for one in world.writes if one.verb == "patch"]


FOREIGN: dict[str, tuple[dict[str, Any], str]] = {
    "volume": (pods(volumes=[{"name": "v", "emptyDir": {}}]), f"{POD}.volumes[name=v]"),
    "host-network": (pods(hostNetwork=True), f"{POD}.hostNetwork"),
    "env-entry": (
        pods(containers=[{"name": "main", "env": [{"name": "PROXY", "value": "hunter2-proxy"}]}]),
        f"{POD}.containers[name=main].env[name=PROXY]",
    ),
    "init-container": (pods(initContainers=[SIDECAR]), f"{POD}.initContainers[name=sidecar]"),
    "paused": ({"spec": {"paused": True}}, "spec.paused"),
    "pod-label": (
        {"spec": {"template": {"metadata": {"labels": {"tier": "x"}}}}},
        "spec.template.metadata.labels.tier",
    ),
}
NOTHING: dict[str, Callable[[World], str]] = {
    "foreign label": lambda world: patch(world, {"metadata": {"labels": {"team": "x"}}}),
    "foreign annotation": lambda world: patch(world, {"metadata": {"annotations": {"note": "x"}}}),
    "restart": lambda world: patch(
        world,
        {
            "spec": {
                "template": {
                    "metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}
                }
            }
        },
        by="kubectl-rollout",
    ),
    "our own value": lambda world: patch(world, {"spec": {"replicas": 2}}),
    "allowed injector": lambda world: patch(
        world, pods(containers=[SIDECAR]), by="istio-sidecar-injector", kind=STRATEGIC
    ),
    "allowed here": lambda world: patch(world, pods(volumes=[{"name": "a", "emptyDir": {}}]), by="our-tool"),
    "looked past": lambda world: patch(world, {"spec": {"minReadySeconds": 3}}),
    "status": lambda world: patch(
        world, {"status": {"observedGeneration": 1}}, "someone", MERGE_PATCH, f"{WEB}/status"
    ),
}


async def test_what_others_add_to_a_spec_is_told_and_left(world: World) -> None:
    """One after the other, each named by its topmost field; nothing is written, and no value is told."""
    async with world.controller():
        await started(world, drift="Report")
        for name, (body, path) in FOREIGN.items():
            found = await seen(world, patch(world, body, by=f"tool-{name}"))
            assert found is not None, name
            assert path in {
                one for held in found.held if held.owner.manager == f"tool-{name}" for one in held.paths
            }
        found = await seen(world, patch(world, {"spec": {"paused": None}}))
        assert found is not None
        assert found.managers == tuple(sorted(f"tool-{name}" for name in FOREIGN if name != "paused"))
        key = ObjectKey("", "ConfigMap", world.namespace, "web")
        patch(world, {"data": {"smell": "fresh"}}, by="eve", kind=MERGE_PATCH, at=MAP)
        (place,) = watch(world).places()
        told = await world.until(lambda: place.foreign.findings.get(key), "the key of the ConfigMap")
        assert told.paths == ("data.smell",)
        assert "hunter2-proxy" not in world.story()
    assert not world.seen.of((e.DriftFound, e.ForeignFieldsRemoved))
    assert not [one for one in world.writes if one.verb == "patch"]


async def test_what_does_not_count(world: World) -> None:
    """Marks on the object itself, restarts, subresources, what is ours too, and whoever is allowed."""
    past = [{"kind": "Deployment", "jsonPointers": ["/spec/minReadySeconds"]}]
    async with world.controller():
        await started(world, **{**exclusive("our-tool"), "ignoreDifferences": past})
        for name, change in NOTHING.items():
            assert await seen(world, change(world)) is None, name
        assert containers(world) == ["sidecar", "main"]
        assert [one["name"] for one in pod(world)["volumes"]] == ["a"]
        assert live(world)["spec"]["minReadySeconds"] == 3
    assert not [one for one in world.seen.events if "Foreign" in one.type]


async def test_scaling_by_an_autoscaler_does_not_count(world: World) -> None:
    """Through the subresource, as the controller manager and `kubectl scale` do it."""
    async with world.controller():
        files = shop(world, **exclusive())
        body = yaml.safe_load(str(files[world.path("shop", "deployment.yaml")]))
        del body["spec"]["replicas"]
        files[world.path("shop", "deployment.yaml")] = yaml.safe_dump(body)
        first = world.people.push("First", files)
        await world.succeeded(first, "shop")
        await watched(world)
        for replicas, by in ((3, "kube-controller-manager"), (4, "kubectl")):
            patch(world, {"spec": {"replicas": replicas}}, by, MERGE_PATCH, f"{WEB}/scale")
            assert await seen(world, live(world)["metadata"]["resourceVersion"]) is None
        assert live(world)["spec"]["replicas"] == 4


async def test_exclusive_removes_exactly_those_fields(world: World) -> None:
    """Ours stay, with our ownership; those of who is allowed stay, even inside. It is no drift."""
    async with world.controller():
        await started(world, **exclusive("our-tool"))
        ours = live(world)
        patch(world, pods(volumes=[{"name": "a", "emptyDir": {}}]), by="our-tool")
        added = [{"name": "main", "env": [{"name": "PROXY", "value": "x"}]}, SIDECAR]
        volumes = [{"name": "evil", "hostPath": {"path": "/"}}]
        patch(world, pods(containers=added, volumes=volumes, hostNetwork=True), by="kubectl-edit")
        event = await recorded(world, e.ForeignFieldsRemoved)
        assert [(by.manager, by.fields) for by in event.by] == [
            (
                "kubectl-edit",
                (
                    f"{POD}.containers[name=main].env[name=PROXY]",
                    f"{POD}.containers[name=sidecar]",
                    f"{POD}.hostNetwork",
                    f"{POD}.volumes[name=evil]",
                ),
            )
        ]
        assert await seen(world, live(world)["metadata"]["resourceVersion"]) is None
        now = live(world)
        assert containers(world) == ["main"]
        assert [one["name"] for one in pod(world)["volumes"]] == ["a"]
        assert "env" not in pod(world)["containers"][0]
        assert not pod(world).get("hostNetwork")
        assert our_fields(now) == our_fields(ours)
        assert world.state("shop").foreign == {}
    assert not world.seen.of((e.DriftFound, e.DriftCorrected, e.ForeignFieldsFound))


def our_fields(body: Any) -> Any:
    """What we own."""
    return next(
        entry["fieldsV1"]
        for entry in body["metadata"]["managedFields"]
        if (entry["manager"], entry["operation"]) == ("gitops-waves", "Apply")
    )


async def test_a_changed_value_of_ours_is_drift_and_stays_where_drift_is_reported(world: World) -> None:
    """Whoever took a field from us owns it now; it is still ours to want, and nothing to remove."""
    async with world.controller():
        await started(world, drift="Report", **exclusive())
        patch(world, pods(containers=[{"name": "main", "image": "registry.example/web:6"}]))
        found = await recorded(world, e.DriftFound)
        assert [one["path"] for one in found.patch] == ["/spec/template/spec/containers/0/image"]
        assert await seen(world, live(world)["metadata"]["resourceVersion"]) is None
        assert pod(world)["containers"][0]["image"] == "registry.example/web:6"
    assert not [one for one in world.seen.events if "Foreign" in one.type]


async def test_a_default_that_somebody_holds_is_taken_from_them_once(world: World) -> None:
    """The value comes back by itself, so it is nobody's from then on, and no fight."""
    async with world.controller():
        await started(world, **exclusive())
        patch(world, {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}, "paused": True}})
        await recorded(world, e.ForeignFieldsRemoved)
        version = live(world)["metadata"]["resourceVersion"]
        assert await seen(world, version) is None
        assert live(world)["spec"]["strategy"]["type"] == "RollingUpdate"
        assert "paused" not in live(world)["spec"]
        managers = {
            one["manager"] for one in live(world)["metadata"]["managedFields"] if "f:spec" in one["fieldsV1"]
        }
        assert managers == {"gitops-waves"}
        # A default that is written as such.
        patch(world, {"spec": {"progressDeadlineSeconds": 601}}, by="eve")
        await recorded(world, e.ForeignFieldsRemoved, 2)
        assert live(world)["spec"]["progressDeadlineSeconds"] == 600
    assert len(world.seen.of(e.ForeignFieldsRemoved)) == 2


async def test_an_exclusive_environment_may_report_drift_and_an_object_may_opt_out(world: World) -> None:
    """Foreign fields are no drift: the mode of the environment says nothing of them but `Ignore`."""
    files = shop(world, drift="Report", **exclusive())
    body = yaml.safe_load(str(files[world.path("shop", "config.yaml")]))
    body["metadata"]["annotations"] = {"gitops-waves.io/drift": "Report"}
    files[world.path("shop", "config.yaml")] = yaml.safe_dump(body)
    first = world.people.push("First", files)
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        patch(world, {"data": {"smell": "fresh"}}, by="eve", kind=MERGE_PATCH, at=MAP)
        assert (await recorded(world, e.ForeignFieldsFound)).object.endswith("/web")
        patch(world, pods(hostNetwork=True))
        await recorded(world, e.ForeignFieldsRemoved)
        assert world.live(0, "v1/configmaps/web")["data"] == {"colour": "green", "smell": "fresh"}
        # The environment changes its mind: what is there is looked at anew.
        world.people.push(
            "Allow", {**world.environment_file(drift="Report", foreignFields={"allowedManagers": ["eve"]})}
        )
        await recorded(world, e.ForeignFieldsEnded)


async def test_who_puts_it_back_is_named_and_held_off(world: World) -> None:
    """Two removals at once, from the third on the wait grows; both sides are named."""
    async with world.controller():
        await started(world, **exclusive())
        async with fighting(
            lambda: containers(world) == ["main"],
            lambda: patch(world, pods(containers=[SIDECAR]), by="injector"),
        ):
            event = await recorded(world, e.ForeignFieldsContested)
            assert (event.rounds, [by.manager for by in event.by]) == (3, ["injector"])
            sentence = await world.told("injector and gitops-waves put them there and remove them by turns")
            assert "next removal is at" in sentence
            assert len(world.seen.of(e.ForeignFieldsRemoved)) == 3
            await recorded(world, e.ForeignFieldsContested, 2)
    assert world.seen.of(e.ForeignFieldsContested)[1].rounds == 4


async def test_what_was_added_while_nobody_watched_is_found_at_the_start(world: World) -> None:
    """Without a dry-run or a read: the list of metadata tells it."""
    async with world.controller():
        await started(world, drift="Report")
    patch(world, pods(containers=[SIDECAR]), by="eve")
    world.requests.clear()
    async with world.controller():
        event = await recorded(world, e.ForeignFieldsFound)
        assert event.by[0].fields == (f"{POD}.containers[name=sidecar]",)


INJECTION = """
Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{
  containers: [Object.spec.template.spec.containers{name: "injected", image: "registry.example/mesh:1"}]
}}}}
"""


def injecting(world: World) -> dict[str, dict[str, Any]]:
    """A mutating policy of the cluster that adds a container to every Deployment of the namespace."""
    root = "/apis/admissionregistration.k8s.io/v1"
    name = f"inject-{world.namespace}"
    version = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments"],
    }
    where = {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}
    spec = {
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": where},
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [
            {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": INJECTION}},
        ],
    }
    return {
        f"{root}/mutatingadmissionpolicies": {**version, "kind": "MutatingAdmissionPolicy", "spec": spec},
        f"{root}/mutatingadmissionpolicybindings": {
            **version,
            "kind": "MutatingAdmissionPolicyBinding",
            "spec": {"policyName": name},
        },
    }


async def test_what_admission_adds_to_our_own_apply_is_nobodys(world: World) -> None:
    """A cluster does not say whose it is, nor that it is not a default: it is not told, and not removed."""
    if isinstance(world.planes[0], SimPlane):
        pytest.skip("simcluster stores admission policies and does not act on them")
    api, made = world.planes[0].api, injecting(world)
    try:
        for collection, body in made.items():
            api.create(collection, body)
        probe = yaml.safe_load(deployment("probe"))

        def acts() -> bool:
            path = f"/apis/apps/v1/namespaces/{world.namespace}/deployments?dryRun=All"
            answer = api.request("POST", path, probe)
            assert answer.ok, answer.body
            return "injected" in [
                one["name"] for one in answer.body["spec"]["template"]["spec"]["containers"]
            ]

        await world.until(acts, "the policy to act")
        async with world.controller():
            await started(world, **exclusive())
            assert containers(world) == ["main", "injected"]
            assert await seen(world, patch(world, {"metadata": {"labels": {"team": "x"}}})) is None
            held = [str(entry["fieldsV1"]) for entry in live(world)["metadata"]["managedFields"]]
            assert not [fields for fields in held if "injected" in fields]
            assert "injected" in containers(world)
        assert not [one for one in world.seen.events if "Foreign" in one.type]
    finally:
        for collection, body in made.items():
            api.delete(f"{collection}/{body['metadata']['name']}")

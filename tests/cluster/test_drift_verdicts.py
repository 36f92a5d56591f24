"""Ways to change an object on a real API server, and what each is: drift, somebody else's, or nothing.

One application in an environment that reports; each way has an object of its own. A policy that rewrites
fields at every write has tests of its own in `test_drift_correction`: it would be in the others' way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from controllers.drift.cluster import ClusterDrift
from gitops.drift import DriftKind, Finding
from gitops.objects import ObjectKey
from tests.cluster.rig.api import APPLY, MERGE_PATCH
from tests.cluster.rig.plane import Fleet, Plane
from tests.cluster.world import People, World

JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
OURS = "gitops-waves"
K = DriftKind


@dataclass(slots=True)
class Live:
    """One object on the plane, and the ways in which people write to it."""

    world: World
    path: str

    def get(self) -> Any:
        """The object as it is."""
        return self.world.planes[0].api.get(self.path)

    def send(
        self,
        method: str,
        body: Any = None,
        kind: str = "application/json",
        *,
        by: str = "",
        below: str = "",
        **query: str,
    ) -> Any:
        """Write; `by` is the field manager."""
        words = [f"{name}={value}" for name, value in query.items()] + ([f"fieldManager={by}"] if by else [])
        address = self.path + below + ("?" + "&".join(words) if words else "")
        answer = self.world.planes[0].api.request(method, address, body, content_type=kind)
        assert answer.ok, answer.body
        return answer.body

    def merge(self, body: Any, by: str = "kubectl-patch", below: str = "") -> None:
        """`kubectl patch --type merge`."""
        self.send("PATCH", body, MERGE_PATCH, by=by, below=below)

    def strategic(self, body: Any, by: str = "kubectl-patch") -> None:
        """`kubectl patch`."""
        self.send("PATCH", body, STRATEGIC, by=by)

    def operations(self, *operations: Any, by: str = "kubectl-patch") -> None:
        """`kubectl patch --type json`."""
        self.send("PATCH", list(operations), JSON_PATCH, by=by)

    def edit(self, change: Callable[[Any], None], by: str = "kubectl-edit") -> None:
        """`kubectl edit`, or a program that reads, changes and writes the whole."""
        body = self.get()
        change(body)
        self.send("PUT", body, by=by)

    def apply(self, body: Any, by: str) -> None:
        """Server-Side Apply with force."""
        self.send("PATCH", body, APPLY, by=by, force="true")


Change = Callable[[Live], None]


@dataclass(frozen=True, slots=True)
class Case:
    """A way to change an object. `paths` are what differs; `by` who is named; None: no drift.

    `foreign`: what is told as somebody else's inside the object, be it drifted or not.
    """

    manifest: Callable[[str], dict[str, Any]]
    change: Change
    kind: DriftKind | None = None
    paths: tuple[str, ...] = ()
    by: str = ""
    foreign: tuple[str, ...] = ()


def config(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"team": "shop"}, "annotations": {"note": "ours"}},
        "data": {"colour": "green", "sound": "quiet"},
    }


def secret(name: str) -> dict[str, Any]:
    data = {"password": "aHVudGVyMg=="}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}


def text_secret(name: str) -> dict[str, Any]:
    texts = {"password": "hunter2"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": texts}


def web(name: str, **spec: Any) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": "registry.example/web:1.0",
        "args": ["--fast", "--quiet"],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "ports": [{"containerPort": 80, "name": "http"}],
        "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
            **spec,
        },
    }


def scaled(name: str) -> dict[str, Any]:
    body = web(name)
    del body["spec"]["replicas"]
    return body


def service(name: str) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "admin", "port": 81}]
    spec = {"selector": {"app": name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def role(name: str) -> dict[str, Any]:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name},
        "rules": rules,
    }


def other_image(body: Any) -> None:
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/web:6.6.6"


def recreate(live: Live) -> None:
    body = live.get()
    live.send("DELETE")
    for field in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
        body["metadata"].pop(field)
    collection, _, _ = live.path.rpartition("/")
    live.world.planes[0].api.create(collection, body)


def delete_held(live: Live) -> None:
    """It is still there, and will come back only once it is gone: until then there is nothing to correct."""
    live.merge({"metadata": {"finalizers": ["example.org/hold"]}})
    live.send("DELETE")


def there_and_back(live: Live) -> None:
    live.merge({"data": {"colour": "red"}})
    live.merge({"data": {"colour": "green"}})


def client_side(live: Live, manifest: dict[str, Any]) -> None:
    """`kubectl apply` as it was before Server-Side Apply: an annotation, and a patch of what differs."""
    text = json.dumps(manifest)
    patch = {
        **manifest,
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": text}},
    }
    live.strategic(patch, by="kubectl-client-side-apply")


def under_our_name(live: Live, change: Callable[[Any], None], manifest: dict[str, Any]) -> None:
    """Apply what we applied, as us, with other values: ownership does not change."""
    labels = live.get()["metadata"]["labels"]
    manifest["metadata"]["labels"] = {**manifest["metadata"].get("labels", {}), **labels}
    change(manifest)
    live.apply(manifest, OURS)


POD = "spec.template.spec"
TEMPLATE = "/spec/template/spec"
MAIN = f"{TEMPLATE}/containers/0"
SIDECAR = {"name": "sidecar", "image": "registry.example/sidecar:1"}


def in_main(**fields: Any) -> dict[str, Any]:
    """A strategic merge patch of the container."""
    return {"spec": {"template": {"spec": {"containers": [{"name": "main", **fields}]}}}}


CASES: dict[str, Case] = {
    "edit-a-value": Case(
        config,
        lambda o: o.edit(lambda b: b["data"].update(colour="red")),
        K.CHANGED,
        ("/data/colour",),
        "kubectl-edit",
    ),
    "patch-a-value": Case(
        config, lambda o: o.merge({"data": {"colour": "red"}}), K.CHANGED, ("/data/colour",), "kubectl-patch"
    ),
    "patch-the-same-value": Case(config, lambda o: o.merge({"data": {"colour": "green"}})),
    "write-the-whole-unchanged": Case(config, lambda o: o.edit(lambda _: None)),
    "remove-a-key": Case(config, lambda o: o.merge({"data": {"colour": None}}), K.CHANGED, ("/data/colour",)),
    "add-a-foreign-key": Case(
        config, lambda o: o.merge({"data": {"smell": "fresh"}}), foreign=("data.smell",)
    ),
    "change-a-value-and-add-a-key": Case(
        config,
        lambda o: o.merge({"data": {"colour": "red", "smell": "fresh"}}),
        K.CHANGED,
        ("/data/colour",),
        "kubectl-patch",
        foreign=("data.smell",),
    ),
    "clear-all-data": Case(config, lambda o: o.merge({"data": None}), K.CHANGED, ("/data",)),
    "change-our-annotation": Case(
        config,
        lambda o: o.merge({"metadata": {"annotations": {"note": "theirs"}}}, by="kubectl-annotate"),
        K.CHANGED,
        ("/metadata/annotations/note",),
        "kubectl-annotate",
    ),
    "remove-our-label": Case(
        config,
        lambda o: o.merge({"metadata": {"labels": {"team": None}}}),
        K.CHANGED,
        ("/metadata/labels/team",),
    ),
    "remove-the-membership-label": Case(
        config,
        lambda o: o.merge({"metadata": {"labels": {"applyset.kubernetes.io/part-of": None}}}),
        K.CHANGED,
        ("/metadata/labels/applyset.kubernetes.io~1part-of",),
    ),
    "remove-the-label-that-watches-select-by": Case(
        config,
        lambda o: o.merge({"metadata": {"labels": {"gitops-waves.io/environment": None}}}),
        K.CHANGED,
        ("/metadata/labels/gitops-waves.io~1environment",),
    ),
    "claim-for-another-applyset": Case(
        config,
        lambda o: o.merge({"metadata": {"labels": {"applyset.kubernetes.io/part-of": "applyset-other-v1"}}}),
        K.NOT_OURS,
    ),
    "add-a-foreign-label": Case(
        config, lambda o: o.merge({"metadata": {"labels": {"cost-centre": "7"}}}, by="kubectl-label")
    ),
    "add-a-foreign-annotation": Case(
        config, lambda o: o.merge({"metadata": {"annotations": {"seen-by": "eve"}}}, by="kubectl-annotate")
    ),
    "add-an-owner-reference": Case(
        config,
        lambda o: o.merge(
            {
                "metadata": {
                    "ownerReferences": [
                        {
                            "apiVersion": "v1",
                            "kind": "Namespace",
                            "name": o.world.namespace,
                            "uid": _uid(o.world),
                        }
                    ]
                }
            }
        ),
    ),
    "add-a-finalizer": Case(config, lambda o: o.merge({"metadata": {"finalizers": ["example.org/hold"]}})),
    "strip-managed-fields": Case(
        config, lambda o: o.merge({"metadata": {"managedFields": [{}]}}), K.DISOWNED
    ),
    "change-and-change-back": Case(config, there_and_back, K.DISOWNED, (), "kubectl-patch"),
    "apply-under-our-name-without-generation": Case(
        config,
        lambda o: under_our_name(o, lambda b: b["data"].update(colour="red"), config(_name(o))),
        K.CHANGED,
        ("/data/colour",),
        OURS,
    ),
    "apply-under-our-name": Case(
        web,
        lambda o: under_our_name(o, other_image, web(_name(o))),
        K.CHANGED,
        (f"{MAIN}/image",),
        OURS,
    ),
    "apply-less-under-our-name": Case(
        config,
        lambda o: under_our_name(o, lambda b: b["data"].pop("sound"), config(_name(o))),
        K.CHANGED,
        ("/data/sound",),
    ),
    "server-side-apply-of-the-same": Case(
        config, lambda o: o.apply({**config(_name(o)), "data": {"colour": "green"}}, "another-tool")
    ),
    "server-side-apply-by-force": Case(
        config,
        lambda o: o.apply({**config(_name(o)), "data": {"colour": "red"}}, "another-tool"),
        K.CHANGED,
        ("/data/colour",),
        "another-tool",
    ),
    "client-side-apply-of-the-same": Case(config, lambda o: client_side(o, config(_name(o)))),
    "client-side-apply": Case(
        config,
        lambda o: client_side(o, {**config(_name(o)), "data": {"colour": "red", "sound": "quiet"}}),
        K.CHANGED,
        ("/data/colour",),
        "kubectl-client-side-apply",
    ),
    "delete": Case(config, lambda o: o.send("DELETE"), K.GONE),
    "delete-while-a-finalizer-holds-it": Case(config, delete_held),
    "delete-a-deployment": Case(web, lambda o: o.send("DELETE"), K.GONE),
    "delete-and-create-again": Case(config, recreate, K.RECREATED),
    "change-a-secret": Case(
        secret,
        lambda o: o.merge({"data": {"password": "c2VzYW1l"}}),
        K.CHANGED,
        ("/data/password",),
        "kubectl-patch",
    ),
    "change-a-secret-that-was-written-as-text": Case(
        text_secret,
        lambda o: o.merge({"data": {"password": "c2VzYW1l"}}),
        K.CHANGED,
        ("/data/password",),
        "kubectl-patch",
    ),
    "scale": Case(
        web,
        lambda o: o.merge({"spec": {"replicas": 3}}, by="kubectl-scale", below="/scale"),
        K.CHANGED,
        ("/spec/replicas",),
        "kubectl-scale",
    ),
    "autoscaler-scales-what-we-set-replicas-of": Case(
        web,
        lambda o: o.merge({"spec": {"replicas": 3}}, by="kube-controller-manager", below="/scale"),
        K.CHANGED,
        ("/spec/replicas",),
        "kube-controller-manager",
    ),
    "autoscaler-scales-what-leaves-replicas-to-it": Case(
        scaled, lambda o: o.merge({"spec": {"replicas": 3}}, by="kube-controller-manager", below="/scale")
    ),
    "set-image": Case(
        web,
        lambda o: o.strategic(in_main(image="registry.example/web:6.6.6"), by="kubectl-set"),
        K.CHANGED,
        (f"{MAIN}/image",),
        "kubectl-set",
    ),
    "remove-an-env-entry": Case(
        web,
        lambda o: o.strategic(in_main(env=[{"name": "A", "$patch": "delete"}])),
        K.CHANGED,
        (f"{MAIN}/env/0",),
    ),
    "change-an-env-entry": Case(
        web,
        lambda o: o.strategic(in_main(env=[{"name": "A", "value": "666"}])),
        K.CHANGED,
        (f"{MAIN}/env/0/value",),
        "kubectl-patch",
    ),
    "add-a-foreign-env-entry": Case(
        web,
        lambda o: o.strategic(in_main(env=[{"name": "PROXY", "value": "http://proxy"}])),
        foreign=(f"{POD}.containers[name=main].env[name=PROXY]",),
    ),
    "change-the-order-of-an-atomic-list": Case(
        web,
        lambda o: o.operations({"op": "replace", "path": f"{MAIN}/args", "value": ["--quiet", "--fast"]}),
        K.CHANGED,
        (f"{MAIN}/args/0", f"{MAIN}/args/1"),
        "kubectl-patch",
    ),
    "add-to-an-atomic-list": Case(
        web,
        lambda o: o.operations({"op": "add", "path": f"{MAIN}/args/-", "value": "--evil"}),
        K.CHANGED,
        (f"{MAIN}/args/2",),
        "kubectl-patch",
    ),
    "clear-a-list": Case(
        web, lambda o: o.operations({"op": "remove", "path": f"{MAIN}/env"}), K.CHANGED, (f"{MAIN}/env",)
    ),
    "add-a-container": Case(
        web,
        lambda o: o.strategic({"spec": {"template": {"spec": {"containers": [SIDECAR]}}}}),
        foreign=(f"{POD}.containers[name=sidecar]",),
    ),
    "add-a-volume": Case(
        web,
        lambda o: o.strategic({"spec": {"template": {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}}}),
        foreign=(f"{POD}.volumes[name=v]",),
    ),
    "set-a-field-that-we-leave-open": Case(
        web, lambda o: o.merge({"spec": {"paused": True}}), foreign=("spec.paused",)
    ),
    "use-the-nodes-network": Case(
        web,
        lambda o: o.strategic({"spec": {"template": {"spec": {"hostNetwork": True}}}}),
        foreign=(f"{POD}.hostNetwork",),
    ),
    "inject-as-who-is-allowed-to": Case(
        web,
        lambda o: o.strategic(
            {"spec": {"template": {"spec": {"containers": [SIDECAR]}}}}, by="istio-sidecar-injector"
        ),
    ),
    "write-a-quantity-in-another-way": Case(
        web, lambda o: o.strategic(in_main(resources={"requests": {"cpu": "1"}}))
    ),
    "rollout-restart": Case(
        web,
        lambda o: o.strategic(
            {
                "spec": {
                    "template": {
                        "metadata": {
                            "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
                        }
                    }
                }
            },
            by="kubectl-rollout",
        ),
    ),
    "write-the-status": Case(
        web,
        lambda o: o.merge({"status": {"replicas": 7}}, by="kube-controller-manager", below="/status"),
    ),
    "change-a-port": Case(
        service,
        lambda o: o.operations({"op": "replace", "path": "/spec/ports/0/targetPort", "value": 9999}),
        K.CHANGED,
        ("/spec/ports/0/targetPort",),
        "kubectl-patch",
    ),
    "remove-a-port": Case(
        service,
        lambda o: o.operations({"op": "remove", "path": "/spec/ports/1"}),
        K.CHANGED,
        ("/spec/ports/1",),
    ),
    "add-a-port": Case(
        service,
        lambda o: o.operations({"op": "add", "path": "/spec/ports/-", "value": {"name": "x", "port": 99}}),
        foreign=("spec.ports[port=99,protocol=TCP]",),
    ),
    "widen-a-role": Case(
        role,
        lambda o: o.operations({"op": "add", "path": "/rules/0/verbs/-", "value": "delete"}),
        K.CHANGED,
        ("/rules/0/verbs/1",),
        "kubectl-patch",
    ),
}
_PLURALS = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps/",
    "Secret": "/api/v1/namespaces/{}/secrets/",
    "Service": "/api/v1/namespaces/{}/services/",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments/",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles/",
}


def _name(live: Live) -> str:
    return live.path.rpartition("/")[2]


def _uid(world: World) -> str:
    return str(world.planes[0].api.get(f"/api/v1/namespaces/{world.namespace}")["metadata"]["uid"])


@dataclass(slots=True)
class Shop:
    """The world of all cases, with its controller running."""

    world: World

    @property
    def drift(self) -> ClusterDrift:
        """The watch over the cluster."""
        fleet = self.world.fleet
        assert fleet is not None
        clusters = fleet.repositories[0].loops[self.world.environment]._drift._clusters
        return next(iter(clusters.values()))

    def live(self, name: str) -> Live:
        """The object of a case."""
        kind = CASES[name].manifest(name)["kind"]
        return Live(self.world, _PLURALS[kind].format(self.world.namespace) + name)

    def key(self, name: str) -> ObjectKey:
        """What the watch knows the object as."""
        group, _, _ = CASES[name].manifest(name)["apiVersion"].rpartition("/")
        return ObjectKey(group, CASES[name].manifest(name)["kind"], self.world.namespace, name)

    def finding(self, name: str) -> Finding | None:
        """What was found out about the object."""
        (place,) = self.drift._places.values()
        return place.findings.get(self.key(name))

    async def found(self, name: str, kind: DriftKind) -> Finding:
        """Wait for a finding: a change in two steps may be seen in between."""

        def there() -> Finding | None:
            finding = self.finding(name)
            return finding if finding is not None and finding.kind is kind else None

        result: Finding = await self.world.until(there, f"{name} to be {kind}", within=10)
        return result

    async def foreign(self, name: str) -> tuple[str, ...]:
        """What is told of others in the object, once that is clear."""
        (place,) = self.drift._places.values()
        await self.world.until(lambda: not place.foreign.undecided, "others' fields to be looked at")
        found = place.foreign.findings.get(self.key(name))
        return found.paths if found else ()

    async def seen(self, name: str, version: str) -> None:
        """Wait until the watch has come to the object's version, and made up its mind."""

        def through() -> bool:
            sight = self.drift.sight(self.key(name))
            there = sight is not None and int(sight.resource_version) >= int(version)
            return there and not self.drift.undecided(self.key(name))

        await self.world.until(through, f"version {version} of {name} to be judged")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(control_planes: Fleet[Plane], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """All objects, rolled out; nothing has drifted."""
    plane: Plane = control_planes.first(1)[0]
    folder: Path = tmp_path_factory.mktemp("verdicts")
    plane.api.create("/api/v1/namespaces", {"metadata": {"name": "drift-verdicts"}})
    world = World(People(folder), (plane,), "drift-verdicts", folder, "production")
    manifests = "---\n".join(yaml.safe_dump(case.manifest(name)) for name, case in CASES.items())
    files = {**world.clusters(), **world.environment_file(drift="Report"), world.path("shop"): manifests}
    first = world.people.push("Open", files)
    async with world.controller():
        await world.succeeded(first, "shop")
        found = Shop(world)
        await world.until(lambda: found.drift.synced, "everything to be watched")
        yield found
    plane.api.request("DELETE", "/api/v1/namespaces/drift-verdicts")


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 45


@pytest.mark.parametrize("name", sorted(CASES))
async def test_a_change_has_its_verdict(shop: Shop, name: str) -> None:
    case, live = CASES[name], shop.live(name)
    assert shop.finding(name) is None
    await asyncio.to_thread(case.change, live)
    if case.kind is None:
        await shop.seen(name, live.get()["metadata"]["resourceVersion"])
        assert shop.finding(name) is None
        assert await shop.foreign(name) == case.foreign
        return
    found = await shop.found(name, case.kind)
    assert found.paths == case.paths
    if case.by:
        assert case.by in [
            author.owner.manager for author in found.authors if author.certain or not case.paths
        ]
    assert "c2VzYW1l" not in str(found)
    assert await shop.foreign(name) == case.foreign

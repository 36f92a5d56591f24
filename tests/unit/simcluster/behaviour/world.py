"""A simulated cluster on a stepped clock, and short words to work with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from simcluster.api.options import DeleteOptions
from simcluster.clock import SteppedClock
from simcluster.cluster import Cluster
from simcluster.kinds.kind import Kind
from simcluster.store.records import Change

JsonObject: TypeAlias = dict[str, Any]
_VERSIONS = {
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ControllerRevision": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "PodDisruptionBudget": "policy/v1",
    "StorageClass": "storage.k8s.io/v1",
    "EndpointSlice": "discovery.k8s.io/v1",
}


class World:
    """One cluster; nothing happens in it but in `step`."""

    def __init__(self, *, shortcuts: bool = True, **options: Any) -> None:
        self.clock = SteppedClock()
        self.cluster = Cluster("test", self.clock, **options)
        self.cluster.behaviour.client.shortcuts = shortcuts
        self.changes: list[Change] = []
        self.cluster.store.on_change(self.changes.append)

    def kind(self, kind: str) -> Kind:
        """Return a kind by its name alone."""
        found = self.cluster.registry.of(_VERSIONS.get(kind, "v1"), kind)
        assert found is not None
        return found

    def create(self, kind: str, name: str, namespace: str = "default", **rest: Any) -> JsonObject:
        """Create an object; `rest` is its body but for names."""
        found = self.kind(kind)
        metadata = {"name": name, **rest.pop("metadata", {})}
        place = namespace if found.namespaced else ""
        obj = {"apiVersion": found.api_version, "kind": kind, "metadata": metadata, **rest}
        return self.cluster.api.create(found, place, obj).object

    def get(self, kind: str, name: str, namespace: str = "default") -> JsonObject:
        """Return an object."""
        found = self.kind(kind)
        return self.cluster.api.get(found, namespace if found.namespaced else "", name)

    def has(self, kind: str, name: str, namespace: str = "default") -> bool:
        """Tell whether an object is there."""
        found = self.kind(kind)
        return self.cluster.store.get(found.storage, namespace if found.namespaced else "", name) is not None

    def all(self, kind: str, namespace: str = "default") -> list[JsonObject]:
        """Return all objects of a kind, by name."""
        found = self.kind(kind)
        place = namespace if found.namespaced else ""
        return [each.object() for each in self.cluster.store.items(found.storage, place)]

    def change(
        self, kind: str, name: str, how: Callable[[JsonObject], None], namespace: str = "default"
    ) -> None:
        """Change an object in place and write it."""
        found = self.kind(kind)
        obj = self.get(kind, name, namespace)
        how(obj)
        self.cluster.api.update(found, namespace if found.namespaced else "", name, obj)

    def delete(self, kind: str, name: str, namespace: str = "default", **options: Any) -> None:
        """Delete an object."""
        found = self.kind(kind)
        place = namespace if found.namespaced else ""
        self.cluster.api.delete(found, place, name, DeleteOptions(**options))

    def step(self, seconds: float = 0.0) -> None:
        """Let time pass."""
        self.clock.step(seconds)

    def deploy(
        self,
        image: str = "r/web:1",
        replicas: int = 1,
        name: str = "web",
        namespace: str = "default",
        **spec: Any,
    ) -> None:
        """Create a Deployment; `spec` adds to or replaces what it says."""
        wanted = {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(image, name),
            **spec,
        }
        self.create("Deployment", name, namespace, spec=wanted)

    def set_image(self, kind: str, name: str, image: str) -> None:
        """Give a workload another image."""

        def change(obj: JsonObject) -> None:
            obj["spec"]["template"]["spec"]["containers"][0]["image"] = image

        self.change(kind, name, change)

    def set_spec(self, kind: str, name: str, **fields: Any) -> None:
        """Change fields of a spec."""
        self.change(kind, name, lambda obj: obj["spec"].update(fields))

    def status(self, kind: str, name: str, namespace: str = "default") -> JsonObject:
        """Return the status of an object."""
        found: JsonObject = self.get(kind, name, namespace).get("status") or {}
        return found

    def conditions(self, kind: str, name: str, namespace: str = "default") -> dict[str, JsonObject]:
        """Return the conditions of an object by type."""
        listed = self.status(kind, name, namespace).get("conditions") or []
        return {each["type"]: each for each in listed}

    def cluster_revisions(self) -> list[JsonObject]:
        """Return the ControllerRevisions by number."""
        return sorted(self.all("ControllerRevision"), key=lambda each: int(each["revision"]))

    def pods(self, namespace: str = "default") -> list[JsonObject]:
        """Return all pods."""
        return self.all("Pod", namespace)

    def pod(self, namespace: str = "default") -> JsonObject:
        """Return the only pod."""
        (found,) = self.pods(namespace)
        return found

    def told(self, about: str, namespace: str = "default") -> list[tuple[str, str]]:
        """Return reason and message of the Events about one kind, in the order in which they were written."""
        found = [each for each in self.all("Event", namespace) if each["involvedObject"]["kind"] == about]
        found.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
        return [(each["reason"], each["message"]) for each in found]


def template(image: str = "r/web:1", app: str = "web", **spec: Any) -> JsonObject:
    """Return a pod template with one container that has a named port."""
    port = {"containerPort": 8080, "name": "http"}
    container = {"name": "web", "image": image, "ports": [port]}
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": [container], **spec}}


def images(pods: list[JsonObject]) -> list[str]:
    """Return the images of pods, sorted."""
    return sorted(each["spec"]["containers"][0]["image"] for each in pods)

"""A cluster's API without controllers, on a clock that stands still: what tests of the verbs speak to."""

from random import Random
from typing import Any

import orjson

from simcluster import bootstrap
from simcluster.api.api import Api
from simcluster.api.core import Core
from simcluster.api.options import DeleteOptions, ListOptions, PatchKind, Result, WriteOptions
from simcluster.clock import SteppedClock, timestamp
from simcluster.kinds.kind import Kind
from simcluster.kinds.registry import Registry
from simcluster.store.store import Store

TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}


class World:
    """Verbs by the two words that name a kind; `clock` moves when a test moves it."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        random = Random(0)
        self.registry = Registry()
        self.store = Store(bootstrap.seed(timestamp(self.clock.now()), random, 1))
        self.api = Api(Core(self.store, self.registry, self.clock, random))

    def kind(self, kind: str, api_version: str = "v1") -> Kind:
        """Return a kind that is served."""
        found = self.registry.of(api_version, kind)
        assert found is not None, f"{api_version} {kind}"
        return found

    def of(self, obj: dict[str, Any]) -> Kind:
        """Return the kind of an object."""
        return self.kind(obj["kind"], obj["apiVersion"])

    def create(self, obj: dict[str, Any], namespace: str = "default", **options: Any) -> Result:
        """POST an object."""
        kind = self.of(obj)
        return self.api.create(kind, namespace if kind.namespaced else "", obj, _options(options))

    def update(self, obj: dict[str, Any], subresource: str = "", *, name: str = "", **options: Any) -> Result:
        """PUT an object, or a subresource of it."""
        kind = self.of(obj)
        namespace = "default" if kind.namespaced else ""
        name = name or obj["metadata"]["name"]
        return self.api.update(kind, namespace, name, obj, _options(options), subresource)

    def merge(self, target: dict[str, Any], patch: Any, subresource: str = "", **options: Any) -> Result:
        """PATCH by RFC 7386."""
        return self.patch(target, PatchKind.MERGE, patch, subresource, **options)

    def patch(
        self, target: dict[str, Any], how: PatchKind, patch: Any, subresource: str = "", **options: Any
    ) -> Result:
        """PATCH by any type but apply."""
        kind, metadata = self.of(target), target["metadata"]
        namespace = "default" if kind.namespaced else ""
        return self.api.patch(
            kind, namespace, metadata["name"], how, orjson.dumps(patch), _options(options), subresource
        )

    def apply(
        self, obj: dict[str, Any], manager: str = "me", subresource: str = "", **options: Any
    ) -> Result:
        """Apply an object under a manager's name."""
        kind = self.of(obj)
        place = ("default" if kind.namespaced else "", obj["metadata"]["name"])
        return self.api.apply(kind, *place, obj, _options({"manager": manager, **options}), subresource)

    def get(self, obj: dict[str, Any], subresource: str = "") -> dict[str, Any]:
        """GET an object or a subresource of it."""
        kind = self.of(obj)
        return self.api.get(kind, "default" if kind.namespaced else "", obj["metadata"]["name"], subresource)

    def delete(self, obj: dict[str, Any], **options: Any) -> Result:
        """DELETE an object."""
        kind = self.of(obj)
        namespace = "default" if kind.namespaced else ""
        return self.api.delete(kind, namespace, obj["metadata"]["name"], DeleteOptions(**options))

    def names(self, kind: Kind, namespace: str = "default", **options: Any) -> list[str]:
        """Return the names in a list."""
        return [each.name for each in self.api.list(kind, namespace, ListOptions(**options)).items]

    def exists(self, obj: dict[str, Any]) -> bool:
        """Tell whether the object is stored."""
        kind = self.of(obj)
        namespace = "default" if kind.namespaced else ""
        return self.store.get(kind.storage, namespace, obj["metadata"]["name"]) is not None


def _options(options: dict[str, Any]) -> WriteOptions:
    return WriteOptions(**{"manager": "test", **options})


def config_map(name: str = "a", data: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}
    return made if data is None else {**made, "data": data}


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE, **spec},
    }


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "web:1"}], **spec},
    }


def widget_crd(**names: Any) -> dict[str, Any]:
    properties = {
        "spec": {
            "type": "object",
            "properties": {"replicas": {"type": "integer"}, "size": {"type": "string", "default": "m"}},
        },
        "status": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer"},
                "selector": {"type": "string"},
                "phase": {"type": "string"},
            },
        },
    }
    scale = {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", **names}
    schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    versions = [
        {
            "name": name,
            "served": True,
            "storage": name == "v1",
            "schema": schema,
            "subresources": {"status": {}, "scale": scale},
        }
        for name in ("v1", "v1beta1")
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": names, "versions": versions},
    }


def widget(name: str = "w", **rest: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, **rest}

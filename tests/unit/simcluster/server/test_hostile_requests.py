"""Whatever is sent, the answer is the API's own, never a defect: hundreds of broken requests."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from typing import Any

import pytest

from simcluster.clock import SteppedClock
from simcluster.cluster import Cluster
from tests.unit.simcluster.server.conftest import Client

IN_DEFAULT = "namespaces/default"
CONTAINERS = [{"name": "c", "image": "registry.example/web:1", "ports": [{"containerPort": 80}]}]
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": CONTAINERS}}
SELECTOR = {"matchLabels": {"a": "b"}}
SCHEMA = {
    "type": "object",
    "properties": {"spec": {"type": "object", "properties": {"x": {"type": "integer"}}}},
}
VERSION = {
    "name": "v1",
    "served": True,
    "storage": True,
    "schema": {"openAPIV3Schema": SCHEMA},
    "subresources": {"status": {}},
}
RBAC = "rbac.authorization.k8s.io"
OBJECTS: dict[str, dict[str, Any]] = {
    f"/apis/apps/v1/{IN_DEFAULT}/deployments": {
        "spec": {"replicas": 1, "selector": SELECTOR, "template": TEMPLATE}
    },
    f"/apis/apps/v1/{IN_DEFAULT}/statefulsets": {
        "spec": {"serviceName": "x", "selector": SELECTOR, "template": TEMPLATE}
    },
    f"/apis/batch/v1/{IN_DEFAULT}/jobs": {
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": CONTAINERS}}}
    },
    f"/api/v1/{IN_DEFAULT}/configmaps": {"data": {"a": "b"}},
    f"/api/v1/{IN_DEFAULT}/secrets": {"data": {"a": "Yg=="}},
    f"/api/v1/{IN_DEFAULT}/services": {"spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}},
    f"/api/v1/{IN_DEFAULT}/pods": {"spec": {"containers": CONTAINERS}},
    "/api/v1/namespaces": {},
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": {
        "metadata": {"name": "foos.e.io"},
        "spec": {
            "group": "e.io",
            "names": {"kind": "Foo", "plural": "foos"},
            "scope": "Namespaced",
            "versions": [VERSION],
        },
    },
    f"/apis/e.io/v1/{IN_DEFAULT}/foos": {"apiVersion": "e.io/v1", "kind": "Foo", "spec": {"x": 1}},
    f"/apis/{RBAC}/v1/{IN_DEFAULT}/roles": {
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    },
    f"/apis/{RBAC}/v1/{IN_DEFAULT}/rolebindings": {
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "x"},
        "subjects": [{"kind": "User", "name": "u", "apiGroup": RBAC}],
    },
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": {
        "spec": {"resourceAttributes": {"verb": "get"}}
    },
    "/apis/authentication.k8s.io/v1/tokenreviews": {"spec": {"token": "x"}},
}
LEAVES: tuple[Any, ...] = (None, True, 1, -1, 1.5, "", "x", "default", [], {}, "a/b", "1Gi", 2**70, "\ud800")
KEYS = (
    *(
        "metadata",
        "name",
        "spec",
        "status",
        "kind",
        "apiVersion",
        "labels",
        "annotations",
        "replicas",
        "data",
    ),
    *(
        "selector",
        "template",
        "containers",
        "managedFields",
        "finalizers",
        "ownerReferences",
        "uid",
        "$patch",
    ),
    *(
        "resourceVersion",
        "generateName",
        "namespace",
        "op",
        "path",
        "value",
        "preconditions",
        "target",
        "ports",
    ),
)
PATCHES = ("json-patch+json", "merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml")
PLACES = ("/spec", "/metadata/labels/x", "/spec/replicas", "/data/a", "/metadata", "", "/spec/ports/-")


class Vandal:
    """Breaks things at random, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, depth: int = 0) -> Any:
        """Any JSON at all."""
        draw = self.random.random()
        if depth > 4 or draw < 0.35:
            return copy.deepcopy(self.random.choice(LEAVES))
        if draw < 0.5:
            return [self.value(depth + 1) for _ in range(self.random.randint(0, 2))]
        return {self.random.choice(KEYS): self.value(depth + 1) for _ in range(self.random.randint(0, 4))}

    def broken(self, obj: Any) -> Any:
        """The object with a few of its values replaced or added to."""
        if self.random.random() < 0.1:
            return self.value()
        found = copy.deepcopy(obj)
        for _ in range(self.random.randint(0, 3)):
            self._break(found)
        return found

    def _break(self, current: Any) -> None:
        for _ in range(self.random.randint(0, 7)):
            inner = list(current.values()) if isinstance(current, dict) else current
            deeper = [each for each in inner if isinstance(each, dict | list) and each]
            if not deeper:
                break
            current = self.random.choice(deeper)
        if isinstance(current, dict):
            known = self.random.choice(list(current)) if current and self.random.random() < 0.7 else None
            current[known or self.random.choice(KEYS)] = self.value(2)
        else:
            current[self.random.randrange(len(current))] = self.value(2)

    def request(self) -> tuple[str, str, Any, str]:
        """One request: method, path, body, media type."""
        path, obj = self.random.choice(list(OBJECTS.items()))
        obj = {"metadata": {"name": "d"}, **obj}
        name = f"{path}/{obj['metadata']['name']}{self.random.choice(('', '', '/status', '/scale'))}"
        query = self.random.choice(
            ("?fieldManager=m", "?dryRun=All&fieldManager=m", "?fieldValidation=Strict")
        )
        draw = self.random.random()
        if draw < 0.3:
            return "POST", path + query, self.broken(obj), "application/json"
        if draw < 0.5:
            return "PUT", name + query, self.broken(obj), "application/json"
        if draw < 0.85:
            kind = self.random.choice(PATCHES)
            body = self._operations() if kind == PATCHES[0] else self.broken(obj)
            return "PATCH", name + query, body, f"application/{kind}"
        if draw < 0.9:
            return "DELETE", name, self.value(), "application/json"
        if draw < 0.95:
            verb = self.random.choice(("pods/d/eviction", "pods/d/binding", "serviceaccounts/default/token"))
            return "POST", f"/api/v1/{IN_DEFAULT}/{verb}", self.value(), "application/json"
        return "GET", name, None, ""

    def _operations(self) -> Any:
        choose = self.random.choice
        verbs = ("add", "remove", "replace", "test", "move", "copy", "x")
        return [
            {"op": choose(verbs), "path": choose(PLACES), "value": self.value(2), "from": choose(PLACES)}
            for _ in range(self.random.randint(0, 3))
        ]


@pytest.mark.parametrize("seed", range(3))
async def test_no_request_finds_a_defect(client: Client, cluster: Cluster, seed: int) -> None:
    assert isinstance(cluster.clock, SteppedClock)
    vandal = Vandal(seed)
    answers: Counter[int] = Counter()
    for number in range(500):
        if number % 50 == 0:
            for path, obj in OBJECTS.items():
                await client.send("POST", path, {"metadata": {"name": "d"}, **obj})
            cluster.clock.step(5)
        method, path, body, kind = vandal.request()
        sent = json.dumps(body).encode() if body is not None else None
        reply = await client.send(method, path, sent, content_type=kind)
        answers[reply.status] += 1
        assert "defect" not in reply.text, (method, path, kind, json.dumps(body))
        if reply.status >= 400 and "json" in reply.headers["Content-Type"]:
            assert (reply.body["kind"], reply.body["code"]) == ("Status", reply.status)
    assert {200, 201, 400, 422} <= answers.keys(), "the requests are no longer a mixture"

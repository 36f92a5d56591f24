"""`gitops render` prints what a rollout then sends: these objects, these fields, in this order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.adapters.kube.client import KubeClient
from tests import tools
from tests.cluster.rig import binaries
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, World

_ROOT = Path(__file__).parents[2]
_GITOPS = [sys.executable, "-c", "from controllers.cli.app import main; main()"]
CANARY = "canary-9b74c98"
APPLICATIONS = {"web": 5, "made": 2, "chart": 1}
"""How many objects each has."""

Sent = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def world(clusters: tuple[Plane, ...], namespace: str, tmp_path: Path) -> World:
    """Two clusters, two waves."""
    return World(People(tmp_path), clusters[:2], namespace, tmp_path, "production")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Every object that was really written, with its cluster's address, in the order of the answers."""
    found: Sent = []
    apply = KubeClient.apply

    async def noted(self: KubeClient, resource: Any, body: Any, **how: Any) -> Any:
        answer = await apply(self, resource, body, **how)
        if not how.get("dry_run"):
            found.append((self.server, body))
        return answer

    monkeypatch.setattr(KubeClient, "apply", noted)
    return found


@pytest.fixture
def helm() -> Path:
    """The folder that has it."""
    return tools.folder()


def files(world: World) -> dict[str, str | None]:
    """One object of each stage, and two of one stage of which one waits for the other."""
    kind, plural = f"Widget{world.namespace.rpartition('-')[2].title()}", world.namespace.replace("-", "")
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.render.example"},
        "spec": {
            "group": "render.example",
            "names": {"kind": kind, "plural": plural},
            "scope": "Cluster",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                    },
                }
            ],
        },
    }
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": []}
    objects = [
        {"apiVersion": "render.example/v1", "kind": kind, "metadata": {"name": plural}, "size": "${size}"},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "a-config",
                "annotations": {"gitops-waves.io/depends-on": f"Secret/{world.namespace}/z-key"},
            },
            "data": {"on": "yes", "price": "$${size} of ${cluster}", "many": "line\n${ring}\n"},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "z-key"},
            "stringData": {"token": f"{CANARY}-${{cluster}}"},
        },
        {**role, "metadata": {"name": f"{world.namespace}-render"}},
        definition,
    ]
    patches = [
        {
            "target": {"kind": "ConfigMap", "name": "a-config"},
            "operations": [{"op": "add", "path": "/data/patched", "value": "${namespace}"}],
        }
    ]
    overrides = [
        {"clusterSelector": {"matchLabels": {"ring": ring}}, "variables": {"ring": ring, "size": str(number)}}
        for number, ring in enumerate(("canary", "early"))
    ]
    listed = {"apiVersion": "v1", "kind": "List", "items": objects[:2]}
    versioned = {
        path: f"{text}spec: {{kubernetesVersion: {binaries.KUBERNETES_VERSION}}}\n"
        for path, text in world.clusters().items()
    }
    return {
        **versioned,
        **world.environment_file(overrides=overrides),
        world.path("web", "all.yaml"): yaml.safe_dump_all([listed, *objects[2:]]),
        world.path("web", "application.yaml"): yaml.safe_dump(
            {
                "apiVersion": "gitops-waves.io/v1alpha1",
                "kind": "Application",
                "metadata": {"name": "web"},
                "spec": {"patches": patches},
            }
        ),
        "bases/made/kustomization.yaml": (
            "configMapGenerator: [{name: made, literals: ['place=${cluster}']}]\n"
            "secretGenerator: [{name: made, literals: ['token=${cluster}']}]\n"
        ),
        world.path("chart", "Chart.yaml"): "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
        world.path("chart", "values.yaml"): "place: nowhere\n",
        world.path("chart", "templates/config.yaml"): (
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n"
            "data:\n  place: {{ .Values.place }}\n  literally: ${cluster}\n"
        ),
        world.path("chart", "application.yaml"): yaml.safe_dump(
            {
                "apiVersion": "gitops-waves.io/v1alpha1",
                "kind": "Application",
                "metadata": {"name": "chart"},
                "spec": {"helm": {"values": {"place": "on ${cluster}"}}},
            }
        ),
        world.path("made", "kustomization.yaml"): "resources: [../../../bases/made]\nnamePrefix: over-\n",
    }


def gitops(world: World, *arguments: str) -> str:
    done = subprocess.run(
        [*_GITOPS, "render", world.environment, "--repo", str(world.people.remote), *arguments],
        env={**os.environ, "PYTHONPATH": str(_ROOT), "XDG_CACHE_HOME": str(world.folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rendered(world: World, *arguments: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Objects by application and cluster."""
    value = json.loads(gitops(world, "-o", "json", *arguments))
    return {(one["application"], one["target"].partition("/")[0]): one["objects"] for one in value["targets"]}


async def test_what_is_printed_is_what_is_sent(
    world: World, sent: Sent, helm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, on every target; and later, for the commit that is named, though another one came."""
    monkeypatch.setenv("PATH", os.pathsep.join((str(helm), os.environ["PATH"])))
    first = world.people.push("First", files(world))
    printed = rendered(world, "--show-secrets")
    assert set(printed) == {(name, plane.name) for name in APPLICATIONS for plane in world.planes}
    async with world.controller():
        for name in APPLICATIONS:
            await world.succeeded(first, name)
    for plane in world.planes:
        written = [body for server, body in sent if server == plane.url]
        for name, amount in APPLICATIONS.items():
            wanted = printed[name, plane.name]
            ours = [body for body in written if part_of(body) == part_of(wanted[0])]
            assert len(ours) == amount
            if name == "made":  # nothing orders these two: they are written side by side
                ours, wanted = sorted(ours, key=str), sorted(wanted, key=str)
            assert list(map(json.dumps, ours)) == list(map(json.dumps, wanted))
    second = world.people.push("Change", {world.path("made", "kustomization.yaml"): "namePrefix: x-\n"})
    assert second != first
    assert rendered(world, first, "--show-secrets") == printed
    assert CANARY not in gitops(world, first)


def part_of(body: dict[str, Any]) -> str:
    labels: dict[str, str] = body["metadata"].get("labels", {})
    return labels.get("applyset.kubernetes.io/part-of", "")

"""Applications that are charts: a shared chart rolls out, fails and comes back with its users alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.rollout import events as e
from tests import tools
from tests.cluster.rig import binaries
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, World, config_map

CHART = "charts/web"
HEALTHY, CRASHING = "registry.example/web:1.0", "registry.example/web:2.0-crash-loop"
TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      annotations: {place: {{ .Values.place | quote }}, shell: "${HOME}"}
    spec:
      containers: [{name: main, image: {{ .Values.image }}}]
"""
USERS = ("web", "shop")


@pytest.fixture
def world(
    clusters: tuple[Plane, ...], namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    """Two clusters, two waves, and helm on the PATH."""
    tools.put_on_path(monkeypatch)
    return World(People(tmp_path), clusters[:2], namespace, tmp_path, "production")


def clusters(world: World, version: str = f"v{binaries.KUBERNETES_VERSION}") -> dict[str, str | None]:
    """The clusters' files, with what charts need to know."""
    found: dict[str, str | None] = {}
    for path, text in world.clusters().items():
        body = yaml.safe_load(text or "")
        found[path] = yaml.safe_dump({**body, "spec": {"kubernetesVersion": version}})
    return found


def application(name: str, **helm: Any) -> str:
    """An application that uses the chart."""
    body = {
        "apiVersion": "gitops-waves.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name},
        "spec": {"helm": {"chart": f"../../../{CHART}", "values": {"place": "${cluster}"}, **helm}},
    }
    return yaml.safe_dump(body)


def chart(image: str = HEALTHY) -> dict[str, str | None]:
    """The chart's own values."""
    return {f"{CHART}/values.yaml": f"image: {image}\nreplicas: 1\n"}


def files(world: World) -> dict[str, str | None]:
    """Two applications on one chart, and a plain one."""
    override = {
        "clusterSelector": {"matchLabels": {"ring": "canary"}},
        "valuesFiles": ["canary.yaml"],
    }
    return {
        **clusters(world),
        **world.environment_file(),
        **chart(),
        f"{CHART}/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        f"{CHART}/templates/deployment.yaml": TEMPLATE,
        world.path("web", "application.yaml"): application("web", overrides=[override]),
        world.path("web", "canary.yaml"): "replicas: 2\n",
        world.path("shop", "application.yaml"): application("shop"),
        world.path("api"): config_map("api", version="1"),
    }


async def test_a_change_to_a_chart_rolls_out_exactly_its_users(world: World) -> None:
    """Each target gets its values; a change to the values of one target's ring writes to no other."""
    first = world.people.push("First", files(world))
    async with world.controller():
        for name in (*USERS, "api"):
            await world.succeeded(first, name)
        for index, plane in enumerate(world.planes):
            for name in USERS:
                assert annotated(world, index, name) == {"place": plane.name, "shell": "${HOME}"}
        assert [replicas(world, index, "web") for index in (0, 1)] == [2, 1]
        untouched = [version(world, 0, "configmaps/api"), version(world, 1, "deployments/web")]
        second = world.people.push("Change the canary", {world.path("web", "canary.yaml"): "replicas: 3\n"})
        await world.succeeded(second, "web")
        assert [replicas(world, index, "web") for index in (0, 1)] == [3, 1]
        assert [version(world, 0, "configmaps/api"), version(world, 1, "deployments/web")] == untouched
        third = world.people.push("Change the chart", chart("registry.example/web:1.1"))
        for name in USERS:
            await world.succeeded(third, name)
        assert [image(world, 1, name) for name in USERS] == ["registry.example/web:1.1"] * 2
    assert {name: world.successes(name) for name in (*USERS, "api")} == {"web": 3, "shop": 2, "api": 1}
    assert version(world, 0, "configmaps/api") == untouched[0]


async def test_another_environment_with_the_chart_is_concerned_too(world: World) -> None:
    first = files(world)
    staging = yaml.safe_load(
        world.environment_file()[f"environments/{world.environment}/environment.yaml"] or ""
    )
    staging["metadata"]["name"] = "staging"
    first["environments/staging/environment.yaml"] = yaml.safe_dump(staging)
    first["environments/staging/web/application.yaml"] = application("web", releaseName="staged")

    def on(revision: str) -> bool:
        state = world.seen.state.get("staging")
        good = state.application("web").good if state else None
        return good is not None and good.revision == revision

    revision = world.people.push("First", first)
    async with world.controller():
        await world.until(lambda: on(revision), "staging to be there")
        await world.succeeded(revision, "web")
        changed = world.people.push("Change the chart", chart("registry.example/web:1.1"))
        await world.until(lambda: on(changed), "staging to be changed")
        await world.succeeded(changed, "web")
        assert [image(world, 0, name) for name in ("staged", "web")] == ["registry.example/web:1.1"] * 2


async def test_a_chart_that_fails_is_taken_back_for_all_its_users(world: World) -> None:
    """Both go back to last good; one revert commit of the chart is enough for both."""
    first = world.people.push("First", files(world))
    async with world.controller():
        for name in USERS:
            await world.succeeded(first, name)
        bad = world.people.push("Break the chart", chart(CRASHING))
        await world.until(
            lambda: {one.application for one in world.seen.of(e.RolloutReverted)} == set(USERS), "both back"
        )
        assert [image(world, 0, name) for name in USERS] == [HEALTHY] * 2
        assert world.people.tree(world.people.head()) == world.people.tree(first)
        assert len(world.people.log(f"{bad}..{world.people.head()}")) == 1


async def test_a_broken_chart_holds_up_its_users_and_nobody_else(world: World) -> None:
    """The sentence has the line of the template that is wrong."""
    first = world.people.push("First", files(world))
    async with world.controller():
        for name in (*USERS, "api"):
            await world.succeeded(first, name)
        broken = TEMPLATE.replace("{{ .Values.replicas }}", '{{ (lookup "v1" "Secret" "a" "b").data }}')
        changes = {
            f"{CHART}/templates/deployment.yaml": broken,
            world.path("api"): config_map("api", version="2"),
        }
        second = world.people.push("Break", changes)
        await world.succeeded(second, "api")
        for name in USERS:
            await world.told(
                f"{name} cannot be rolled out",
                f"{CHART}/templates/deployment.yaml:6:17",
                "lookup is refused: a render must not depend on the cluster",
            )
    assert {name: world.successes(name) for name in (*USERS, "api")} == {"web": 1, "shop": 1, "api": 2}


async def test_drift_of_what_a_chart_made_is_put_back(world: World) -> None:
    first = world.people.push("First", {**files(world), **world.environment_file(drift="Correct")})
    async with world.controller() as controller:
        await world.succeeded(first, "shop")
        loop = controller.repositories[0].loops[world.environment]
        await world.until(lambda: loop._drift.synced, "everything to be watched")
        path = f"/apis/apps/v1/namespaces/{world.namespace}/deployments/shop?fieldManager=kubectl-edit"
        world.planes[0].api.patch(path, {"spec": {"replicas": 5}})
        await world.until(lambda: world.seen.of(e.DriftCorrected), "a correction")
        assert replicas(world, 0, "shop") == 1


def annotated(world: World, index: int, name: str) -> dict[str, str]:
    """What the values and the template say in a Deployment."""
    found = live(world, index, name)["spec"]["template"]["metadata"]["annotations"]
    return {key: str(found[key]) for key in ("place", "shell")}


def replicas(world: World, index: int, name: str) -> int:
    """How many are wanted."""
    return int(live(world, index, name)["spec"]["replicas"])


def image(world: World, index: int, name: str) -> str:
    """What one cluster runs."""
    return str(live(world, index, name)["spec"]["template"]["spec"]["containers"][0]["image"])


def version(world: World, index: int, kind_and_name: str) -> str:
    """What was written last: its generation, and for a ConfigMap its version."""
    group = "v1" if kind_and_name.startswith("configmaps") else "apps/v1"
    metadata = world.live(index, f"{group}/{kind_and_name}")["metadata"]
    return str(metadata.get("generation") or metadata["resourceVersion"])


def live(world: World, index: int, name: str) -> Any:
    """A Deployment on one plane."""
    return world.live(index, f"apps/v1/deployments/{name}")

"""Applications whose charts are in a registry: rolled out by digest, and waiting where it does not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controllers.rollout import wishes
from gitops.rollout import events as e
from tests import tools
from tests.cluster.registries import DockerRegistry, packed, push
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, World, config_map

TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-settings}
data: {colour: {{ required "a colour, please" .Values.colour }}, place: {{ .Values.place | quote }}}
"""


@pytest.fixture
def world(
    clusters: tuple[Plane, ...], namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    """Two clusters, two waves, Helm on the PATH."""
    tools.put_on_path(monkeypatch)
    return World(People(tmp_path), clusters[:2], namespace, tmp_path, "production")


@pytest.fixture
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A registry that runs."""
    running = DockerRegistry(tmp_path_factory.mktemp("registry"))
    yield running
    running.stop()


def chart(version: str, template: str = TEMPLATE) -> bytes:
    return packed(
        "web",
        {
            "Chart.yaml": f"apiVersion: v2\nname: web\nversion: {version}\n",
            "values.yaml": "colour: green\nplace: nowhere\n",
            "templates/settings.yaml": template,
            ".helmignore": "templates/\n",
        },
    )


def application(registry: DockerRegistry, digest: str, **helm: Any) -> str:
    body = {"chart": f"oci://{registry.host}/team/web:latest@{digest}", "values": {"place": "${cluster}"}}
    head = "apiVersion: gitops-waves.io/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec:\n"
    return f"{head}  helm: {json.dumps({**body, **helm})}\n"


def files(world: World, registry: DockerRegistry, digest: str) -> dict[str, str | None]:
    clusters = {
        path: f"{text}spec: {{kubernetesVersion: '1.37'}}\n" for path, text in world.clusters().items()
    }
    return {
        **clusters,
        **world.environment_file(),
        world.path("web", "application.yaml"): application(registry, digest),
        world.path("api"): config_map("api", version="1"),
    }


def configured(registry: DockerRegistry) -> dict[str, Any]:
    return {"registries": [{"host": registry.host, "plainHttp": True}]}


def colour(world: World, index: int) -> object:
    return world.live(index, "v1/configmaps/web-settings")["data"]["colour"]


async def test_a_chart_rolls_out_by_its_digest(world: World, registry: DockerRegistry) -> None:
    """Another digest is another rollout; a tag, and the same digest elsewhere, are none."""
    digest = push(registry, "team/web", chart("1.0.0"))
    first = world.people.push("First", files(world, registry, digest))
    async with world.controller(**configured(registry)):
        await world.succeeded(first, "web")
        for index, plane in enumerate(world.planes):
            assert world.live(index, "v1/configmaps/web-settings")["data"] == {
                "colour": "green",
                "place": plane.name,
            }
        push(registry, "mirror/web", chart("1.0.0"))
        same = application(registry, digest).replace("team/web:latest", "mirror/web:other")
        world.people.push("Name it otherwise", {world.path("web", "application.yaml"): same})
        newer = push(registry, "team/web", chart("1.1.0", TEMPLATE.replace("colour: {{", "colour: dark-{{")))
        second = world.people.push(
            "Upgrade", {world.path("web", "application.yaml"): application(registry, newer)}
        )
        await world.succeeded(second, "web")
        assert [colour(world, index) for index in (0, 1)] == ["dark-green", "dark-green"]
    assert [one.revision for one in world.seen.of(e.RolloutStarted, "web")] == [first, second]


async def test_a_registry_that_is_down_holds_up_what_needs_it_and_refuses_nothing(
    world: World, registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was fetched before renders without it, after a restart too; a new chart waits for it."""
    digest = push(registry, "team/web", chart("1.0.0"))
    newer = push(registry, "team/web", chart("1.1.0", TEMPLATE.replace("colour: {{", "colour: dark-{{")))
    first = world.people.push("First", files(world, registry, digest))
    async with world.controller(**configured(registry)):
        await world.succeeded(first, "web")
    registry.stop()
    monkeypatch.setattr(wishes, "_UNABLE_SECONDS", 1.0)
    async with world.controller(renderCache={"mebibytes": 0}, **configured(registry)):
        red = application(registry, digest, values={"colour": "red"})
        second = world.people.push("Other values", {world.path("web", "application.yaml"): red})
        await world.succeeded(second, "web")
        third = world.people.push(
            "Another chart",
            {
                world.path("web", "application.yaml"): application(registry, newer),
                world.path("api"): config_map("api", version="2"),
            },
        )
        await world.succeeded(third, "api")
        await world.told("web waits for what its manifests are made of", registry.host, "connection refused")
        assert colour(world, 1) == "red"
        registry.start()
        await world.succeeded(third, "web")
        assert colour(world, 1) == "dark-green"
    assert world.seen.of(e.RevisionRefused) == []


async def test_a_chart_of_a_registry_that_nobody_configured_is_refused(
    world: World, registry: DockerRegistry
) -> None:
    """At the line that names it; nothing is asked of that host. A bad template is named in the chart."""
    digest = push(registry, "team/web", chart("1.0.0"))
    first = world.people.push("First", files(world, registry, digest))
    async with world.controller(registries=[{"host": "registry.example"}]):
        await world.succeeded(first, "api")
        line = f"{world.path('web', 'application.yaml')}:5:"
        await world.told("web cannot be rolled out", line, f"{registry.host} is none of them")
    async with world.controller(**configured(registry)):
        none = application(registry, digest, values={"colour": None})
        world.people.push("Break", {world.path("web", "application.yaml"): none})
        place = f"oci://{registry.host}/team/web@{digest}/templates/settings.yaml:4:"
        await world.told(
            "web cannot be rolled out", place, "a colour, please", "(for environments/production/web)"
        )

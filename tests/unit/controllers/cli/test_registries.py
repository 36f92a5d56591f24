"""What commands say of charts in registries: with the operator's configuration, without, and in silence."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tools
from tests.cluster.registries import PASSWORD, USER, FakeRegistry, packed, push
from tests.unit.controllers.cli.conftest import CLUSTERS, Gitops, Shop

APP = "environments/production/shelf"
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: shelf\nversion: 1.0.0\n",
    "templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shelf}\ndata: {a: b}\n",
}


@pytest.fixture(scope="module")
def helm() -> Path:
    """Where helm is; found before commands get a home of their own."""
    return tools.folder()


@pytest.fixture
def fake(helm: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    """A registry with a chart, which the shop has an application of."""
    monkeypatch.setenv("PATH", f"{helm}{os.pathsep}{os.environ['PATH']}")
    registry = FakeRegistry(login=True)
    chart = f"oci://{registry.host}/shelf@{push(registry, 'shelf', packed('shelf', CHART))}"
    shop.commit(
        "Add a shelf",
        {
            "clusters/all.yaml": CLUSTERS.replace("}}\n", "}}\nspec: {kubernetesVersion: 1.37.2}\n"),
            f"{APP}/application.yaml": "apiVersion: gitops-waves.io/v1alpha1\nkind: Application\n"
            f"metadata: {{name: shelf}}\nspec:\n  helm:\n    chart: {chart}\n",
        },
    )
    registry.seen.clear()
    yield registry
    registry.stop()


@pytest.fixture
def config(shop: Shop, fake: FakeRegistry, tmp_path: Path) -> str:
    """The operator's configuration."""
    (tmp_path / "password").write_text(PASSWORD)
    login = {"username": USER, "passwordFile": str(tmp_path / "password")}
    body = {
        "apiVersion": "gitops-waves.io/v1alpha1",
        "kind": "Controller",
        "repositories": [{"name": "shop", "url": str(shop.path)}],
        "stateDirectory": str(tmp_path / "state"),
        "registries": [{"host": fake.host, "plainHttp": True, **login}],
    }
    place = tmp_path / "controller.yaml"
    place.write_text(json.dumps(body))
    return str(place)


def test_lint_fetches_charts_where_the_configuration_says(
    gitops: Gitops, fake: FakeRegistry, config: str
) -> None:
    """Of the folder and of a commit; what was fetched is kept beside the controller's own state."""
    assert "3 applications: no problems" in gitops("lint", "--config", config).stdout
    fake.stop()
    assert "3 applications: no problems" in gitops("lint", "--rev", "HEAD", "--config", config).stdout


def test_lint_without_the_configuration_says_what_it_needs(gitops: Gitops, fake: FakeRegistry) -> None:
    found = json.loads(gitops("lint", "-o", "json", code=1).stdout)
    (problem,) = found["problems"]
    assert problem == {
        "path": f"{APP}/application.yaml",
        "line": 6,
        "column": 12,
        "message": f"charts of {fake.host} need the controller's configuration: --config",
    }
    assert fake.seen == []


def test_render_prints_a_chart_of_a_registry(gitops: Gitops, config: str) -> None:
    found = gitops("render", "production", "--application", "shelf", "--config", config, "-o", "json")
    targets = json.loads(found.stdout)["targets"]
    assert [one["objects"][0]["data"] for one in targets] == [{"a": "b"}] * 2


@pytest.mark.parametrize("command", ["lint", "render", "plan"])
def test_a_registry_that_does_not_answer_is_named(
    gitops: Gitops, fake: FakeRegistry, config: str, command: str
) -> None:
    """And holds up nothing else."""
    fake.stop()
    words = {"lint": ["lint"], "render": ["render", "production"], "plan": ["plan", "HEAD"]}[command]
    found = gitops(*words, "--config", config, code=1)
    assert f"registry {fake.host}: connection refused" in found.output
    if command == "render":
        assert "name: web" in found.stdout


def test_what_waits_is_told_of_applications_not_of_what_this_machine_lacks(
    gitops: Gitops, fake: FakeRegistry
) -> None:
    told = gitops("explain", "production/shelf").stdout
    assert "is about to roll out" in told
    assert fake.seen == []

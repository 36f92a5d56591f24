"""Charts in a registry: the same comes of them as of their folders, and nothing is looked for elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controllers.adapters.kube.patience import Patience
from controllers.adapters.oci import Puller, Registry
from controllers.source.charts import Charts as RegistryCharts
from gitops.errors import InvalidInput, TransientError
from gitops.model.targets import Target
from gitops.render import target_digest
from tests import tools
from tests.cluster.registries import FakeRegistry, packed, push
from tests.unit.controllers.source.charts import APP, CASES, NAMES, Charts

HEAD = "apiVersion: gitops-waves.io/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec:\n"
PLAIN = [name for name in NAMES if not (CASES / name / APP / "application.yaml").exists()]
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "templates/config.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"
        'data: {colour: {{ required "which colour?" .Values.colour | quote }}}\n'
    ),
}


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    registry = FakeRegistry()
    yield registry
    registry.stop()


@pytest.fixture
def shop(fake: FakeRegistry, tmp_path: Path) -> Charts:
    """A repository, whose controller knows the registry."""
    known = RegistryCharts(
        [Registry(fake.host, plain_http=True)], puller=Puller(Patience(attempt=20.0, total=0.0))
    )
    return Charts(tmp_path, registries=known)


def using(chart: str, **helm: Any) -> dict[str, str | bytes | None]:
    body = json.dumps({"chart": chart, **helm})
    return {f"{APP}/application.yaml": f"{HEAD}  helm: {body}\n"}


def packaged(folder: Path, destination: Path) -> bytes:
    """What `helm package` makes of a chart's folder."""
    command: list[str | Path] = [tools.folder() / "helm", "package", folder, "--destination", destination]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    (archive,) = destination.glob("*.tgz")
    return archive.read_bytes()


@pytest.mark.parametrize("case", PLAIN)
def test_a_chart_that_was_pushed_makes_what_its_folder_makes(
    case: str, shop: Charts, fake: FakeRegistry, tmp_path: Path
) -> None:
    expected = {at: shop.manifests(shop.take(CASES / case), at) for at in ("eu-1", "us-1")}
    digest = push(fake, "web", packaged(shop.people.path / APP, tmp_path))
    shutil.rmtree(shop.people.path / APP)
    revision = shop.commit(using(f"oci://{fake.host}/web@{digest}"))
    for at, manifests in expected.items():
        found = [one.body for one in shop.manifests(revision, at)]
        assert found == [one.body for one in manifests]


def test_a_chart_of_a_registry_takes_the_repositorys_values(shop: Charts, fake: FakeRegistry) -> None:
    chart = f"oci://{fake.host}/web@{push(fake, 'web', packed('web', CHART))}"
    values = {"environments/values.yaml": "colour: ${cluster}\n"}
    revision = shop.commit({**using(chart, valuesFiles=["../../values.yaml"]), **values})
    (found,) = shop.manifests(revision)
    assert found.body["data"] == {"colour": "eu-1"}
    assert found.source.path == f"{chart}/templates/config.yaml"


def refusal(shop: Charts, files: dict[str, str | bytes | None]) -> str:
    with pytest.raises(InvalidInput) as raised:
        shop.manifests(shop.commit(files))
    return str(raised.value)


def test_what_is_wrong_with_the_reference_is_told_at_its_line(shop: Charts, fake: FakeRegistry) -> None:
    at = f"{APP}/application.yaml:5:"
    assert "add @sha256:" in refusal(shop, using(f"oci://{fake.host}/web:1.0.0"))
    assert refusal(shop, using(f"oci://{fake.host}/web:1.0.0")).startswith(at)
    elsewhere = refusal(shop, using(f"oci://registry.example/web@sha256:{'0' * 64}"))
    assert elsewhere.startswith(at)
    assert "registry.example is none of them" in elsewhere
    bad = push(fake, "web", packed("web", {"../x": "x"}))
    unsafe = refusal(shop, using(f"oci://{fake.host}/web@{bad}"))
    assert unsafe.startswith(at)
    assert "web/../x: a path with '..'" in unsafe


def test_what_is_wrong_in_the_chart_is_told_in_the_chart(shop: Charts, fake: FakeRegistry) -> None:
    chart = f"oci://{fake.host}/web@{push(fake, 'web', packed('web', CHART))}"
    said = refusal(shop, using(chart))
    assert said.startswith(f"{chart}/templates/config.yaml:4:")
    assert said.endswith(f"which colour? (for {APP})")
    looking = {**CHART, "templates/config.yaml": '{{ lookup "v1" "Secret" "kube-system" "key" }}'}
    chart = f"oci://{fake.host}/web@{push(fake, 'web', packed('web', looking))}"
    assert "lookup is refused" in refusal(shop, using(chart))


def test_a_registry_that_is_silent_is_no_problem_of_the_commit(shop: Charts, fake: FakeRegistry) -> None:
    chart = f"oci://{fake.host}/web@{push(fake, 'web', packed('web', CHART))}"
    fake.stop()
    revision = shop.commit(using(chart, values={"colour": "red"}))
    with pytest.raises(TransientError, match="connection refused"):
        shop.manifests(revision)


def test_the_digest_is_the_input_whatever_it_is_called(shop: Charts) -> None:
    def inputs(chart: str) -> str:
        catalog = shop.revisions.catalog(shop.commit(using(chart)))
        source = catalog.environments["shop"]
        at = Target("eu-1", "shop")
        return target_digest(source, source.applications["web"], at, catalog.clusters["eu-1"])

    first, second = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
    known = inputs(f"oci://registry.example/web:1.0@{first}")
    assert inputs(f"oci://registry.example/web:1.1@{first}") == known
    assert inputs(f"oci://mirror.example:5000/team/web@{first}") == known
    assert inputs(f"oci://registry.example/web:1.0@{second}") != known

"""The example repository: without a problem, complete, and as its own comments tell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from gitops.lint import lint
from gitops.model.catalog import ApplicationSource, Catalog, EnvironmentSource, build
from gitops.model.targets import Target, targets_of
from gitops.objects import Manifest
from gitops.waves import assign
from tests.plain import plain_documents, render

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "example-repo"
APPLICATIONS = ["api", "catalog", "database", "node-agent", "reports", "web"]
KINDS = {
    "ConfigMap",
    "CronJob",
    "CustomResourceDefinition",
    "DaemonSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Ingress",
    "Job",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Product",
    "Secret",
    "Service",
    "ServiceAccount",
    "StatefulSet",
}
_SCHEMA_LINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    """Every file, by path."""
    paths = (path for path in EXAMPLE.rglob("*") if path.is_file())
    return {path.relative_to(EXAMPLE).as_posix(): path.read_bytes() for path in sorted(paths)}


@pytest.fixture(scope="module")
def catalog(contents: dict[str, bytes]) -> Catalog:
    """What the repository says."""
    return build({path: f"{number:040x}" for number, path in enumerate(contents)}, contents)


def environment(catalog: Catalog, name: str) -> EnvironmentSource:
    """Give an environment that can be used."""
    found = catalog.environments[name]
    assert found.spec is not None
    return found


def rendered(
    catalog: Catalog, contents: dict[str, bytes], name: str, cluster: str
) -> dict[tuple[str, str], Manifest]:
    """Give everything of an environment on one cluster, by kind and name."""
    source = environment(catalog, name)
    found: dict[tuple[str, str], Manifest] = {}
    for application in source.applications.values():
        target = Target(cluster, "shop")
        for manifest in render(source, application, target, catalog.clusters[cluster], contents):
            found[manifest.kind, str(manifest.metadata["name"])] = manifest
    return found


def test_lint_finds_nothing(catalog: Catalog, contents: dict[str, bytes]) -> None:
    assert [str(problem) for problem in lint(catalog, plain_documents(contents))] == []


@pytest.mark.parametrize("name", ["staging", "production"])
def test_both_environments_have_the_six_applications(catalog: Catalog, name: str) -> None:
    assert sorted(environment(catalog, name).applications) == APPLICATIONS


def test_there_are_five_clusters_with_a_ring_and_a_region(catalog: Catalog) -> None:
    assert len(catalog.clusters) == 5
    for cluster in catalog.clusters.values():
        assert {"stage", "ring", "region"} <= cluster.metadata.labels.keys()


def test_production_goes_from_the_canary_over_one_region_to_the_rest(catalog: Catalog) -> None:
    spec = environment(catalog, "production").spec
    assert spec is not None
    waves = assign(spec.waves, targets_of(spec, catalog.clusters), catalog.clusters)
    assert [(wave.name, [target.cluster for target in wave.targets]) for wave in waves] == [
        ("canary", ["canary"]),
        ("europe", ["eu-west"]),
        ("rest", ["ap-south", "us-east"]),
    ]


def test_no_cluster_is_in_both_environments(catalog: Catalog) -> None:
    """Cluster-scoped objects, such as the catalog's definition, have one owner on a cluster."""
    clusters = []
    for name in ("staging", "production"):
        spec = environment(catalog, name).spec
        assert spec is not None
        clusters += [target.cluster for target in targets_of(spec, catalog.clusters)]
    assert sorted(clusters) == sorted(catalog.clusters)


def test_the_shop_has_every_kind_that_it_shall_show(catalog: Catalog, contents: dict[str, bytes]) -> None:
    assert {kind for kind, _ in rendered(catalog, contents, "production", "canary")} == KINDS


def test_staging_and_production_differ_in_environment_yaml_alone(contents: dict[str, bytes]) -> None:
    """So copying an application's folder promotes it, as the comment in staging says."""

    def folders(name: str) -> dict[str, bytes]:
        start = f"environments/{name}/"
        files = {path.removeprefix(start): data for path, data in contents.items() if path.startswith(start)}
        del files["environment.yaml"]
        return files

    assert folders("staging") == folders("production")


def test_nothing_sets_replicas_where_an_autoscaler_does(catalog: Catalog, contents: dict[str, bytes]) -> None:
    found = rendered(catalog, contents, "production", "canary")
    scaled = found["HorizontalPodAutoscaler", "web"].body["spec"]["scaleTargetRef"]
    assert "replicas" not in found[scaled["kind"], scaled["name"]].body["spec"]


@pytest.mark.parametrize(
    ("cluster", "url", "currency", "most"),
    [
        ("canary", "https://canary.shop.example", "EUR", 6),
        ("eu-west", "https://eu-west.shop.example", "EUR", 6),
        ("us-east", "https://us-east.shop.example", "USD", 12),
        ("ap-south", "https://ap-south.shop.example", "INR", 6),
    ],
)
def test_clusters_of_production_differ_where_the_overrides_say(
    catalog: Catalog, contents: dict[str, bytes], cluster: str, url: str, currency: str, most: int
) -> None:
    found = rendered(catalog, contents, "production", cluster)
    config = found["ConfigMap", "web"].body["data"]
    assert (config["PUBLIC_URL"], config["CURRENCY"], config["SERVED_FROM"]) == (url, currency, cluster)
    assert found["HorizontalPodAutoscaler", "web"].body["spec"]["maxReplicas"] == most


def test_staging_runs_one_replica_of_each(catalog: Catalog, contents: dict[str, bytes]) -> None:
    found = rendered(catalog, contents, "staging", "staging")
    assert [found["Deployment", name].body["spec"]["replicas"] for name in ("api", "catalog")] == [1, 1]
    assert found["HorizontalPodAutoscaler", "web"].body["spec"]["minReplicas"] == 1


def test_every_file_of_ours_names_its_schema(contents: dict[str, bytes]) -> None:
    """Editors complete and check what people write by the first line of the file."""
    seen = set()
    for path, data in contents.items():
        if not path.endswith(".yaml"):
            continue
        body = next(iter(yaml.safe_load_all(data)))
        if not body["apiVersion"].startswith("gitops-waves.io/"):
            continue
        written = _SCHEMA_LINE.fullmatch(data.decode().splitlines()[0])
        assert written, path
        schema = (EXAMPLE / path).parent.joinpath(written[1]).resolve()
        assert schema == ROOT / "schemas" / f"{body['kind'].lower()}.schema.json"
        assert schema.is_file()
        seen.add(body["kind"])
    assert seen == {"Application", "Cluster", "Environment", "Repository"}


def test_no_application_has_a_problem_of_its_own(catalog: Catalog) -> None:
    """What lint cannot judge because a file is broken is not judged: so nothing may be broken."""
    applications: list[ApplicationSource] = []
    for source in catalog.environments.values():
        applications += source.applications.values()
    assert [one.name for one in applications if one.problems] == []

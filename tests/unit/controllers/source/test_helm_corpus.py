"""Each case in tests/cases/helm: what would be applied is what helm itself prints, on both clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitops.render import parse_output
from tests.unit.controllers.source import charts, kustomizations
from tests.unit.controllers.source.charts import CASES, CLUSTERS, NAMES, Charts


@pytest.mark.parametrize("case", NAMES)
def test_the_objects_are_those_that_the_real_tool_prints(case: str, tmp_path: Path) -> None:
    repository = Charts(tmp_path)
    revision = repository.take(CASES / case)
    for cluster in CLUSTERS:
        found = repository.manifests(revision, cluster)
        assert [manifest.body for manifest in found] == printed(CASES / case, cluster), cluster
        assert found or case == "empty"
        assert all((repository.people.path / manifest.source.path).is_file() for manifest in found)
    assert repository.lint() == ""
    assert list(repository.sandboxes.iterdir()) == []


def test_the_corpus_is_large_enough() -> None:
    """Forty kustomizations and charts were promised."""
    assert len(kustomizations.NAMES) >= 20
    assert len(NAMES) >= 20
    assert len(kustomizations.NAMES) + len(NAMES) >= 50


def test_a_missing_file_of_a_chart_is_missed(tmp_path: Path) -> None:
    """A comparison that would hold without half of the chart would compare nothing."""
    repository = Charts(tmp_path)
    repository.take(CASES / "subcharts")
    missing = "charts/shop/charts/cache/charts/deeper/templates/config.yaml"
    revision = repository.commit({missing: None})
    found = [manifest.body for manifest in repository.manifests(revision)]
    assert len(found) < len(printed(CASES / "subcharts", "eu-1"))


def test_the_inputs_are_the_chart_and_the_values_that_are_named(tmp_path: Path) -> None:
    """Other files of the repository, and of the application's own folder, are none."""
    repository = Charts(tmp_path)
    revision = repository.take(CASES / "values-files")
    application = repository.revisions.catalog(revision).environments["shop"].applications["web"]
    assert {file.path for file in application.files} == {
        "charts/web/Chart.yaml",
        "charts/web/templates/config.yaml",
        "charts/web/values.yaml",
        "environments/shop/web/values.yaml",
        "values/common.yaml",
        "values/us.yaml",
    }


def printed(case: Path, cluster: str) -> list[dict[str, Any]]:
    """The objects that helm prints, with what it means by `keep` said in our words."""
    documents = parse_output("", charts.real_helm(case, cluster))
    return [translated(body) for document in documents for body in flattened(document.value)]


def flattened(value: Any) -> Iterator[dict[str, Any]]:
    if value and value["kind"].endswith("List"):
        yield from value["items"]
    elif value:
        yield value


def translated(body: dict[str, Any]) -> dict[str, Any]:
    annotations = body["metadata"].get("annotations") or {}
    if annotations.get("helm.sh/resource-policy") == "keep":
        annotations["gitops-waves.io/prune"] = "disabled"
    return body

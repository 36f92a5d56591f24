"""What a chart's render reads: the chart as a whole, values, versions; and whom a commit to them concerns."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.model.targets import Target
from gitops.render import target_digest
from tests.unit.controllers.rollout.shop import CLUSTERS, Shop, config_map

CHART = "charts/web"
VERSIONED = CLUSTERS.replace("ring: canary}}\n", "ring: canary}}\nspec: {kubernetesVersion: 1.37.2}\n")
VERSIONED += "spec: {kubernetesVersion: 1.36.1}\n"
APPLICATION = """\
apiVersion: gitops-waves.io/v1alpha1
kind: Application
metadata: {{name: {name}}}
spec:
  helm:
    chart: {chart}
    valuesFiles: [../../../values/all.yaml]
    overrides:
      - clusterSelector: {{matchLabels: {{ring: canary}}}}
        valuesFiles: [../../../values/canary.yaml]
"""
APPLICATIONS = ("one", "two", "alone", "web")


def app(name: str, file: str = "application.yaml") -> str:
    return f"environments/production/{name}/{file}"


def using(name: str, chart: str = f"../../../{CHART}") -> str:
    return APPLICATION.format(name=name, chart=chart)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Two applications with one chart, one that is a chart itself, and plain ones."""
    shop = Shop(tmp_path)
    shop.first = shop.commit(
        "Use Helm",
        {
            "clusters/all.yaml": VERSIONED,
            f"{CHART}/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
            f"{CHART}/templates/config.yaml": config_map("web"),
            "values/all.yaml": "a: b\n",
            "values/canary.yaml": "a: c\n",
            app("one"): using("one"),
            app("two"): using("two"),
            app("alone", "Chart.yaml"): "apiVersion: v2\nname: alone\nversion: 1.0.0\n",
            app("alone", "templates/config.yaml"): config_map("alone"),
        },
    )
    return shop


def changed(shop: Shop, revision: str, before: str = "") -> set[str]:
    """Names of the applications whose inputs differ."""
    then = before or shop.first
    return {name for name in APPLICATIONS if shop.digest(then, name) != shop.digest(revision, name)}


def problems(shop: Shop, revision: str, name: str = "one") -> list[str]:
    found = shop.catalog(revision).environments["production"].applications[name]
    return [str(problem) for problem in found.problems]


@pytest.mark.parametrize(
    ("files", "concerned"),
    [
        ({f"{CHART}/templates/config.yaml": config_map("web", "two")}, {"one", "two"}),
        ({f"{CHART}/templates/deeper/more.yaml": config_map("more")}, {"one", "two"}),
        ({f"{CHART}/README.md": "read me\n"}, {"one", "two"}),
        ({f"{CHART}/templates/config.yaml": None}, {"one", "two"}),
        ({"charts/other/Chart.yaml": "name: other\n", "charts/webs": "no chart\n"}, set()),
        ({"values/all.yaml": "a: d\n"}, {"one", "two"}),
        ({"values/canary.yaml": "a: d\n"}, {"one", "two"}),
        ({app("one", "notes.yaml"): "a: b\n"}, set()),
        ({app("alone", "values.yaml"): "a: b\n"}, {"alone"}),
        (
            {
                app(
                    "alone"
                ): "apiVersion: gitops-waves.io/v1alpha1\nkind: Application\nmetadata: {name: alone}\n"
            },
            set(),
        ),
        ({app("two"): using("two").replace("chart:", "values: {a: b}\n    chart:")}, {"two"}),
        ({app("two"): using("two").replace("chart:", "releaseName: zwei\n    chart:")}, {"two"}),
        ({app("two"): using("two").replace("chart:", "hooks: Skip\n    chart:")}, {"two"}),
        ({"clusters/all.yaml": VERSIONED.replace("1.36.1", "1.36.2")}, {"one", "two", "alone"}),
        (
            {"clusters/all.yaml": VERSIONED.replace("1.36.1", "1.36.1, apiVersions: [a.example/v1]")},
            {"one", "two", "alone"},
        ),
    ],
)
def test_a_commit_concerns_whose_render_could_differ(
    files: dict[str, str | bytes | None], concerned: set[str], shop: Shop
) -> None:
    """A chart is read whole; of the folder of an application with a chart elsewhere nothing else is."""
    for name in APPLICATIONS:
        shop.digest(shop.first, name)  # so that the next revision is followed from this one
    assert changed(shop, shop.commit("Change", files)) == concerned


def test_an_override_counts_where_it_matches(shop: Shop) -> None:
    def digests(revision: str) -> dict[str, str]:
        catalog = shop.catalog(revision)
        source = catalog.environments["production"]
        return {
            cluster.name: target_digest(
                source, source.applications["one"], Target(cluster.name, "shop"), cluster
            )
            for cluster in catalog.clusters.values()
        }

    before = digests(shop.first)
    after = digests(shop.commit("Change the canary's values", {"values/canary.yaml": "a: d\n"}))
    assert {name for name in before if before[name] != after[name]} == {"eu-1"}


def test_another_chart_is_followed(shop: Shop) -> None:
    files: dict[str, str | bytes | None] = {
        "charts/new/Chart.yaml": "apiVersion: v2\nname: new\nversion: 1.0.0\n",
        app("one"): using("one", "../../../charts/new"),
    }
    moved = shop.commit("Move", files)
    assert changed(shop, moved) == {"one"}
    old = shop.commit("Change the old chart", {f"{CHART}/values.yaml": "a: b\n"})
    assert changed(shop, old, moved) == {"two"}
    new = shop.commit("Change the new one", {"charts/new/values.yaml": "a: b\n"})
    assert changed(shop, new, old) == {"one"}


def test_a_chart_behind_a_symlink_is_found_at_its_place(shop: Shop) -> None:
    (shop.people.path / "charts/current").symlink_to("web")
    linked = shop.commit("Link", {app("one"): using("one", "../../../charts/current")})
    assert problems(shop, linked) == []
    assert changed(shop, shop.commit("Change", {f"{CHART}/values.yaml": "a: b\n"}), linked) == {"one", "two"}


@pytest.mark.parametrize(
    ("chart", "expected"),
    [
        ("../../../charts/none", "6:12: there is no charts/none in the repository"),
        ("../../../../web", "6:12: this path leads out of the repository"),
        ("../../..", "6:12: the whole repository is no chart: put it into a folder"),
        ("../../../charts", "6:12: there is no Chart.yaml in charts"),
        (f"../../../{CHART}/Chart.yaml", "6:12: a chart is a folder with a Chart.yaml: this is a file"),
        ("/etc", "6:12: an absolute path is refused: write it from this folder"),
        ("https://example.org/chart", "6:12: only paths of this repository are read"),
    ],
)
def test_a_chart_that_is_none_is_told_where_it_is_named(chart: str, expected: str, shop: Shop) -> None:
    revision = shop.commit("Break", {app("one"): using("one", chart)})
    assert [one.startswith(f"{app('one')}:{expected}") for one in problems(shop, revision)] == [True]
    assert problems(shop, revision, "two") == []
    mended = shop.commit("Mend", {app("one"): using("one")})
    assert problems(shop, mended) == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("../../../values/none.yaml", "there is no values/none.yaml in the repository"),
        ("../../../values", "this is a folder: name the files in it"),
        ("../../../../values.yaml", "this path leads out of the repository"),
    ],
)
def test_values_that_are_none_are_told_where_they_are_named(path: str, expected: str, shop: Shop) -> None:
    for old in ("../../../values/all.yaml", "../../../values/canary.yaml"):
        revision = shop.commit("Break", {app("one"): using("one").replace(old, path)})
        (problem,) = problems(shop, revision)
        assert problem.endswith(expected)
        assert problem.startswith(app("one"))


def test_a_symlink_in_a_chart_is_refused_for_all_who_use_it(shop: Shop) -> None:
    (shop.people.path / CHART / "templates/link.yaml").symlink_to("config.yaml")
    revision = shop.commit("Link", {})
    refused = [f"{CHART}/templates/link.yaml: a symlink in a chart is refused: commit the files themselves"]
    assert problems(shop, revision, "one") == problems(shop, revision, "two") == refused
    assert problems(shop, revision, "alone") == []


def test_a_chart_and_a_kustomization_in_one_folder_are_refused(shop: Shop) -> None:
    revision = shop.commit("Mix", {app("alone", "kustomization.yaml"): "resources: []\n"})
    (problem,) = problems(shop, revision, "alone")
    assert problem.startswith(f"{app('alone', 'kustomization.yaml')}: Kustomize and Helm in one folder")

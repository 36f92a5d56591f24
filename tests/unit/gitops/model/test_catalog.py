"""What a revision's catalog holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from gitops.model.catalog import Catalog
from gitops.model.kinds import DriftMode, FailurePolicy, RevertPush

GOOD = Path(__file__).parents[3] / "cases" / "lint" / "good" / "repo"
REPOSITORY = "apiVersion: gitops-waves.io/v1alpha1\nkind: Repository\nmetadata: {name: r}\nspec:\n"


@pytest.fixture
def files(files_below: Callable[[Path], dict[str, bytes]]) -> dict[str, bytes]:
    return files_below(GOOD)


CatalogOf = Callable[[Mapping[str, bytes]], Catalog]


def test_an_application_is_a_folder_with_its_files_sorted(
    files: dict[str, bytes], catalog_of: CatalogOf
) -> None:
    """Hidden files, other files and application.yaml are no manifests."""
    shop = catalog_of(files).environments["shop"]
    assert list(shop.applications) == ["api", "web"]
    assert [file.path for file in shop.applications["api"].files] == [
        "environments/shop/api/deep/down/objects.yml",
        "environments/shop/api/more.json",
    ]
    assert [file.path for file in shop.applications["web"].files] == ["environments/shop/web/config.yaml"]
    assert shop.applications["web"].path == "environments/shop/web"


def test_repository_defaults_fill_what_is_unwritten(files: dict[str, bytes], catalog_of: CatalogOf) -> None:
    spec = catalog_of(files).environments["shop"].spec
    assert spec is not None
    assert spec.drift is DriftMode.CORRECT
    assert (spec.on_failure.action, spec.on_failure.push) == (FailurePolicy.REVERT, RevertPush.NONE)


def test_what_the_environment_writes_wins_field_by_field(
    files: dict[str, bytes], catalog_of: CatalogOf
) -> None:
    path = "environments/shop/environment.yaml"
    files[path] += b"  drift: Ignore\n  onFailure: {action: Halt}\n"
    spec = catalog_of(files).environments["shop"].spec
    assert spec is not None
    assert spec.drift is DriftMode.IGNORE
    assert (spec.on_failure.action, spec.on_failure.push) == (FailurePolicy.HALT, RevertPush.NONE)
    assert spec.waves[0].soak == timedelta(0)


def test_foreign_fields_have_a_default_of_the_repository_too(
    files: dict[str, bytes], catalog_of: CatalogOf
) -> None:
    files["gitops.yaml"] = (
        REPOSITORY + "  foreignFields: {exclusive: true, allowedManagers: [mesh]}\n"
    ).encode()
    path = "environments/shop/environment.yaml"
    files[path] += b"  foreignFields: {allowedManagers: [our-tool]}\n"
    spec = catalog_of(files).environments["shop"].spec
    assert spec is not None
    assert spec.foreign_fields.exclusive
    assert spec.foreign_fields.allowed_managers == ("our-tool",)


def test_a_broken_repository_file_blocks_everything(files: dict[str, bytes], catalog_of: CatalogOf) -> None:
    files["gitops.yaml"] = (REPOSITORY + "  dirft: Report\n").encode()
    (problem,) = catalog_of(files).problems
    assert str(problem) == 'gitops.yaml:5:3: unknown field "dirft": did you mean "drift"?'


def test_an_application_whose_manifests_are_all_gone_is_still_there(
    files: dict[str, bytes], catalog_of: CatalogOf
) -> None:
    """Its render is empty; whether its objects may be deleted is for the prune budget to say."""
    del files["environments/shop/web/config.yaml"]
    web = catalog_of(files).environments["shop"].applications["web"]
    assert (web.files, web.problems) == ((), ())


def test_cluster_files_may_hold_several_clusters(files: dict[str, bytes], catalog_of: CatalogOf) -> None:
    files["clusters/eu.yaml"] += b"---\n" + files["clusters/eu.yaml"].replace(b"name: eu", b"name: eu-two")
    assert sorted(catalog_of(files).clusters) == ["eu", "eu-two", "us"]


def test_an_empty_repository_says_so(catalog_of: CatalogOf) -> None:
    (problem,) = catalog_of({}).problems
    assert "no environment" in problem.message


@pytest.mark.parametrize(
    ("names", "renderer", "words"),
    [
        (("a.yaml",), "plain", ""),
        (("kustomization.yaml", "base/kustomization.yaml", "base/Chart.yaml"), "Kustomize", ""),
        (("kustomization.yml",), "Kustomize", ""),
        (("Kustomization",), "Kustomize", ""),
        (("Chart.yaml",), "Helm", ""),
        (("Chart.yaml", "charts/db/Chart.yaml", "base/kustomization.yaml"), "Helm", ""),
        (("Chart.yaml", "kustomization.yaml"), "Helm", "Kustomize and Helm in one folder"),
        (("a.yaml", "below/Chart.yaml"), "plain", "put Chart.yaml into environments/shop/new"),
        (
            ("a.yaml", "below/kustomization.yaml"),
            "plain",
            "put kustomization.yaml into environments/shop/new",
        ),
        (("kustomization.yaml.bak.yaml",), "plain", ""),
        ((".hidden/kustomization.yaml", "a.yaml"), "plain", ""),
    ],
)
def test_the_files_of_a_folder_tell_how_it_is_rendered(
    names: tuple[str, ...], renderer: str, words: str, files: dict[str, bytes], catalog_of: CatalogOf
) -> None:
    """Those directly in it; deeper ones are its own affair, or a mistake."""
    files |= {f"environments/shop/new/{name}": b"{}" for name in names}
    found = catalog_of(files).environments["shop"].applications["new"]
    assert found.renderer == renderer
    assert [words in problem.message for problem in found.problems] == [True] * bool(words)


def test_a_kustomization_beside_the_environment_makes_one_application_of_its_folders(
    files: dict[str, bytes], catalog_of: CatalogOf
) -> None:
    files["environments/shop/kustomization.yaml"] = b"resources: [api]"
    shop = catalog_of(files).environments["shop"]
    assert shop.problems == ()
    assert [(name, one.path, one.renderer) for name, one in shop.applications.items()] == [
        ("shop", "environments/shop", "Kustomize")
    ]

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

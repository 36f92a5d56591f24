"""Each case in tests/cases/lint: a repository, and every problem in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gitops.lint import lint
from gitops.model.catalog import Catalog
from tests.plain import plain_documents

ROOT = Path(__file__).parents[2] / "cases" / "lint"
CASES = sorted(ROOT.iterdir())

CatalogOf = Callable[[Mapping[str, bytes]], Catalog]
FilesBelow = Callable[[Path], dict[str, bytes]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_problem_is_reported(case: Path, catalog_of: CatalogOf, files_below: FilesBelow) -> None:
    files = files_below(case / "repo")
    found = lint(catalog_of(files), plain_documents(files))
    assert "".join(f"{problem}\n" for problem in found) == (case / "expected.txt").read_text()


@pytest.fixture
def good(files_below: FilesBelow) -> dict[str, bytes]:
    return files_below(ROOT / "good" / "repo")


def test_a_document_of_twenty_mebibytes_is_refused(good: dict[str, bytes], catalog_of: CatalogOf) -> None:
    path = "environments/shop/api/big.yaml"
    head = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\ndata:\n  a: "
    good[path] = head + b"x" * (20 << 20)
    (problem,) = lint(catalog_of(good), plain_documents(good))
    assert str(problem).startswith(f"{path}: the file has 209715")


def test_a_broken_application_blocks_only_itself(good: dict[str, bytes], catalog_of: CatalogOf) -> None:
    good["environments/shop/web/application.yaml"] = b"kind: ["
    catalog = catalog_of(good)
    shop = catalog.environments["shop"]
    assert shop.applications["web"].problems
    assert not [*catalog.problems, *shop.problems, *shop.applications["api"].problems]


def test_a_broken_environment_blocks_only_itself(good: dict[str, bytes], catalog_of: CatalogOf) -> None:
    good["environments/other/environment.yaml"] = b"kind: ["
    good["environments/other/x.yaml"] = b"[]"
    catalog = catalog_of(good)
    assert catalog.environments["other"].spec is None
    assert catalog.environments["other"].problems
    assert not [*catalog.problems, *catalog.environments["shop"].problems]


def test_a_broken_cluster_file_blocks_everything(good: dict[str, bytes], catalog_of: CatalogOf) -> None:
    """A target must not seem to be gone because its cluster's file cannot be read."""
    good["clusters/eu.yaml"] = b"kind: ["
    assert catalog_of(good).problems
    assert all(
        problem.location.path == "clusters/eu.yaml"
        for problem in lint(catalog_of(good), plain_documents(good))
    )


def test_no_problem_shows_a_secret(good: dict[str, bytes], catalog_of: CatalogOf) -> None:
    """Whatever is wrong near it: syntax, variables, metadata, patches."""
    canary = "c4n4ry"
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{p: {canary}}}\n"
    broken = [
        secret.replace("p:", "p: q:"),
        secret.replace(canary, f"${{{canary}}}"),
        secret.replace(canary, f"*{canary}"),
        secret.replace(canary, f"!!int {canary}"),
        secret.replace("name: s", f"name: s, uid: {canary}, labels: {{a: [{canary}]}}"),
        secret.replace("stringData", f"{canary}: ${{{canary}}}\nstringData"),
    ]
    good["environments/shop/api/application.yaml"] = b"""\
apiVersion: gitops-waves.io/v1alpha1
kind: Application
metadata: {name: api}
spec:
  patches:
    - target: {kind: Secret}
      operations: [{op: test, path: /stringData/p, value: other}]
    - target: {kind: Secret}
      operations: [{op: add, path: /stringData/p/q/r, value: other}]
    - target: {kind: Secret}
      operations: [{op: remove, path: /stringData/p/0}]
"""
    for text in [*broken, secret]:
        good["environments/shop/api/secret.yaml"] = text.encode()
        problems = "\n".join(map(str, lint(catalog_of(good), plain_documents(good))))
        assert problems
        assert canary not in problems

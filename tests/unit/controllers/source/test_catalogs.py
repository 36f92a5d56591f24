"""A catalog read from the one before is the catalog read from nothing, at the price of what differs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pygit2.enums import FileMode

from controllers.adapters.git.edit import Change, TreeItem, edit_tree
from controllers.adapters.git.listing import raw_tree
from controllers.adapters.git.tree import Kind, TreeView
from controllers.source.catalogs import CatalogReader
from gitops.errors import InvalidInput
from gitops.model import catalog as catalogs
from gitops.model.catalog import Catalog
from gitops.rollout.desired import Wish, wish
from gitops.rollout.state import ApplicationState, EnvironmentState, OnTarget

HEAD = "apiVersion: gitops-waves.io/v1alpha1\n"
ONE_WAVE = "  targets: [{clusterSelector: {}, namespace: shop}]\n  waves: [{name: all}]\n"
CONTENTS = {
    "environment.yaml": [
        f"{HEAD}kind: Environment\nmetadata: {{name: shop}}\nspec:\n{ONE_WAVE}",
        f"{HEAD}kind: Environment\nmetadata: {{name: bank}}\nspec: {{}}\n",
        "not: [an environment",
    ],
    "application.yaml": [
        f"{HEAD}kind: Application\nmetadata: {{name: web}}\nspec: {{dependsOn: [api]}}\n",
        f"{HEAD}kind: Application\nmetadata: {{name: api}}\nspec: {{dependsOn: [web]}}\n",
        "nothing",
    ],
    "cluster.yaml": [
        f"{HEAD}kind: Cluster\nmetadata: {{name: one, labels: {{ring: a}}}}\n",
        f"{HEAD}kind: Cluster\nmetadata: {{name: one, labels: {{ring: b}}}}\n",
    ],
    "gitops.yaml": [
        f"{HEAD}kind: Repository\nmetadata: {{name: it}}\nspec: {{drift: {{mode: Report}}}}\n",
        "{",
    ],
    "file.yaml": ["a: 1\n", "a: 2\n", "b: {"],
}
PATHS = [
    "gitops.yaml",
    "shared/file.yaml",
    "clusters/cluster.yaml",
    "clusters/deep/file.yaml",
    *(
        f"environments/{environment}/{path}"
        for environment in ("shop", "bank")
        for path in (
            "environment.yaml",
            "file.yaml",
            "application.yaml",
            "web/file.yaml",
            "web/application.yaml",
            "api/application.yaml",
            "api/deep/file.yaml",
            "Odd/file.yaml",
            "notes/README.md",
        )
    ),
]
GONE = ApplicationState(on={"one/shop": OnTarget(revision="1", digest="A", settled=True)})
STATES = [
    EnvironmentState(applications={"web": ApplicationState(), "gone": ApplicationState()}),
    EnvironmentState(applications={"web": ApplicationState(), "gone": GONE}),
    EnvironmentState(applications={"api": ApplicationState()}),
]
LINKS = ["../../../shared/file.yaml", "../../shared/file.yaml", "../../../clusters/cluster.yaml", "nowhere"]


def _change(path: str) -> st.SearchStrategy[tuple[str, str | None, bool]]:
    texts = CONTENTS.get(path.rpartition("/")[2], ["text"])
    written = st.tuples(st.just(path), st.sampled_from(texts), st.just(value=False))
    gone = st.tuples(st.just(path), st.none(), st.just(value=False))
    linked = st.tuples(st.just(path), st.sampled_from(LINKS), st.just(value=True))
    return st.one_of(written, written, written, gone, linked)


COMMITS = st.lists(
    st.lists(st.sampled_from(PATHS).flatmap(_change), min_size=1, max_size=12), min_size=2, max_size=6
)


class Repository:
    """Trees, each made from the one before."""

    def __init__(self, folder: Path) -> None:
        self.objects: Any = pygit2.init_repository(str(folder), bare=True)
        self.tree: str | None = None

    def change(self, files: dict[str, Change]) -> TreeView:
        """Make the next tree."""
        self.tree = edit_tree(self.objects, self.tree, files)
        return self.view()

    def view(self) -> TreeView:
        """Look at the newest tree."""
        assert self.tree is not None
        return TreeView(self.objects, threading.RLock(), self.tree)

    def oids(self, *folders: str) -> list[str]:
        """Name the trees of folders."""
        view = self.view()
        return [found.oid for folder in folders if (found := view.resolve(folder)) is not None]

    def link(self, target: str) -> TreeItem:
        """Make a symlink."""
        return TreeItem(str(self.objects.create_blob(target.encode())), FileMode.LINK)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository.git")


def from_all_files(tree: TreeView) -> Catalog:
    """Build the catalog as `gitops lint` does of a folder, from every file there is."""
    files = [one for one in tree.walk() if one.path.startswith(("clusters/", "environments/", "gitops.yaml"))]
    entries = {one.path: one.oid for one in files}
    return catalogs.build(entries, {path: tree.read(path) for path in catalogs.configuration_paths(entries)})


@given(commits=COMMITS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_catalog_read_from_the_one_before_is_the_catalog_read_from_nothing(
    repository: Repository, commits: list[list[tuple[str, str | None, bool]]]
) -> None:
    """Whatever was written, removed, linked or broken on the way, and in whatever order it is read again.

    The same holds of what is wanted of its environments.
    """
    reader = CatalogReader()
    repository.tree = None
    views: list[TreeView] = []
    wanted: dict[str, Wish] = {}
    for commit in commits:
        files: dict[str, Change] = {
            path: None if text is None else repository.link(text) if linked else text.encode()
            for path, text, linked in commit
        }
        views.append(repository.change(files))
        found = reader.read(views[-1])
        assert found == CatalogReader().read(views[-1])
        state = STATES[len(views) % len(STATES)]
        wanted = {
            name: wish(found, name, str(len(views)), state, wanted.get(name)) for name in ("shop", "bank")
        }
        assert wanted == {name: wish(found, name, str(len(views)), state) for name in ("shop", "bank")}
        if not any(one.kind is Kind.SYMLINK for one in views[-1].walk()):
            assert found == from_all_files(views[-1])
    for view in reversed(views):
        assert reader.read(view) == CatalogReader().read(view)


def shop(applications: int) -> dict[str, Change]:
    """One of two environments that are alike."""
    files: dict[str, Change] = {"clusters/one.yaml": CONTENTS["cluster.yaml"][0].encode()}
    for name in ("shop", "bank"):
        files[f"environments/{name}/environment.yaml"] = (
            CONTENTS["environment.yaml"][0].replace("name: shop", f"name: {name}").encode()
        )
        for number in range(applications):
            files[f"environments/{name}/app-{number}/file.yaml"] = f"a: {name}-{number}\n".encode()
    return files


def test_what_did_not_change_is_the_same_object(repository: Repository) -> None:
    """So that whoever derives something from it can tell at once that nothing else follows."""
    reader = CatalogReader()
    first = reader.read(repository.change(shop(3)))
    second = reader.read(repository.change({"environments/shop/app-1/file.yaml": b"a: new\n"}))
    assert second.clusters is first.clusters
    assert second.environments["bank"] is first.environments["bank"]
    before, after = (one.environments["shop"].applications for one in (first, second))
    assert [name for name in after if after[name] is not before[name]] == ["app-1"]


@pytest.mark.parametrize("applications", [3, 300])
def test_a_commit_to_one_file_has_only_the_folders_above_it_listed(
    repository: Repository, applications: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: the root, `environments`, the environment before and after, the application."""
    reader = CatalogReader()
    reader.read(repository.change(shop(applications)))
    before = repository.oids("environments/shop")
    listed: list[str] = []

    def counted(objects: Any, oid: str) -> Any:
        listed.append(str(oid))
        return raw_tree(objects, oid)

    monkeypatch.setattr("controllers.adapters.git.tree.raw_tree", counted)
    reader.read(repository.change({"environments/shop/app-1/file.yaml": b"a: new\n"}))
    after = repository.oids("", "environments", "environments/shop", "environments/shop/app-1")
    assert sorted(listed) == sorted(before + after)
    listed.clear()
    reader.read(repository.view())
    assert sorted(listed) == sorted(repository.oids("", "environments"))


def test_all_names_that_cannot_be_read_are_told_at_once(repository: Repository) -> None:
    """Whichever folder they are in; and once they are mended, all is well again."""
    reader = CatalogReader()
    reader.read(repository.change(shop(2)))
    bad: dict[str, Change] = {f"environments/{name}/app-0/a\x07b.yaml": b"" for name in ("shop", "bank")}
    with pytest.raises(InvalidInput) as refused:
        reader.read(repository.change(bad))
    assert len(refused.value.problems) == 2
    mended = repository.change(dict.fromkeys(bad))
    assert reader.read(mended) == CatalogReader().read(mended)
    assert not reader.read(mended).problems

"""`gitops lint` of a folder: what it would say of the commit that `git add --all` makes of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from typer.testing import Result

from controllers.cli import worktree
from gitops.errors import InvalidInput
from tests.unit.controllers.cli.conftest import Shop, config_map

Gitops = Callable[..., Result]
APP = "environments/production/web"
BROKEN = "kind: [\n"


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """One that ignores what people decrypt, and a folder."""
    shop.commit(
        "Ignore",
        {".gitignore": "*.dec.yaml\nvendor/\n", f"{APP}/secret.yaml": None},
    )
    return shop


def write(shop: Shop, name: str, text: str) -> Path:
    place = shop.path / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place


def test_what_is_not_committed_yet_counts(gitops: Gitops, shop: Shop) -> None:
    """Files that Git does not know, and changes to those that it does."""
    write(shop, f"{APP}/new.yaml", BROKEN)
    write(shop, f"{APP}/web.yaml", BROKEN)
    told = gitops("lint", code=1).stdout
    assert f"{APP}/new.yaml:2:1" in told
    assert f"{APP}/web.yaml:2:1" in told
    assert "no problems" in gitops("lint", "--rev", "HEAD").stdout


def test_what_git_ignores_does_not(gitops: Gitops, shop: Shop) -> None:
    write(shop, f"{APP}/key.dec.yaml", BROKEN)
    write(shop, f"{APP}/vendor/a.yaml", BROKEN)
    assert gitops("lint").stdout == "1 environment, 2 applications: no problems\n"


def test_what_is_committed_counts_though_a_rule_would_ignore_it(gitops: Gitops, shop: Shop) -> None:
    write(shop, f"{APP}/key.dec.yaml", BROKEN)
    index = shop.git.index
    index.add(f"{APP}/key.dec.yaml")
    index.write()
    assert f"{APP}/key.dec.yaml:2:1" in gitops("lint", code=1).stdout


@pytest.mark.parametrize("base", ["vendor/base", "bases"])
def test_a_base_that_git_ignores_is_missing(gitops: Gitops, shop: Shop, base: str) -> None:
    """As it will be for the controller, and for whoever clones the repository; through symlinks too."""
    write(shop, f"{APP}/kustomization.yaml", f"resources: [{base}, link.dec.yaml, config.dec.yaml]\n")
    write(shop, f"{APP}/{base}/kustomization.yaml", "resources: [a.dec.yaml]\n")
    write(shop, f"{APP}/{base}/a.dec.yaml", config_map("a", "b"))
    write(shop, f"{APP}/config.dec.yaml", config_map("c", "d"))
    (shop.path / APP / "link.dec.yaml").symlink_to("web.yaml")
    on_disk = gitops("lint", code=1).stdout
    assert f"there is no {APP}/config.dec.yaml in the repository" in on_disk
    assert f"there is no {APP}/link.dec.yaml in the repository" in on_disk
    add_all(shop)
    committed = gitops("lint", "--rev", "HEAD", code=1).stdout
    assert committed.splitlines()[1:] == on_disk.splitlines()[1:]  # a folder of nothing is no folder in Git


def add_all(shop: Shop) -> None:
    """As `git add --all` and a commit: without what is ignored."""
    repository = shop.git
    repository.index.add_all()
    repository.index.write()
    who = pygit2.Signature("Ada", "ada@example.com", 1_772_000_000, 0)
    tree = repository.index.write_tree()
    repository.create_commit("HEAD", who, who, "All", tree, [repository.head.target])


@pytest.mark.parametrize("name", ["new\nline.yaml", "\x1b[31m.yaml", "folder\n/a.yaml"])
@pytest.mark.parametrize("where", [APP, "environments/production", "clusters", ""])
def test_a_name_that_no_commit_may_have_is_told(gitops: Gitops, shop: Shop, where: str, name: str) -> None:
    write(shop, f"{where}/{name}".removeprefix("/"), config_map("a", "b"))
    (line,) = gitops("lint", code=1).stdout.splitlines()
    shown = ascii(f"{where}/{name}".removeprefix("/"))[1:-1].removesuffix("/a.yaml")
    assert line == f"{shown}: file names must be UTF-8 without control characters; rename it"
    add_all(shop)
    assert line in gitops("lint", "--rev", "HEAD", code=1).stderr


@pytest.mark.parametrize("name", [f"{APP}/link.yaml", f"{APP}/.hidden/link", "clusters/.link"])
@pytest.mark.parametrize(
    "target",
    [
        *("nowhere", "nowhere/else", "/etc/passwd", "../../../../../etc/passwd", "link", "link.yaml", "."),
        *("../../../.git/config", "../../.git/HEAD", "key.dec.yaml", "vendor", "../web", "../../../clusters"),
    ],
)
def test_a_symlink_is_told_as_it_will_be(gitops: Gitops, shop: Shop, name: str, target: str) -> None:
    """Hidden ones too; none is read that leads to what no commit holds."""
    write(shop, f"{APP}/key.dec.yaml", BROKEN)
    write(shop, f"{APP}/vendor/a.yaml", BROKEN)
    place = shop.path / name
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(target)
    told = gitops("lint", code=1).stdout
    assert told.startswith(f"{name}: ")
    add_all(shop)
    assert gitops("lint", "--rev", "HEAD", code=1).stdout.startswith(f"{name}: ")


def test_a_symlink_that_leads_to_a_file_is_no_problem(gitops: Gitops, shop: Shop) -> None:
    for name in (f"{APP}/.link", f"{APP}/link.txt", "environments/link"):
        (shop.path / name).symlink_to("environment.yaml" if name.endswith("s/link") else "web.yaml")
    assert gitops("lint").stdout == "1 environment, 2 applications: no problems\n"
    add_all(shop)
    assert gitops("lint", "--rev", "HEAD").stdout == "1 environment, 2 applications: no problems\n"


def test_what_nobody_reads_may_be_large(gitops: Gitops, shop: Shop) -> None:
    with (shop.path / APP / "picture.bin").open("wb") as file:
        file.truncate(40 << 20)
    assert "no problems" in gitops("lint").stdout


def test_a_folder_that_git_ignores_may_hold_what_it_tracks(gitops: Gitops, shop: Shop) -> None:
    write(shop, f"{APP}/kustomization.yaml", "resources: [vendor]\n")
    for name, text in (("kustomization.yaml", "resources: [a.yaml]\n"), ("a.yaml", config_map("a", "b"))):
        write(shop, f"{APP}/vendor/{name}", text)
        index = shop.git.index
        index.add(f"{APP}/vendor/{name}")
        index.write()
    assert "no problems" in gitops("lint").stdout


def test_a_name_that_is_no_text_is_told(gitops: Gitops, shop: Shop) -> None:
    Path(os.fsdecode(os.fsencode(shop.path / APP) + b"/\xff.yaml")).write_text(config_map("a", "b"))
    assert gitops("lint", code=1).stdout.startswith(f"{APP}/\\xff.yaml: file names must be UTF-8")


@pytest.mark.parametrize("where", ["environments/production/theirs", "bases"])
def test_a_repository_inside_is_refused(gitops: Gitops, shop: Shop, where: str) -> None:
    """A commit would name its commit, and hold none of its files: a submodule, whoever declared it."""
    write(shop, f"{where}/kustomization.yaml", "resources: [a.yaml]\n")
    write(shop, f"{where}/a.yaml", config_map("a", "b"))
    write(shop, f"{APP}/kustomization.yaml", "resources: [web.yaml, ../../../bases]\n")
    write(shop, "bases/kustomization.yaml", "namePrefix: a-\n")
    pygit2.init_repository(str(shop.path / where))
    told = gitops("lint", code=1).stdout
    assert "submodules are not followed: put the manifests into this repository" in told
    assert "ConfigMap" not in told


def test_git_itself_is_not_read(shop: Shop) -> None:
    """It may hold credentials, and is in no commit."""
    (shop.path / "link").symlink_to(".git")
    tree = worktree.FolderTree(shop.path, worktree.read(shop.path))
    assert (shop.path / ".git/config").exists()
    assert tree.find(".git/config") is None
    with pytest.raises(InvalidInput, match="which does not exist"):
        tree.find("link/config")


def test_a_folder_below_the_repository_is_judged_by_its_rules(
    gitops: Gitops, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several repositories of environments may live in one of Git's."""
    for name in ("clusters", "environments"):
        shutil.copytree(shop.path / name, shop.path / "deeper" / name)
    write(shop, f"deeper/{APP}/key.dec.yaml", BROKEN)
    monkeypatch.chdir(shop.path / "deeper")
    assert gitops("lint").stdout == "1 environment, 2 applications: no problems\n"


def test_without_git_every_file_counts(gitops: Gitops, shop: Shop) -> None:
    write(shop, f"{APP}/key.dec.yaml", BROKEN)
    shutil.rmtree(shop.path / ".git")
    assert f"{APP}/key.dec.yaml:2:1" in gitops("lint", code=1).stdout

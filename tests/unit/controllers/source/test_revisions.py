"""What a revision says, read from blobs: symlinks in the tree are followed, everything else is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from controllers.source import revisions as module
from controllers.source.revisions import Revisions
from gitops.errors import InvalidInput
from gitops.model.catalog import ApplicationSource, EnvironmentSource
from tests.unit.controllers.rollout.shop import (
    ENVIRONMENT,
    ENVIRONMENT_FILE,
    Shop,
    api,
    config_map,
    web,
)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """One environment with two applications."""
    return Shop(tmp_path)


def link(shop: Shop, path: str, target: str) -> None:
    """Put a symlink into the working copy; the next commit takes it along."""
    place = shop.people.path / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def submodule(shop: Shop, path: str) -> None:
    """Stage a submodule."""
    shop.people.git("update-index", "--add", "--cacheinfo", f"160000,{shop.first},{path}")


def staged(shop: Shop) -> str:
    """Commit what is staged, without looking at the working copy."""
    shop.people.git("commit", "-q", "-m", "staged")
    shop.mirror.fetch()
    return shop.people.head()


def production(shop: Shop, revision: str) -> EnvironmentSource:
    return shop.catalog(revision).environments["production"]


def application(shop: Shop, revision: str, name: str) -> ApplicationSource:
    return production(shop, revision).applications[name]


def test_a_symlink_inside_the_tree_is_read_as_the_file_it_leads_to(shop: Shop) -> None:
    """Its blob counts as the application's input: who changes the shared file changes the application."""
    link(shop, web("base.yaml"), "../../../shared/base.yaml")
    first = shop.commit("Share", {"shared/base.yaml": config_map("base")})
    second = shop.commit("Change", {"shared/base.yaml": config_map("base", "two")})
    found = {revision: application(shop, revision, "web") for revision in (first, second)}
    oids = {
        revision: next(file.oid for file in one.files if file.path == web("base.yaml"))
        for revision, one in found.items()
    }
    assert oids[first] == shop.people.git("rev-parse", f"{first}:shared/base.yaml")
    assert oids[second] == shop.people.git("rev-parse", f"{second}:shared/base.yaml")
    documents = shop.revisions.documents(second, found[second])
    (document,) = (one for one in documents if one.path == web("base.yaml"))
    assert isinstance(document.value, dict)
    assert document.value["data"] == {"value": "two"}
    assert shop.digest(first) != shop.digest(second)
    assert shop.digest(first, "api") == shop.digest(second, "api")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/etc/passwd", "absolute"),
        ("../../../../outside.yaml", "leads out of the repository"),
        ("nowhere.yaml", "does not exist"),
        ("linked.yaml", "back to itself"),
        ("../api", "leads to no file"),
    ],
)
def test_a_symlink_that_leads_to_no_file_of_ours_blames_its_application_alone(
    shop: Shop, target: str, words: str
) -> None:
    """The problem names the link; the other application, and the environment, are as good as before."""
    link(shop, web("linked.yaml"), target)
    revision = shop.commit("Link", {})
    (problem,) = application(shop, revision, "web").problems
    assert problem.location.path == web("linked.yaml")
    assert words in problem.message
    assert shop.catalog(revision).all_problems() == (problem,)


def test_a_submodule_blames_the_application_it_is_in(shop: Shop) -> None:
    """Its files are not ours to fetch; the sentence says what to do instead."""
    submodule(shop, web("charts"))
    revision = staged(shop)
    (problem,) = application(shop, revision, "web").problems
    assert problem.location.path == web("charts")
    assert "put the manifests into this repository" in problem.message
    assert shop.catalog(revision).all_problems() == (problem,)


def test_a_submodule_in_place_of_an_application_blames_the_environment(shop: Shop) -> None:
    """Nobody knows which application that would be, so the whole environment waits, and no other."""
    staging = ENVIRONMENT.replace("name: production", "name: staging")
    shop.commit(
        "Add staging",
        {
            "environments/staging/environment.yaml": staging,
            "environments/staging/web/web.yaml": config_map("web"),
        },
    )
    submodule(shop, "environments/production/mail")
    revision = staged(shop)
    catalog = shop.catalog(revision)
    assert [problem.location.path for problem in production(shop, revision).problems] == [
        "environments/production/mail"
    ]
    assert catalog.all_problems() == production(shop, revision).problems


@pytest.mark.parametrize("path", [ENVIRONMENT_FILE, "clusters/all.yaml", "gitops.yaml"])
def test_a_configuration_file_that_leads_nowhere_is_never_taken_for_absent(shop: Shop, path: str) -> None:
    """Its defaults would be something that nobody wrote."""
    if (shop.people.path / path).exists():
        (shop.people.path / path).unlink()
    link(shop, path, "nowhere.yaml")
    revision = shop.commit("Link", {})
    catalog = shop.catalog(revision)
    blocking = (*catalog.problems, *production(shop, revision).problems)
    assert path in {problem.location.path for problem in blocking}


def test_files_beside_the_configuration_may_lead_anywhere(shop: Shop) -> None:
    """What is not read cannot block anything, whatever its name begins with."""
    link(shop, "handbook.yaml", "/srv/handbook.yaml")
    link(shop, "environments-of-old", "/srv/old")
    submodule(shop, "clusters.old")
    shop.people.git("add", "handbook.yaml", "environments-of-old")
    revision = staged(shop)
    assert shop.catalog(revision).all_problems() == ()


def test_all_unreadable_files_are_told_at_once(shop: Shop) -> None:
    """Each at its own application."""
    link(shop, web("one.yaml"), "nowhere.yaml")
    link(shop, web("two.yaml"), "/etc/passwd")
    link(shop, api("three.yaml"), "nowhere.yaml")
    revision = shop.commit("Link", {})
    blamed = {
        name: [problem.location.path for problem in application(shop, revision, name).problems]
        for name in ("web", "api")
    }
    assert blamed == {"web": [web("one.yaml"), web("two.yaml")], "api": [api("three.yaml")]}


def test_a_broken_application_file_blocks_no_other(shop: Shop) -> None:
    """The environment and its other applications can be rolled out."""
    revision = shop.commit("Break", {web("application.yaml"): "kind: Nonsense\n"})
    assert application(shop, revision, "web").problems
    assert not application(shop, revision, "api").problems
    assert not production(shop, revision).problems


def test_documents_tell_every_broken_file_together(shop: Shop) -> None:
    """Not one per commit and attempt."""
    revision = shop.commit(
        "Break", {web("a.yaml"): "a: [\n", web("b.yaml"): "b: b: b\n", web("c.yaml"): config_map("c")}
    )
    with pytest.raises(InvalidInput) as caught:
        shop.revisions.documents(revision, application(shop, revision, "web"))
    assert {problem.location.path for problem in caught.value.problems} == {web("a.yaml"), web("b.yaml")}


def test_documents_of_a_broken_file_keep_no_other_from_being_parsed(shop: Shop) -> None:
    """Another application's files are its own."""
    revision = shop.commit("Break", {web("a.yaml"): "a: [\n"})
    found = shop.revisions.documents(revision, application(shop, revision, "api"))
    assert [document.path for document in found] == [api()]


@pytest.fixture
def reads(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Revisions in the order in which they were really read."""
    found: list[str] = []
    tree: Callable[[str], object] = shop.mirror.tree

    def counted(revision: str) -> object:
        found.append(revision)
        return tree(revision)

    monkeypatch.setattr(shop.mirror, "tree", counted)
    return found


def test_a_revision_is_read_once(shop: Shop, reads: list[str]) -> None:
    """The second answer is the very same catalog, however many ask."""
    assert shop.revisions.catalog(shop.first) is shop.revisions.catalog(shop.first)
    assert reads == [shop.first]


def test_the_catalogs_used_last_are_kept(
    shop: Shop, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head, asked for in every pass, is not pushed out by a look at many old revisions."""
    monkeypatch.setattr(module, "_KEPT", 2)
    old = [shop.commit(f"Change {number}", {"HANDBOOK": f"{number}\n"}) for number in range(3)]
    revisions = Revisions(shop.mirror)
    for revision in old:
        revisions.catalog(shop.first)
        revisions.catalog(revision)
    assert reads.count(shop.first) == 1
    assert revisions._catalogs.held == 2

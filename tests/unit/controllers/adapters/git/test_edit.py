"""Trees and commits made without a work tree: edits, restored paths, reverts and their conflicts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controllers.adapters.git import Mirror, RevertConflict, Signature
from gitops.errors import InvalidInput
from tests.unit.controllers.adapters.git.conftest import Work

AUTHOR = Signature("gitops-waves", "gitops@example.com", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
Fetch = Callable[[], tuple[Mirror, str]]


@pytest.fixture
def fetch(work: Work, open_mirror: Callable[..., Mirror]) -> Fetch:
    mirror = open_mirror(work.path)
    return lambda: (mirror, mirror.fetch().head)


def files(mirror: Mirror, revision: str) -> dict[str, bytes]:
    tree = mirror.tree(revision)
    return {entry.path: tree.read(entry.path) for entry in tree.walk()}


def test_a_commit_changes_adds_and_removes(fetch: Fetch) -> None:
    """Folders that become empty vanish; no ref moves; equal arguments give the same commit."""
    mirror, head = fetch()
    changes = {"README": b"new\n", "apps/shop/web.yaml": None, "apps/shop/db.yaml": None, "a/b/c": b"deep\n"}
    made = mirror.write_commit(parent=head, changes=changes, message="edit", author=AUTHOR)
    assert files(mirror, made) == {"README": b"new\n", "a/b/c": b"deep\n"}
    assert mirror.tree(made).oid("apps") is None
    assert mirror.head() == head
    assert mirror.write_commit(parent=head, changes=changes, message="edit", author=AUTHOR) == made
    info = mirror.commits(made, head)[0]
    assert (info.subject, info.author_name, info.time) == ("edit", "gitops-waves", AUTHOR.time)


def test_a_changed_file_keeps_its_mode(work: Work, fetch: Fetch) -> None:
    work.commit({"run.sh": "#!/bin/sh\n"})
    (work.path / "run.sh").chmod(0o755)
    work.commit({})
    mirror, head = fetch()
    made = mirror.write_commit(parent=head, changes={"run.sh": b"exit\n"}, message="m", author=AUTHOR)
    mirror.push_branch(made, expected_head=head)
    assert work.git("ls-tree", "main", "run.sh").startswith("100755")


def test_a_file_may_become_a_folder_and_back(fetch: Fetch) -> None:
    mirror, head = fetch()
    made = mirror.write_commit(parent=head, changes={"README/now": b"1"}, message="m", author=AUTHOR)
    assert mirror.tree(made).read("README/now") == b"1"
    back = mirror.write_commit(parent=made, changes={"README": b"2"}, message="m", author=AUTHOR)
    assert mirror.tree(back).read("README") == b"2"


@pytest.mark.parametrize("path", ["", "/x", "a//b", "../x", "a/./b", ".git/config", "a/.GIT/x"])
def test_a_path_that_git_refuses_is_refused(fetch: Fetch, path: str) -> None:
    mirror, head = fetch()
    with pytest.raises(InvalidInput, match="not a path that Git can store"):
        mirror.write_commit(parent=head, changes={path: b""}, message="m", author=AUTHOR)


def test_paths_are_restored_as_they_were(work: Work, fetch: Fetch) -> None:
    """Changed, removed and added files below a folder; what lies outside it stays."""
    good = work.head()
    work.commit(
        {"apps/shop/web.yaml": "bad", "apps/shop/db.yaml": None, "apps/shop/extra": "bad", "README": "2"}
    )
    mirror, head = fetch()
    tree = mirror.restore_paths(head, {"apps/shop": good, "apps/none": good})
    made = mirror.write_commit(parent=head, tree=tree, message="restore", author=AUTHOR)
    assert mirror.tree(made).oid("apps/shop") == mirror.tree(good).oid("apps/shop")
    assert mirror.tree(made).read("README") == b"2"
    tree = mirror.restore_paths(head, {"apps/shop/web.yaml": good})
    made = mirror.write_commit(parent=head, tree=tree, message="restore", author=AUTHOR)
    assert mirror.changed_paths(head, made) == ("apps/shop/web.yaml",)


def test_a_revert_takes_back_one_commit_and_keeps_later_ones(work: Work, fetch: Fetch) -> None:
    bad = work.commit({"apps/shop/web.yaml": "bad", "apps/shop/more": "bad"})
    work.commit({"README": "later"})
    mirror, head = fetch()
    tree = mirror.revert_commit(bad, head)
    assert isinstance(tree, str)
    made = mirror.write_commit(parent=head, tree=tree, message="revert", author=AUTHOR)
    work.git("revert", "--no-edit", bad)
    assert mirror.tree(made).root_oid == work.git("rev-parse", "HEAD^{tree}")
    assert mirror.revert_commit(bad, made) == tree


def test_a_revert_can_be_limited_to_the_guilty_paths(work: Work, fetch: Fetch) -> None:
    bad = work.commit({"apps/shop/web.yaml": "bad", "apps/bank/ok.yaml": "good", "README": "both"})
    mirror, head = fetch()
    tree = mirror.revert_commit(bad, head, ("apps/shop",))
    made = mirror.write_commit(parent=head, tree=str(tree), message="revert", author=AUTHOR)
    assert mirror.changed_paths(head, made) == ("apps/shop/web.yaml",)
    assert mirror.tree(made).read("apps/shop/web.yaml") == b"kind: Web\n"


def test_a_revert_that_does_not_apply_names_the_paths(work: Work, fetch: Fetch) -> None:
    bad = work.commit({"apps/shop/web.yaml": "bad", "apps/shop/db.yaml": "bad"})
    work.commit({"apps/shop/web.yaml": "later"})
    mirror, head = fetch()
    assert mirror.revert_commit(bad, head) == RevertConflict(("apps/shop/web.yaml",))
    assert isinstance(mirror.revert_commit(bad, head, ("apps/shop/db.yaml",)), str)


def test_a_merge_is_reverted_against_its_first_parent(work: Work, fetch: Fetch) -> None:
    before = work.head()
    work.git("checkout", "-q", "-b", "side")
    work.commit({"apps/shop/web.yaml": "bad"})
    work.git("checkout", "-q", "main")
    work.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    mirror, head = fetch()
    assert mirror.revert_commit(head, head) == mirror.tree(before).root_oid


def test_the_first_commit_can_be_reverted(work: Work, fetch: Fetch) -> None:
    first = work.head()
    work.commit({"other": "stays"})
    mirror, head = fetch()
    made = mirror.write_commit(
        parent=head, tree=str(mirror.revert_commit(first, head)), message="m", author=AUTHOR
    )
    assert files(mirror, made) == {"other": b"stays"}


_paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
_trees = st.dictionaries(_paths, st.binary(max_size=4), max_size=6)


def _consistent(tree: dict[str, bytes]) -> dict[str, bytes]:
    """Drop files whose path is also a folder."""
    return {p: c for p, c in tree.items() if not any(q.startswith(f"{p}/") for q in tree)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(start=_trees.map(_consistent), end=_trees.map(_consistent))
def test_edits_lead_from_any_files_to_any_others(
    fetch: Fetch, start: dict[str, bytes], end: dict[str, bytes]
) -> None:
    """Deleting what is gone and writing what is there gives exactly the files wanted, and no empty folder."""
    mirror, head = fetch()
    blank = dict.fromkeys(files(mirror, head))
    one = mirror.write_commit(parent=head, changes={**blank, **start}, message="m", author=AUTHOR)
    gone = {path: None for path in start if not any(q.startswith(f"{path}/") for q in end)}
    gone = {p: c for p, c in gone.items() if not any(p.startswith(f"{q}/") for q in end)}
    two = mirror.write_commit(parent=one, changes={**gone, **end}, message="m", author=AUTHOR)
    assert files(mirror, one) == start
    assert files(mirror, two) == end

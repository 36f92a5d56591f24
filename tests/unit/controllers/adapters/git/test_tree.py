"""Reading files of a commit: listing, walking, symlinks, sizes, and names that cannot be used."""

from __future__ import annotations

import os
from collections.abc import Callable

import pygit2
import pytest
from pygit2.enums import FileMode

from controllers.adapters.git import Kind, Mirror, TreeView
from gitops.errors import InvalidInput, Refused, TerminalError
from tests.unit.controllers.adapters.git.conftest import Work


@pytest.fixture
def view(work: Work, open_mirror: Callable[..., Mirror]) -> Callable[[], TreeView]:
    """Commit what lies in the work tree, fetch, open it."""
    mirror = open_mirror(work.path)

    def read() -> TreeView:
        work.commit({})
        return mirror.tree(mirror.fetch().head)

    return read


def link(work: Work, name: str, target: str) -> None:
    path = work.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def test_a_folder_is_listed_by_name(view: Callable[[], TreeView]) -> None:
    tree = view()
    assert [(e.name, e.path, e.kind) for e in tree.entries()] == [
        ("README", "README", Kind.BLOB),
        ("apps", "apps", Kind.TREE),
    ]
    assert [e.path for e in tree.entries("apps/shop/")] == ["apps/shop/db.yaml", "apps/shop/web.yaml"]
    assert tree.entries("nothing/here") == ()
    assert tree.entries("README") == ()


def test_a_walk_is_sorted_by_path_and_lists_links_without_entering(
    work: Work, view: Callable[[], TreeView]
) -> None:
    """`a.txt` sorts before `a/b`, as strings do, whatever Git's own order of trees is."""
    work.commit({"z/a/b": "1", "z/a.txt": "2", "z/a-b/c": "3"})
    link(work, "z/link", "a")
    tree = view()
    assert [(e.path, e.kind) for e in tree.walk("z")] == [
        ("z/a-b/c", Kind.BLOB),
        ("z/a.txt", Kind.BLOB),
        ("z/a/b", Kind.BLOB),
        ("z/link", Kind.SYMLINK),
    ]
    assert list(tree.walk("missing")) == []
    assert [e.path for e in tree.walk("z/link")] == ["z/a/b"]


def test_an_oid_says_whether_anything_below_changed(work: Work, view: Callable[[], TreeView]) -> None:
    before = view()
    work.commit({"apps/other/new.yaml": "x"})
    after = view()
    assert before.oid("apps/shop") == after.oid("apps/shop") is not None
    assert before.oid("apps") != after.oid("apps")
    assert before.oid("") == before.root_oid != after.root_oid
    assert before.oid("apps/none") is None
    assert before.oid("README/below") is None


def test_links_are_followed_inside_the_tree(work: Work, view: Callable[[], TreeView]) -> None:
    """To files, through linked folders, upwards as far as the root, and link by link."""
    link(work, "apps/shop/readme", "../../README")
    link(work, "linked", "apps/./shop")
    link(work, "chain", "linked/readme")
    tree = view()
    assert tree.read("apps/shop/readme") == b"hello\n"
    assert tree.read("linked/web.yaml") == b"kind: Web\n"
    assert tree.read("chain") == b"hello\n"
    found = tree.resolve("linked")
    assert found is not None
    assert (found.path, found.kind) == ("apps/shop", Kind.TREE)
    assert tree.entries("linked")[0].path == "apps/shop/db.yaml"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/etc/passwd", "the symlink apps/bad is absolute"),
        ("../../", "leads out of the repository"),
        ("../../../etc/passwd", "leads out of the repository"),
        ("../apps/../../x", "leads out of the repository"),
        ("nothing", "leads to apps/nothing, which does not exist"),
        ("bad", "leads back to itself"),
        ("../loop/bad", "leads back to itself"),
    ],
)
def test_a_link_that_cannot_be_followed_is_refused(
    work: Work, view: Callable[[], TreeView], target: str, text: str
) -> None:
    link(work, "apps/bad", target)
    link(work, "loop", "apps")
    with pytest.raises(InvalidInput, match=text) as caught:
        view().read("apps/bad")
    assert caught.value.problems[0].location.path == "apps/bad"


def test_a_missing_file_and_a_folder_are_not_files(view: Callable[[], TreeView]) -> None:
    tree = view()
    with pytest.raises(InvalidInput, match="apps/none: there is no such file"):
        tree.read("apps/none")
    with pytest.raises(InvalidInput, match="apps: this is a folder"):
        tree.read("apps")
    with pytest.raises(InvalidInput, match=r"cannot contain `\.\.`"):
        tree.read("apps/../README")
    assert tree.resolve("apps/none") is None


def test_a_file_is_not_loaded_when_it_is_too_large(work: Work, view: Callable[[], TreeView]) -> None:
    work.commit({"big": b"x" * 1001})
    tree = view()
    with pytest.raises(InvalidInput, match="big: the file has 1001 bytes; the limit is 1000"):
        tree.read("big", limit=1000)
    assert len(tree.read("big", limit=1001)) == 1001


def test_submodules_are_refused(work: Work, view: Callable[[], TreeView]) -> None:
    work.git("update-index", "--add", "--cacheinfo", f"160000,{work.head()},vendor/lib")
    work.git("commit", "-q", "-m", "submodule")
    (work.path / "vendor/lib").mkdir(parents=True)
    tree = view()
    assert [(e.path, e.kind) for e in tree.walk("vendor")] == [("vendor/lib", Kind.SUBMODULE)]
    for path in ("vendor/lib", "vendor/lib/x.yaml"):
        with pytest.raises(InvalidInput, match="vendor/lib: submodules are not supported"):
            tree.read(path)


@pytest.mark.parametrize("name", [b"caf\xe9.yaml", b"line\nbreak.yaml", b"escape\x1b[2J"])
def test_names_that_cannot_be_shown_are_all_reported(
    work: Work, view: Callable[[], TreeView], name: bytes
) -> None:
    """Once per file, spelled with escapes; folders without such names stay readable."""
    for folder in ("apps/a", "apps/b"):
        (work.path / folder).mkdir(parents=True)
        (work.path / folder / os.fsdecode(name)).write_text("x")
    tree = view()
    with pytest.raises(InvalidInput) as caught:
        tree.walk("apps")
    spelled = ascii(name)[2:-1]
    assert [p.location.path for p in caught.value.problems] == [f"apps/a/{spelled}", f"apps/b/{spelled}"]
    with pytest.raises(InvalidInput, match="file names must be UTF-8"):
        tree.entries("apps/a")
    assert len(list(tree.walk("apps/shop"))) == 2


def test_an_unknown_commit_is_an_error(work: Work, open_mirror: Callable[..., Mirror]) -> None:
    mirror = open_mirror(work.path)
    mirror.fetch()
    for revision in ("0" * 39 + "1", "main", "zzz"):
        with pytest.raises(TerminalError, match="there is no commit"):
            mirror.tree(revision)


def bomb(work: Work, folder: str) -> None:
    """Commit, as `folder`, ten trees that hold one another ten times: ten billion files in a few kB."""
    repository = pygit2.Repository(str(work.path))
    held, mode = repository.create_blob(b"x"), FileMode.BLOB
    for _ in range(10):
        builder = repository.TreeBuilder()
        for number in range(10):
            builder.insert(f"{number}.yaml", held, mode)
        held, mode = builder.write(), FileMode.TREE
    top = repository.TreeBuilder(repository[work.head()].peel(pygit2.Tree))
    top.insert(folder, held, mode)
    commit = work.git("commit-tree", str(top.write()), "-p", work.head(), "-m", "Grow")
    work.git("update-ref", "refs/heads/main", commit)


def test_trees_that_hold_one_another_are_refused(work: Work, open_mirror: Callable[..., Mirror]) -> None:
    """Nobody can list them to their end; one look at them must not fill the memory."""
    bomb(work, "environments")
    mirror = open_mirror(work.path)
    tree = mirror.tree(mirror.fetch().head)
    with pytest.raises(InvalidInput, match="more than 500000 files and folders are not read"):
        tree.walk("environments")


def test_folders_have_a_depth(work: Work, view: Callable[[], TreeView]) -> None:
    work.commit({"/".join(["d"] * 102) + "/f": "x"})
    tree = view()
    with pytest.raises(InvalidInput, match="100 levels deep"):
        tree.walk("d")


def test_what_changed_elsewhere_is_not_listed(work: Work, open_mirror: Callable[..., Mirror]) -> None:
    """A revert asks about its own paths; trees without end beside them cost nothing."""
    before = work.commit({"apps/a": "1", "apps/b/c": "1"})
    work.commit({"apps/b/c": "2", "apps/new": "x"})
    bomb(work, "docs")
    mirror = open_mirror(work.path)
    head = mirror.fetch().head
    assert mirror.changed_paths(before, head, ("apps/a", "apps/b", "none/here")) == ("apps/b/c",)
    with pytest.raises(Refused, match="more than 500000 files differ"):
        mirror.changed_paths(before, head)

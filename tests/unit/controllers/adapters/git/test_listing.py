"""Tree objects by their bytes: what libgit2 reads in them, and what differs between two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pygit2.enums import FileMode, ObjectType

from controllers.adapters.git.edit import edit_tree
from controllers.adapters.git.listing import differing, entries, raw_tree
from controllers.adapters.git.objects import copy_closure

NAMES = st.one_of(
    st.sampled_from(["a", "a.b", "a-b", "a0", "aé", "z"]),
    st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=8),
)
MODES = st.sampled_from(
    [FileMode.BLOB, FileMode.BLOB_EXECUTABLE, FileMode.TREE, FileMode.LINK, FileMode.COMMIT]
)
LISTINGS = st.dictionaries(
    NAMES.filter(lambda name: name not in (".", "..") and name.casefold() not in (".git", "git~1")),
    st.tuples(MODES, st.binary(min_size=20, max_size=20)),
    max_size=12,
)


@pytest.fixture
def repository(tmp_path: Path) -> Any:
    return pygit2.init_repository(str(tmp_path / "one.git"), bare=True)


def tree(repository: Any, listing: dict[str, tuple[FileMode, bytes]]) -> pygit2.Oid:
    """Write a tree of objects that need not exist."""
    names = sorted(
        listing, key=lambda name: name.encode() + (b"/" if listing[name][0] == FileMode.TREE else b"")
    )
    lines = (b"%o %s\0%s" % (listing[name][0], name.encode(), listing[name][1]) for name in names)
    return repository.odb.write(ObjectType.TREE, b"".join(lines))  # type: ignore[no-any-return]


@given(listing=LISTINGS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_tree_is_read_as_libgit2_reads_it(
    repository: Any, listing: dict[str, tuple[FileMode, bytes]]
) -> None:
    oid = tree(repository, listing)
    found = list(entries(raw_tree(repository, oid)))
    assert [(one.name, one.oid) for one in found] == [
        (item.raw_name, str(item.id)) for item in repository[oid]
    ]
    assert [one.is_tree for one in found] == [item.filemode == FileMode.TREE for item in repository[oid]]


@given(before=LISTINGS, after=LISTINGS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_differs_is_all_that_is_not_in_both(
    repository: Any, before: dict[str, tuple[FileMode, bytes]], after: dict[str, tuple[FileMode, bytes]]
) -> None:
    old, new = (raw_tree(repository, tree(repository, one)) for one in (before, after))
    found = {name.decode(): (left, right) for name, left, right in differing(old, new)}
    assert set(found) == {
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    }
    for name, (left, right) in found.items():
        assert (left and left.hash) == (before[name][1] if name in before else None)
        assert (right and right.hash) == (after[name][1] if name in after else None)


def line(name: str, content: int, mode: bytes = b"40000") -> bytes:
    return b"%s %s\0%s" % (mode, name.encode(), bytes([content]) * 20)


@given(
    before=st.lists(st.integers(0, 3), min_size=200, max_size=200),
    changes=st.dictionaries(st.integers(0, 199), st.integers(0, 3), max_size=4),
    gone=st.sets(st.integers(0, 199), max_size=3),
)
@settings(deadline=None)
def test_a_few_changes_among_many_are_found(
    before: list[int], changes: dict[int, int], gone: set[int]
) -> None:
    """Wherever they are, and whatever bytes the hashes have: one that looks like a mode and a name, too."""
    old = {f"app-{number:03}": 0x30 + content for number, content in enumerate(before)}
    new = old | {f"app-{number:03}": 0x30 + content for number, content in changes.items()}
    for number in gone:
        del new[f"app-{number:03}"]
    sides = (b"".join(line(*one) for one in sorted(side.items())) for side in (old, new))
    found = {name.decode(): pair for name, *pair in differing(*sides)}
    assert found.keys() == {name for name in old if old[name] != new.get(name)}
    for name, (left, right) in found.items():
        assert left is not None
        assert left.hash[0] == old[name]
        assert (right and right.hash[0]) == new.get(name)


def test_a_file_that_becomes_a_folder_is_one_difference() -> None:
    """Though Git sorts the two differently: what lies between them is the same."""
    old = line("a", 1, b"100644") + line("a.b", 2)
    new = line("a.b", 2) + line("a", 3)
    [(name, left, right)] = differing(old, new)
    assert name == b"a"
    assert left is not None
    assert right is not None
    assert (left.is_tree, right.is_tree) == (False, True)


def test_trees_that_nobody_sorted_are_compared_too() -> None:
    """Whoever pushes decides what is in a tree object."""
    one, two, three = line("b", 1), line("a", 2), line("c", 3)
    assert list(differing(one + two + three, three + two + one)) == []
    assert [name for name, *_ in differing(one + two, two + three)] == [b"b", b"c"]


@pytest.mark.parametrize(
    "data", [b"100644 a\0short", b"100644 \0" + b"x" * 20, b"1 a\0" + b"x" * 20, b"no mode" + b"x" * 30]
)
def test_a_damaged_tree_is_refused(repository: Any, data: bytes) -> None:
    oid = repository.odb.write(ObjectType.TREE, data)
    with pytest.raises(pygit2.GitError, match="damaged"):
        raw_tree(repository, oid)


def test_what_is_no_tree_is_refused(repository: Any) -> None:
    with pytest.raises(pygit2.GitError, match="not a tree"):
        raw_tree(repository, repository.create_blob(b"100644 a\0" + b"x" * 20))


def commit(repository: Any, parents: list[Any], content: str) -> Any:
    someone = pygit2.Signature("Dana", "dana@example.org", 1, 0)
    return repository.create_commit(None, someone, someone, "Change", pygit2.Oid(hex=content), parents)


@pytest.mark.parametrize("neighbours", [3, 300])
def test_of_a_one_file_commit_only_what_is_new_is_looked_for(
    repository: Any, tmp_path: Path, neighbours: int
) -> None:
    """However many files lie beside it: the commit and its parent, the folders above the file, the file."""
    files = {f"shop/app-{number}/it.yaml": f"{number}".encode() for number in range(neighbours)}
    first = edit_tree(repository, None, dict(files))
    begin = commit(repository, [], first)
    target: Any = pygit2.init_repository(str(tmp_path / "two.git"), bare=True)
    assert copy_closure(repository, target, str(begin)) == 2 * neighbours + 3
    second = edit_tree(repository, first, {"shop/app-1/it.yaml": b"new", "shop/new/it.yaml": b"newer"})
    end = commit(repository, [begin], second)

    class Asked:
        """The target, counting what it is asked for."""

        looked = 0

        def __contains__(self, oid: object) -> bool:
            Asked.looked += 1
            return oid in target

        def __getattr__(self, name: str) -> Any:
            return getattr(target, name)

        def __getitem__(self, oid: object) -> Any:
            return target[oid]

    asked: Any = Asked()
    assert copy_closure(repository, asked, str(end)) == 7
    assert Asked.looked < 20
    found = target[end].tree / "shop/app-1/it.yaml"
    assert found.data == b"new"

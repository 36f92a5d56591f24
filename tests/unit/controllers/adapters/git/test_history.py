"""Commits, trailers, differing paths, names of commits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.adapters.git import Mirror
from controllers.adapters.git.history import trailers
from tests.unit.controllers.adapters.git.conftest import Work

MESSAGE = """Roll out the shop

It was time.

Gitops-Retry: shop
Signed-off-by: Ada <ada@example.com>
Gitops-Retry: bank, which
 is continued
"""


def test_commits_are_listed_newest_first_between_two(work: Work, open_mirror: Callable[..., Mirror]) -> None:
    first = work.head()
    made = [work.commit({"n": str(n)}, f"change {n}") for n in range(4)]
    mirror = open_mirror(work.path)
    head = mirror.fetch().head
    assert [c.oid for c in mirror.commits(head, first)] == made[::-1]
    assert [c.oid for c in mirror.commits(head, made[1], limit=1)] == [made[3]]
    assert mirror.commits(head, head) == ()
    assert mirror.commits(head, None)[-1].oid == first
    assert mirror.commits(head, first)[0].parents == (made[2],)
    assert mirror.resolve(head[:8]) == mirror.resolve("HEAD") == head
    assert mirror.resolve("HEAD~1") == made[2]
    assert mirror.resolve("no-such-thing") is None
    assert mirror.is_ancestor(first, head)
    assert mirror.is_ancestor(head, head)
    assert not mirror.is_ancestor(head, first)


def test_a_merge_brings_the_commits_of_both_sides(work: Work, open_mirror: Callable[..., Mirror]) -> None:
    first = work.head()
    work.git("checkout", "-q", "-b", "side")
    side = work.commit({"side": "1"})
    work.git("checkout", "-q", "main")
    main = work.commit({"main": "1"})
    work.git("merge", "-q", "-m", "merge", "side")
    mirror = open_mirror(work.path)
    found = mirror.commits(mirror.fetch().head, first)
    assert {c.oid for c in found} == {side, main, work.head()}
    assert found[0].parents == (main, side)


def test_a_commit_tells_who_when_and_why(work: Work, open_mirror: Callable[..., Mirror]) -> None:
    work.git(
        "-c", "user.name=x", "commit", "-q", "--allow-empty", "--date=2020-01-01T00:00:00+0200", "-m", MESSAGE
    )
    mirror = open_mirror(work.path)
    info = mirror.commits(mirror.fetch().head, None)[0]
    assert info.subject == "Roll out the shop"
    assert info.body.startswith("It was time.\n\nGitops-Retry: shop\n")
    assert (info.author_name, info.author_email) == ("Ada", "ada@example.com")
    assert info.time.utcoffset() is not None
    assert int(info.time.timestamp()) == int(work.git("log", "-1", "--format=%ct"))
    assert info.trailers == (
        ("Gitops-Retry", "shop"),
        ("Signed-off-by", "Ada <ada@example.com>"),
        ("Gitops-Retry", "bank, which is continued"),
    )


@pytest.mark.parametrize(
    "message",
    [
        "Subject: is no trailer",
        "Subject\n\nText: and then\nprose goes on",
        "Subject\n\nKey: value\n\nlast words",
        "",
    ],
)
def test_prose_is_no_trailer(message: str) -> None:
    assert trailers(message) == ()


_keys = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)
_values = st.from_regex(r"[A-Za-z0-9](?:[ -~]{0,20}[!-~])?", fullmatch=True)


@given(st.lists(st.tuples(_keys, _values), min_size=1, max_size=5))
def test_trailers_that_were_written_are_read(pairs: list[tuple[str, str]]) -> None:
    message = "Subject\n\nBody text\n\n" + "".join(f"{key}: {value}\n" for key, value in pairs)
    assert trailers(message) == tuple(pairs)


def test_changed_paths_are_exactly_those_that_git_names(
    work: Work, open_mirror: Callable[..., Mirror]
) -> None:
    """Added, changed, removed, renamed, a file that becomes a folder, a mode that changes."""
    before = work.commit(
        {"keep/a": "1", "keep/b": "2", "gone/x": "3", "turns": "file", "script": "#!/bin/sh"}
    )
    work.git("mv", "keep/b", "keep/c")
    (work.path / "script").chmod(0o755)
    after = work.commit({"keep/a": "changed", "gone/x": None, "new/deep/y": "5"})
    (work.path / "turns").unlink()
    after = work.commit({"turns/into": "folder"})
    mirror = open_mirror(work.path)
    mirror.fetch()
    wanted = work.git("diff", "--no-renames", "--name-only", before, after).splitlines()
    assert mirror.changed_paths(before, after) == tuple(sorted(wanted))
    assert mirror.changed_paths(after, before) == tuple(sorted(wanted))
    assert mirror.changed_paths(after, after) == ()

"""Read commits: who, when, what message, what trailers, and which paths differ between two of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice

import pygit2
from pygit2.enums import SortMode

from controllers.adapters.git.listing import RawEntry, differing, raw_tree
from controllers.adapters.git.tree import DEEPEST, WALK_LIMIT
from gitops.errors import Refused

_TRAILER = re.compile(r"(?P<key>[A-Za-z0-9][A-Za-z0-9-]*)\s*:\s*(?P<value>.*)")
_PICKED = "(cherry picked from commit "


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """A commit as people see it. `time` is the committer's, in the committer's own offset.

    `body` is what follows the subject, trailers included; `trailers` are in the order written, repeats kept.
    """

    oid: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    time: datetime
    subject: str
    body: str
    trailers: tuple[tuple[str, str], ...]


def commit_time(commit: pygit2.Commit) -> datetime:
    """When it was committed; aware, in the committer's offset."""
    offset = timezone(timedelta(minutes=commit.commit_time_offset))
    return datetime.fromtimestamp(commit.commit_time, tz=offset)


def message_of(commit: pygit2.Commit) -> str:
    """Decode the message whatever its encoding says; bytes that are no UTF-8 are replaced."""
    return commit.raw_message.decode("utf-8", errors="replace")


def describe(commit: pygit2.Commit) -> CommitInfo:
    """Take a commit apart."""
    message = message_of(commit)
    subject, _, body = message.lstrip("\n").partition("\n")
    return CommitInfo(
        oid=str(commit.id),
        parents=tuple(map(str, commit.parent_ids)),
        author_name=commit.author.raw_name.decode("utf-8", errors="replace"),
        author_email=commit.author.raw_email.decode("utf-8", errors="replace"),
        time=commit_time(commit),
        subject=subject.strip(),
        body=body.strip("\n"),
        trailers=trailers(message),
    )


def trailers(message: str) -> tuple[tuple[str, str], ...]:
    """Read the trailers as git-interpret-trailers(1) does: the last paragraph, if it is nothing else.

    A line that begins with a space continues the one before. The subject is never a trailer.
    """
    paragraphs = re.split(r"\n[ \t]*\n", message.strip("\n"))
    if len(paragraphs) == 1:
        return ()
    found: list[tuple[str, str]] = []
    for line in paragraphs[-1].splitlines():
        match = _TRAILER.fullmatch(line.rstrip())
        if match:
            found.append((match["key"], match["value"]))
        elif line[:1].isspace() and found:
            key, value = found[-1]
            found[-1] = (key, f"{value} {line.strip()}")
        elif not line.startswith(_PICKED):
            return ()
    return tuple(found)


def commits(
    repository: pygit2.Repository, newer: str, older: str | None, limit: int | None
) -> tuple[CommitInfo, ...]:
    """List what `newer` reaches and `older` does not, newest first, parents after their children."""
    walker = repository.walk(newer, SortMode.TIME | SortMode.TOPOLOGICAL)
    if older:
        walker.hide(older)
    return tuple(map(describe, islice(walker, limit)))


def changed_paths(
    repository: pygit2.Repository, old: str, new: str, below: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """List files that differ between two commits or trees, sorted; equal folders are not entered.

    `below`: only files at these paths and in these folders; nothing else is looked at. A renamed file counts
    twice. Names that are not UTF-8 come with U+FFFD for what cannot be decoded. Raises Refused for more than
    WALK_LIMIT files.
    """
    left, right = (repository[oid].peel(pygit2.Tree) for oid in (old, new))
    if not below:
        return _listed(_differences(repository, left.id, right.id, ""))
    return _listed(
        path
        for place in below
        for path in _differences_at(repository, _at(left, place), _at(right, place), place)
    )


def _listed(paths: Iterable[str]) -> tuple[str, ...]:
    found = set(islice(paths, WALK_LIMIT + 1))
    if len(found) > WALK_LIMIT:
        raise Refused(f"more than {WALK_LIMIT} files differ: they are not listed")
    return tuple(sorted(found))


def _at(tree: pygit2.Tree, path: str) -> RawEntry | None:
    if path not in tree:
        return None
    found = tree[path]
    return RawEntry(b"%o" % found.filemode, found.raw_name or b"", found.id.raw)


def _differences(
    repository: pygit2.Repository, left: pygit2.Oid | None, right: pygit2.Oid | None, prefix: str
) -> Iterator[str]:
    sides = (raw_tree(repository, side) if side else b"" for side in (left, right))
    for name, old, new in differing(*sides):
        path = prefix + name.decode("utf-8", errors="replace")
        yield from _differences_at(repository, old, new, path)


def _differences_at(
    repository: pygit2.Repository, old: RawEntry | None, new: RawEntry | None, path: str
) -> Iterator[str]:
    if old == new:
        return
    if path.count("/") > DEEPEST:
        raise Refused(f"folders are read {DEEPEST} levels deep: {path[:200]}")
    left, right = (pygit2.Oid(raw=side.hash) if side and side.is_tree else None for side in (old, new))
    if left or right:
        yield from _differences(repository, left, right, f"{path}/")
    if any(side is not None and not side.is_tree for side in (old, new)):
        yield path

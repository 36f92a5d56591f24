"""What a file of a renderer's input says it reads: values between a format's reader and the follower."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from gitops.errors import Location, Problem


class Use(StrEnum):
    """What a renderer does with the thing that a path leads to."""

    KUSTOMIZATION = "kustomization"
    """A kustomization file."""
    RESOURCE = "resource"
    """A manifest file, or a folder with a kustomization."""
    MANIFEST = "manifest"
    """A file of YAML documents in the folder of the kustomization or below."""
    FILE = "file"
    """Any other file there."""
    VARIABLES = "variables"
    """A file of lines `NAME=value`."""
    PLUGIN = "plugin"
    """A file that configures generators, transformers or validators."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A path as somebody wrote it, from the folder of the file that says so."""

    path: str
    use: Use
    at: Location


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file refers to, and what is wrong in it."""

    references: tuple[Reference, ...] = ()
    problems: tuple[Problem, ...] = ()


_LONGEST = 1000
# What kustomize and Git take for another place: a scheme, user@host:path, git::, GitHub's shorthand.
_REMOTE = re.compile(r"://|\?|^[^/]*:|^github\.com(/|$)", re.IGNORECASE)


def path_problem(reference: Reference) -> Problem | None:
    """Say why a path cannot be one of the repository's, whatever the repository holds."""
    path = reference.path
    if not path or len(path) > _LONGEST or not path.isprintable():
        return Problem(
            reference.at, f"not a path: it needs 1 to {_LONGEST} characters, none of them a control character"
        )
    if _REMOTE.search(path):
        message = "only paths of this repository are read, nothing is fetched: commit a copy of what is there"
        return Problem(reference.at, message)
    if path.startswith("/"):
        return Problem(reference.at, "an absolute path is refused: write it from this folder")
    return None


def resolved(folder: str, path: str) -> str | None:
    """Clean a path written in `folder` as kustomize does, by its letters alone; None above the root."""
    parts: list[str] = []
    for part in joined(folder, path).split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def joined(folder: str, path: str) -> str:
    """The path of what is at `path` in `folder`, which is empty for the root."""
    return f"{folder}/{path}" if folder else path


def is_within(path: str, folder: str) -> bool:
    """Whether a path is the folder, or below it."""
    return not folder or path == folder or path.startswith(f"{folder}/")

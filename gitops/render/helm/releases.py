"""What Helm printed → documents: each at the template that it is from, without hooks, in our words."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import itemgetter

from gitops.dialect import Document, parse
from gitops.errors import InvalidInput, Location, Problem
from gitops.inventory import PRUNE
from gitops.model.helm import HelmHooks
from gitops.objects import JsonObject
from gitops.ordering import DEPENDS_ON
from gitops.render.plain import OUTPUT_LIMITS

_HEADER = re.compile(r"^# Source: (.+)$")
_CUT = "---"
_ELSEWHERE = re.compile(r", first on line \d+")
_HOOK = "helm.sh/hook"
_TESTS = frozenset({"test", "test-success"})
_POLICY = "helm.sh/resource-policy"

FileOf = Callable[[str], str]
"""Gives the path in the repository of a template, by Helm's name for it."""


def relocated(data: bytes, file_of: FileOf) -> bytes:
    """Give what Helm printed, with paths of the repository in the line that it writes before each part."""
    lines = data.decode(errors="surrogateescape").split("\n")
    for number, line in enumerate(lines):
        if number and lines[number - 1] == _CUT and (found := _HEADER.match(line)):
            lines[number] = f"# Source: {file_of(found[1])}"
    return "\n".join(lines).encode(errors="surrogateescape")


def parse_release(path: str, data: bytes) -> tuple[Document, ...]:
    """Read what `relocated` gave; each document's path is its template's, or `path`. Raises InvalidInput.

    What is a test, and nothing else, is left out. Helm's `--skip-tests` would leave out without a word what
    is another hook too.
    """
    parts = _parts(data, path)
    try:
        documents = parse(data, path, OUTPUT_LIMITS, rendered=True)
    except InvalidInput as error:
        raise InvalidInput(*(_placed(problem, parts) for problem in error.problems)) from None
    kept = (one for one in documents if not _is_test(one))
    return tuple(replace(one, path=_path_at(one.line, parts)) for one in kept)


def _parts(data: bytes, path: str) -> list[tuple[int, str]]:
    """Give the line on which each part begins, and its path.

    A file of `crds/` is one part, however many documents it has, and may begin with a separator itself.
    """
    lines = data.decode(errors="replace").split("\n")
    found = (
        (number, header[1])
        for number, line in enumerate(lines, start=1)
        if number > 1 and lines[number - 2] == _CUT and (header := _HEADER.match(line))
    )
    return [(0, path), *found]


def _path_at(line: int, parts: Sequence[tuple[int, str]]) -> str:
    return parts[bisect_right(parts, line, key=itemgetter(0)) - 1][1]


def _placed(problem: Problem, parts: Sequence[tuple[int, str]]) -> Problem:
    """Name the template, in place of a line that nobody wrote."""
    message = _ELSEWHERE.sub("", problem.message)
    return Problem(
        Location(_path_at(problem.location.line, parts)), f"its output cannot be applied: {message}"
    )


def applicable(documents: Sequence[Document], hooks: HelmHooks) -> tuple[Document, ...]:
    """Give what is applied: without hooks that are left out, `keep` said in our words.

    Raises InvalidInput with every hook that nothing here runs, unless these shall be skipped. One that says
    what it depends on, in our annotation, is an object like any other.
    """
    kept = [document for document in documents if not _hook(document)]
    if hooks is HelmHooks.REFUSE and len(kept) < len(documents):
        raise InvalidInput(*(_refused(one, hook) for one in documents if (hook := _hook(one))))
    return tuple(map(_translated, kept))


def _annotations(document: Document) -> JsonObject:
    value = document.value
    metadata = value.get("metadata") if isinstance(value, dict) else None
    found = metadata.get("annotations") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _is_test(document: Document) -> bool:
    hook = _annotations(document).get(_HOOK)
    return isinstance(hook, str) and {one.strip().lower() for one in hook.split(",")} <= _TESTS


def _hook(document: Document) -> str:
    annotations = _annotations(document)
    return "" if DEPENDS_ON in annotations else str(annotations.get(_HOOK) or "")


def _refused(document: Document, hook: str) -> Problem:
    message = (
        f"a hook ({hook}): nothing here runs hooks. Leave hooks out with spec.helm.hooks: Skip, or have this "
        f"one applied like any object, in its order, with the annotation {DEPENDS_ON}"
    )
    return Problem(document.locate(), message)


def _translated(document: Document) -> Document:
    annotations = _annotations(document)
    value = document.value
    if annotations.get(_POLICY) != "keep" or PRUNE in annotations or not isinstance(value, dict):
        return document
    metadata = {**value["metadata"], "annotations": {**annotations, PRUNE: "disabled"}}
    return replace(document, value={**value, "metadata": metadata})

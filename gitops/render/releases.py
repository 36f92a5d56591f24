"""What Helm printed → documents: each in the template that it is from, hooks told apart, policies translated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from gitops.dialect import Document, parse
from gitops.errors import InvalidInput, Location, Problem
from gitops.inventory import PRUNE
from gitops.model.helm import HelmHooks
from gitops.objects import JsonObject
from gitops.ordering import DEPENDS_ON
from gitops.render.plain import OUTPUT_LIMITS

_SOURCE = re.compile(r"^# Source: (.+?)\s*$", re.MULTILINE)
_HOOK = "helm.sh/hook"
_POLICY = "helm.sh/resource-policy"

FileOf = Callable[[str], str]
"""Gives the path in the repository of a template, by Helm's name for it."""


def parse_release(data: bytes, file_of: FileOf) -> tuple[Document, ...]:
    """Read what `helm template` printed; each document's path is its template's. Raises InvalidInput."""
    try:
        documents = parse(data, "", OUTPUT_LIMITS, rendered=True)
    except InvalidInput as error:
        raise InvalidInput(*_placed(error.problems, data, file_of)) from None
    return tuple(_with_source(documents, file_of))


def _with_source(documents: Sequence[Document], file_of: FileOf) -> Iterator[Document]:
    """Helm writes a line before each document; a file of `crds/` gets one for all its documents."""
    path = file_of("")
    for document in documents:
        found = _SOURCE.match(document.text.lstrip("\n"))
        if found:
            path = file_of(found[1])
        yield replace(document, path=path)


def _placed(problems: Sequence[Problem], data: bytes, file_of: FileOf) -> Iterator[Problem]:
    lines = data.decode(errors="replace").split("\n")
    for problem in problems:
        before = reversed(lines[: problem.location.line])
        name = next((found[1] for line in before if (found := _SOURCE.match(line))), "")
        yield Problem(Location(file_of(name)), f"its output cannot be applied: {problem.message}")


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


def _hook(document: Document) -> str:
    annotations = _annotations(document)
    return "" if DEPENDS_ON in annotations else str(annotations.get(_HOOK) or "")


def _refused(document: Document, hook: str) -> Problem:
    message = (
        f"a hook ({hook}): nothing here runs hooks. Leave hooks out with spec.helm.hooks: Skip, or have this "
        f"one applied like any object, in its order, with the annotation {DEPENDS_ON}"
    )
    return Problem(document.locate("metadata", "annotations", _HOOK), message)


def _translated(document: Document) -> Document:
    annotations = _annotations(document)
    value = document.value
    if annotations.get(_POLICY) != "keep" or PRUNE in annotations or not isinstance(value, dict):
        return document
    metadata = {**value["metadata"], "annotations": {**annotations, PRUNE: "disabled"}}
    return replace(document, value={**value, "metadata": metadata})

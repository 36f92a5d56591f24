"""Plain manifests: files → documents → objects of one target. The scope of kinds is settled later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gitops.dialect import Document, Limits, parse
from gitops.errors import InvalidInput, Location, Problem, ToolMissing
from gitops.model.catalog import ApplicationSource, EnvironmentSource, SourceFile
from gitops.model.folders import RendererName
from gitops.model.kinds import Cluster
from gitops.model.targets import Target
from gitops.objects import Manifest, ObjectKey
from gitops.pointers import Pointer
from gitops.render.drafts import Draft, cleaned, drafts, identity, problems_of, shape_problems
from gitops.render.growth import Growth, TooLarge, size_of
from gitops.render.patches import apply_patches, patches_for
from gitops.render.variables import substitute, target_variables

__all__ = [
    "Rendered",
    "identity",
    "parse_file",
    "parse_files",
    "parse_output",
    "render_documents",
]

SUBSTITUTE = "gitops-waves.io/substitute"
"""Annotation: `disabled` leaves every `${` of an object as it is, for objects that carry scripts."""


OUTPUT_LIMITS = Limits(bytes=32 << 20, documents=10_000, nodes=2_000_000)
"""A renderer prints many files as one; each object in it is held to the limits of an object later."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came of a render. `matched` points, in `environment.yaml`, to the patches there that matched."""

    manifests: tuple[Manifest, ...]
    matched: frozenset[Pointer]


def parse_file(path: str, data: bytes) -> tuple[Document, ...]:
    """Read one manifest file, the costly part and the same for every target. Raises InvalidInput."""
    return parse(data, path)


def parse_output(path: str, data: bytes) -> tuple[Document, ...]:
    """Read what a renderer made of the file at `path`. Raises InvalidInput, at that file."""
    try:
        return parse(data, path, OUTPUT_LIMITS, rendered=True)
    except InvalidInput as error:
        found = {f"its output cannot be applied: {problem.message}" for problem in error.problems}
        raise InvalidInput(*(Problem(Location(path), message) for message in found)) from None


def parse_files(
    files: Iterable[SourceFile], parsed: Callable[[SourceFile], Sequence[Document]]
) -> tuple[Document, ...]:
    """Give the documents of all files, in their order. Raises InvalidInput with the problems of all."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for file in files:
        try:
            documents += parsed(file)
        except ToolMissing:
            raise
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(*problems)
    return tuple(documents)


def render_documents(
    environment: EnvironmentSource,
    application: ApplicationSource,
    target: Target,
    cluster: Cluster,
    documents: Sequence[Document],
) -> Rendered:
    """Give the manifests of `application` on `target`, in the order of `documents`.

    These are those of the application's files, or what its renderer made of them. Raises InvalidInput with
    every problem found.
    """
    variables = target_variables(environment, application, target, cluster)
    growth = Growth()
    # A chart's values got the variables; what it makes of them may well hold `${` of its own.
    filled = None if application.renderer is RendererName.HELM else variables
    found, problems = _drafts(documents, filled, growth)
    if problems:
        raise InvalidInput(*problems)
    patches = patches_for(environment, application, cluster)
    patched, matched = apply_patches(found, patches, variables, growth)
    for draft in patched:
        problems += problems_of(draft)
    if problems:
        raise InvalidInput(*problems)
    _refuse_duplicates(patched, target.namespace)
    return Rendered(tuple(Manifest(cleaned(draft), draft.source, draft) for draft in patched), matched)


def _drafts(
    documents: Sequence[Document], variables: Mapping[str, str] | None, growth: Growth
) -> tuple[list[Draft], list[Problem]]:
    found: list[Draft] = []
    problems: list[Problem] = []
    for document in documents:
        for draft in drafts(document):
            if isinstance(draft, Problem):
                problems.append(draft)
                continue
            try:
                ready = _substituted(draft, variables, growth)
            except InvalidInput as error:
                problems += error.problems
                continue
            except TooLarge as error:
                problems.append(Problem(draft.at(), str(error)))
                continue
            problems += shape_problems(ready)
            found.append(ready)
    return found, problems


def left_alone(draft: Draft) -> bool:
    """Whether the object says that no variable is filled in."""
    annotations = draft.metadata.get("annotations")
    return isinstance(annotations, dict) and annotations.get(SUBSTITUTE) == "disabled"


def _substituted(draft: Draft, variables: Mapping[str, str] | None, growth: Growth) -> Draft:
    if variables is None or left_alone(draft):
        return draft
    body = substitute(draft.body, variables, draft.at, growth, secret=draft.secret)
    if body is draft.body or not isinstance(body, dict):
        return draft
    size_of(body)
    return replace(draft, body=body)


def _refuse_duplicates(found: Sequence[Draft], namespace: str) -> None:
    first: dict[ObjectKey, Draft] = {}
    problems = []
    for draft in found:
        key = identity(draft.body, namespace)
        if key in first:
            problems.append(Problem(draft.at(), f"{key} is already written at {first[key].source}"))
        first.setdefault(key, draft)
    if problems:
        raise InvalidInput(*problems)

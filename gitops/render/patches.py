"""JSON patches (RFC 6902) of environments and applications, on the objects that they select."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import jsonpatch
import jsonpointer

from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import ApplicationSource, EnvironmentSource
from gitops.model.kinds import Cluster
from gitops.model.rendering import JsonPatchOperation, Patch, PatchTarget
from gitops.objects import Json, split_api_version
from gitops.render.drafts import Draft
from gitops.render.growth import Growth, TooLarge, size_of
from gitops.render.pointers import missing
from gitops.render.variables import overrides_for, substitute

Pointer = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PlacedPatch:
    """A patch and where it is written. `required`: that it matches nothing here is an error."""

    patch: Patch
    owner: EnvironmentSource | ApplicationSource
    pointer: Pointer
    required: bool

    def at(self, *pointer: str | int) -> Location:
        """Where a part of the patch is written."""
        return self.owner.at(*self.pointer, *pointer)


def patches_for(
    environment: EnvironmentSource, application: ApplicationSource, cluster: Cluster
) -> tuple[PlacedPatch, ...]:
    """Give the patches for one cluster in the order in which they run.

    An environment's patch is for all its applications, so it need not match in each of them.
    """
    return tuple(
        PlacedPatch(patch, owner, pointer, required=isinstance(owner, ApplicationSource))
        for owner in (environment, application)
        for pointer, patch in _written(owner, cluster)
    )


def _written(
    owner: EnvironmentSource | ApplicationSource, cluster: Cluster
) -> Iterator[tuple[Pointer, Patch]]:
    if owner.spec is None:
        return
    for index, patch in enumerate(owner.spec.patches):
        yield ("spec", "patches", index), patch
    for number, override in overrides_for(owner.spec, cluster):
        for index, patch in enumerate(override.patches):
            yield ("spec", "overrides", number, "patches", index), patch


def apply_patches(
    drafts: Sequence[Draft], patches: Sequence[PlacedPatch], variables: Mapping[str, str], growth: Growth
) -> tuple[list[Draft], frozenset[Pointer]]:
    """Run `patches` in order. Gives the new drafts, and which of the environment's patches matched something.

    Raises InvalidInput for operations that cannot be carried out, for required patches without a match, and
    where an object or `growth` becomes too large.
    """
    current = list(drafts)
    matched: set[Pointer] = set()
    problems: list[Problem] = []
    for placed in patches:
        chosen = [index for index, draft in enumerate(current) if matches(placed.patch.target, draft)]
        if chosen and not placed.required:
            matched.add(placed.pointer)
        if placed.required and not chosen:
            problems.append(Problem(placed.at("target"), "this patch matches no object of the application"))
        for index in chosen:
            try:
                current[index] = _patched(current[index], placed, variables, growth)
            except InvalidInput as error:
                problems += error.problems
            except TooLarge as error:
                raise InvalidInput(*problems, Problem(placed.at(), str(error))) from None
    if problems:
        raise InvalidInput(*problems)
    return current, frozenset(matched)


def matches(target: PatchTarget, draft: Draft) -> bool:
    """Whether every field of `target` that is given fits the object."""
    group, _ = split_api_version(str(draft.body.get("apiVersion")))
    labels = draft.metadata.get("labels")
    return (
        (target.group is None or target.group == group)
        and (target.kind is None or target.kind == draft.body.get("kind"))
        and (target.name is None or target.name == draft.metadata.get("name"))
        and (
            target.label_selector is None
            or target.label_selector.matches(labels if isinstance(labels, dict) else {})
        )
    )


def _patched(draft: Draft, placed: PlacedPatch, variables: Mapping[str, str], growth: Growth) -> Draft:
    before = size_of(draft.body)
    growth.copied(before)
    body: Json = copy.deepcopy(draft.body)
    for number, operation in enumerate(placed.patch.operations):
        pointer = ("operations", number)
        written = copy.deepcopy(operation.as_json())
        if "value" in written:
            written["value"] = substitute(
                written["value"],
                variables,
                lambda *rest, pointer=pointer: placed.at(*pointer, "value", *rest),
                growth,
                secret=draft.secret,
            )
        try:
            body = jsonpatch.JsonPatch([written]).apply(body, in_place=True)
        except (
            jsonpatch.JsonPatchException,
            jsonpointer.JsonPointerException,
            TypeError,
            ValueError,
        ) as error:
            # The library's texts quote the object, which may be a Secret.
            message = f"{operation.op} {operation.path} on {draft}: {_reason(error, operation, body)}"
            raise InvalidInput(Problem(placed.at(*pointer), message)) from None
        if operation.op == "copy":  # at most doubled, then measured
            growth.copied(size_of(body))
    growth.spend(max(size_of(body) - before, 0))
    if not isinstance(body, dict):
        raise InvalidInput(Problem(placed.at(), "after this patch there is no object left"))
    return replace(draft, body=body)


def _reason(error: Exception, operation: JsonPatchOperation, body: Json) -> str:
    if isinstance(error, jsonpatch.JsonPatchTestFailed):
        return "the test failed, the value is another"
    if isinstance(error, jsonpatch.JsonPatchConflict | jsonpointer.JsonPointerException):
        places = (operation.from_, operation.path) if operation.from_ is not None else (operation.path,)
        gone = next(filter(None, (missing(body, place) for place in places)), "")
        return f"there is nothing at this path: {gone}" if gone else "there is nothing at this path"
    return "this operation does not fit what is at this path"

"""JSON patches (RFC 6902) of environments and applications, on the objects that they select."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import jsonpatch
import jsonpointer

from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import ApplicationSource, EnvironmentSource
from gitops.model.kinds import Cluster
from gitops.model.rendering import JsonPatchOperation, Patch, PatchTarget
from gitops.objects import Json, split_api_version
from gitops.pointers import Pointer
from gitops.redact import SECRET_FIELDS
from gitops.render.drafts import Draft
from gitops.render.growth import Growth, TooLarge, size_of
from gitops.render.origins import Place, Step, resolved
from gitops.render.pointers import missing
from gitops.render.variables import overrides_for, substitute


@dataclass(frozen=True, slots=True)
class PlacedPatch:
    """A patch and where it is written. `required`: that it matches nothing here is an error."""

    patch: Patch
    owner: EnvironmentSource | ApplicationSource
    pointer: Pointer
    required: bool

    def at(self, *pointer: str | int) -> Location:
        """Where a part of the patch is written."""
        return self.place(*pointer).at()

    def place(self, *pointer: str | int) -> Place:
        """A part of the patch, without the rest of its owner."""
        return Place(self.owner.document, (*self.pointer, *pointer), self.owner.at())


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


def every_patch(environment: EnvironmentSource, application: ApplicationSource) -> tuple[PlacedPatch, ...]:
    """Give the patches for all clusters."""
    return tuple(
        PlacedPatch(patch, owner, pointer, required=False)
        for owner in (environment, application)
        for pointer, patch in _written(owner, None)
    )


def _written(
    owner: EnvironmentSource | ApplicationSource, cluster: Cluster | None
) -> Iterator[tuple[Pointer, Patch]]:
    if owner.spec is None:
        return
    for index, patch in enumerate(owner.spec.patches):
        yield ("spec", "patches", index), patch
    every = enumerate(owner.spec.overrides)
    for number, override in every if cluster is None else overrides_for(owner.spec, cluster):
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
    steps = list(draft.steps)
    for number, operation in enumerate(placed.patch.operations):
        place = placed.place("operations", number)
        if draft.secret and _publishes(operation):
            raise _refused(operation, place, draft, "a value of a Secret must stay in its data")
        filled = copy.deepcopy(operation.as_json())
        if "value" in filled:
            locate = functools.partial(place.at, "value")
            filled["value"] = substitute(filled["value"], variables, locate, growth, secret=draft.secret)
        taken = operation.path if operation.op == "remove" else operation.from_
        source = None if taken is None else resolved(body, taken)
        try:
            body = jsonpatch.JsonPatch([filled]).apply(body, in_place=True)
        except (
            jsonpatch.JsonPatchException,
            jsonpointer.JsonPointerException,
            TypeError,
            ValueError,
        ) as error:
            # The library's texts quote the object, which may be a Secret.
            raise _refused(operation, place, draft, _reason(error, operation, body)) from None
        if operation.op == "copy":  # at most doubled, then measured
            growth.copied(size_of(body))
        if operation.op != "test":
            target = None if operation.op == "remove" else resolved(body, operation.path)
            steps.append(Step(operation.op, source, target, place))
    growth.spend(max(size_of(body) - before, 0))
    return _whole(replace(draft, steps=tuple(steps)), body, placed)


def _whole(draft: Draft, body: Json, placed: PlacedPatch) -> Draft:
    """Give the object as it is now; it must be one, and a Secret exactly where it was one."""
    if not isinstance(body, dict):
        raise InvalidInput(Problem(placed.at(), f"after this patch, nothing is left of {draft}"))
    if draft.secret != (body.get("kind") == "Secret"):
        message = f"this patch changes the kind of {draft}: no Secret is made of another kind, or otherwise"
        raise InvalidInput(Problem(placed.at(), message))
    return replace(draft, body=body)


def _refused(operation: JsonPatchOperation, place: Place, draft: Draft, why: str) -> InvalidInput:
    path = operation.path or "the whole object"
    what = f"{operation.op} {path if operation.from_ is None else f'{operation.from_} to {path}'}"
    return InvalidInput(Problem(place.at(), f"{what} on {draft}: {why}"))


def _publishes(operation: JsonPatchOperation) -> bool:
    """Whether an operation would take a Secret's values to where everybody may read them."""
    if operation.from_ is None or operation.op not in ("move", "copy"):
        return False
    holds, put = (path.split("/")[1:2] for path in (operation.from_, operation.path))
    hidden = [[field] for field in SECRET_FIELDS]
    return holds in ([], *hidden) and put not in hidden


def _reason(error: Exception, operation: JsonPatchOperation, body: Json) -> str:
    if operation.op == "remove" and not operation.path:
        return "a patch cannot remove it"
    if operation.op == "move" and f"{operation.path}/".startswith(f"{operation.from_}/"):
        return "a value cannot be moved into itself"
    places = (operation.from_, operation.path) if operation.from_ is not None else (operation.path,)
    gone = next(filter(None, (missing(body, place) for place in places)), "")
    if gone:
        return f"there is nothing at this path: {gone}"
    if isinstance(error, jsonpatch.JsonPatchTestFailed):
        return "the test failed, the value is another"
    return "this operation does not fit what is at this path"

"""Variables of a target, and `${name}` in text. `$${` stands for a literal `${`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import ApplicationSource, EnvironmentSource
from gitops.model.kinds import Cluster
from gitops.model.reading import nearest
from gitops.model.rendering import Rendering, TargetOverride
from gitops.model.targets import Target
from gitops.objects import Json
from gitops.render.growth import OBJECT_SIZE, Growth, TooLarge

_REFERENCE = re.compile(r"\$\$\{|\$\{(?:([^${}\n]*)\})?")
_LABELS = "labels."
NO_PLACE = Location("")
_MOST_PROBLEMS = 100


def target_variables(
    environment: EnvironmentSource, application: ApplicationSource, target: Target, cluster: Cluster
) -> Mapping[str, str]:
    """Give every variable that a manifest of this application may use on this target; later layers win."""
    variables = {_LABELS + name: value for name, value in cluster.metadata.labels.items()}
    variables |= {
        "cluster": target.cluster,
        "namespace": target.namespace,
        "environment": environment.name,
        "application": application.name,
    }
    for layer in (environment.spec, application.spec):
        if layer is not None:
            variables |= layer.variables
            for _, override in overrides_for(layer, cluster):
                variables |= override.variables
    return dict(sorted(variables.items()))


def overrides_for(layer: Rendering, cluster: Cluster) -> tuple[tuple[int, TargetOverride], ...]:
    """Give the overrides that are for this cluster, each with its index."""
    return tuple(
        (index, override)
        for index, override in enumerate(layer.overrides)
        if override.cluster_selector.matches(cluster.metadata.labels)
    )


def expand(
    text: str,
    variables: Mapping[str, str],
    at: Location = NO_PLACE,
    *,
    secret: bool = False,
) -> str:
    """Replace each `${name}` in `text`.

    Raises InvalidInput at `at` for every name that is not in `variables`, with the nearest one that is;
    of a `secret` text nothing is quoted.
    """
    try:
        expanded, unknown = _expand(text, variables, Growth(OBJECT_SIZE))
    except TooLarge as error:
        raise InvalidInput(Problem(at, str(error))) from None
    if unknown:
        raise InvalidInput(*_undefined_at(at, unknown, variables, secret=secret))
    return expanded


def _expand(text: str, variables: Mapping[str, str], growth: Growth) -> tuple[str, list[str | None]]:
    """Give the expanded text and what is undefined in it; None stands for a `${` without its `}`.

    Raises TooLarge.
    """
    unknown: list[str | None] = []

    def value(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name = match[1]
        if name not in variables:
            if len(unknown) < _MOST_PROBLEMS:
                unknown.append(name)
            return ""
        growth.spend(len(variables[name]))
        return variables[name]

    return _REFERENCE.sub(value, text), unknown


def references(value: Json) -> frozenset[str]:
    """Collect the names of the variables that text inside `value` refers to."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return frozenset(name for part in parts for name in references(part))
    found = _REFERENCE.finditer(value) if isinstance(value, str) else ()
    return frozenset(match[1] for match in found if match[1])


def _undefined_at(
    at: Location, unknown: Sequence[str | None], variables: Mapping[str, str], *, secret: bool
) -> list[Problem]:
    return [Problem(at, _undefined(name, variables, secret=secret)) for name in unknown]


def _undefined(name: str | None, variables: Mapping[str, str], *, secret: bool) -> str:
    escape = "write $${ for a literal ${"
    if secret:
        return f"an undefined variable, not shown because it stands in a Secret; {escape}"
    if name is None:
        return f"${{ without its }}; {escape}"
    place = (
        f" on cluster {variables['cluster']}" if name.startswith(_LABELS) and "cluster" in variables else ""
    )
    return f'undefined variable "{name[:63]}"{place}{nearest(name, variables)} ({escape})'


def substitute(
    value: Json,
    variables: Mapping[str, str],
    locate: Callable[..., Location],
    growth: Growth,
    *,
    secret: bool = False,
) -> Json:
    """Expand every text inside `value`, keys excepted; parts without a variable are shared, not copied.

    `locate` gives the place of a pointer below `value`. Raises InvalidInput with all problems, the first
    hundred of them, and TooLarge where `growth` is used up.
    """
    problems: list[Problem] = []

    def walk(part: Any, pointer: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - raw JSON
        if isinstance(part, str):
            if "${" not in part:
                return part
            expanded, unknown = _expand(part, variables, growth)
            if (
                unknown and len(problems) < _MOST_PROBLEMS
            ):  # a place costs another reading of the document, so it is looked up only now
                problems.extend(_undefined_at(locate(*pointer), unknown, variables, secret=secret))
            return expanded
        if isinstance(part, dict):
            changed = {key: walk(inner, (*pointer, key)) for key, inner in part.items()}
            return changed if any(changed[key] is not part[key] for key in part) else part
        if isinstance(part, list):
            items = [walk(inner, (*pointer, index)) for index, inner in enumerate(part)]
            return items if any(new is not old for new, old in zip(items, part, strict=True)) else part
        return part

    result: Json = walk(value, ())
    if problems:
        raise InvalidInput(*problems)
    return result

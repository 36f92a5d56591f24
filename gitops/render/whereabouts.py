"""Problems of one application on many targets: told once, with the targets where these are not all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from gitops.errors import Problem
from gitops.model.catalog import ApplicationSource
from gitops.model.folders import RendererName

_NAMED = 3


def whereabouts(
    found: Mapping[str, Iterable[Problem]], application: ApplicationSource | None
) -> frozenset[Problem]:
    """Give every problem once. `found` has all targets that were tried, those without problems too.

    Only charts make something else for each target; what differs elsewhere names the cluster itself.
    """
    if application is None or application.renderer is not RendererName.HELM:
        return frozenset(problem for problems in found.values() for problem in problems)
    targets: defaultdict[Problem, list[str]] = defaultdict(list)
    for target, problems in found.items():
        for problem in set(problems):
            targets[problem].append(target)
    return frozenset(
        problem if len(where) == len(found) else Problem(problem.location, f"{problem.message}, {_on(where)}")
        for problem, where in targets.items()
    )


def _on(targets: list[str]) -> str:
    rest = len(targets) - _NAMED
    return f"on {', '.join(sorted(targets)[:_NAMED])}" + (f" and {rest} more" if rest > 0 else "")

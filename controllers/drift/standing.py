"""What a place is on now, as whoever looks at its objects needs to know it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from controllers.adapters.kube.client import KubeClient
from gitops.drift import DriftRules
from gitops.errors import InvalidInput
from gitops.objects import Manifest, ObjectKey
from gitops.plan import Scope

CONCURRENT_LOOKS = 16

Manifests: TypeAlias = Callable[[Scope, str, KubeClient], Awaitable[Mapping[ObjectKey, Manifest]]]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a place is on now, and the rules. `empty`: nothing was applied there, so nothing is recorded."""

    revision: str
    rules: DriftRules
    empty: bool = False


def unrendered(error: InvalidInput) -> str:
    """Say in one line why nothing can be compared with what was applied."""
    more = len(error.problems) - 1
    rest = f" (and {more} more)" if more > 0 else ""
    return f"what was applied cannot be rendered: {error.problems[0] if error.problems else error}{rest}"

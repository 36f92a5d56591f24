"""Finds what is wrong with the objects that an API server refused, or that none could be asked about yet.

Schemas tell all that is wrong with an object, and where it is written; a server tells less, and no place.
But the server has the last word: what it took in a dry-run is not judged again.
"""

from __future__ import annotations

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.resources import Discovery
from controllers.rollout.applier import DryRun
from controllers.rollout.observer import Observed
from gitops import validation
from gitops.errors import Problem
from gitops.plan import Plan
from gitops.plan.settle import defined


class Validator:
    """Validates against what one cluster serves, and the definitions that a plan brings itself."""

    def __init__(self, client: KubeClient) -> None:
        self._openapi = client.openapi

    async def problems(self, plan: Plan, tried: DryRun) -> tuple[Problem, ...]:
        """Give what the schemas say of a plan's writes that did not pass. Asks nothing when all did."""
        passed = tried.after.keys() | tried.replacements.keys()
        doubtful = [one.manifest for one in plan.writes if one.manifest is not None and one.key not in passed]
        if not doubtful:
            return ()
        rendered = validation.defined(plan.wanted.manifests)
        served = await self._openapi.schemas(*validation.needed(doubtful, rendered))
        return validation.problems(doubtful, served, rendered)

    async def deprecations(self, plan: Plan) -> tuple[Problem, ...]:
        """Give the wanted objects whose apiVersion this cluster's Kubernetes serves, and warns of."""
        suspects = [one for one in plan.wanted.manifests if validation.removal(one.api_version, one.kind)]
        return validation.deprecations(suspects, await self._openapi.minor()) if suspects else ()

    async def pins(self, plan: Plan, discovery: Discovery) -> tuple[Problem, ...]:
        """Say where this cluster is not what Git told the chart that the plan is from."""
        pins = plan.wanted.pins
        if pins is None:
            return ()
        served = {(resource.api_version, resource.kind) for resource in discovery}
        return pins.warnings(await self._openapi.minor(), served | defined(plan.wanted.manifests).keys())


def unseen(plan: Plan, observed: Observed, tried: DryRun) -> tuple[Problem, ...]:
    """What may be written and not be looked at: nobody can say whose it is."""
    return tuple(
        Problem(planned.manifest.source, f"{planned.key}: {observed.unseen[planned.key]}")
        for planned in plan.objects
        if planned.manifest is not None
        and planned.key in observed.unseen
        and planned.key not in tried.rejected
    )

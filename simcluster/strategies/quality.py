"""A Pod's quality of service, as pkg/apis/core/helper/qos decides it."""

from __future__ import annotations

from simcluster.strategies import amounts
from simcluster.values import JsonObject

BEST_EFFORT, BURSTABLE, GUARANTEED = "BestEffort", "Burstable", "Guaranteed"


def quality_of_service(spec: JsonObject) -> str:
    """Return the class that a Pod of this spec belongs to."""
    own = spec.get("resources")
    if own and (own.get("requests") or own.get("limits")):
        return _of_requirements(own)
    containers = [*spec.get("initContainers", ()), *(spec.get("containers") or ())]
    found = {_of_requirements(container.get("resources", {})) for container in containers}
    if len(found) > 1:
        return BURSTABLE
    return found.pop() if found else BEST_EFFORT


def _of_requirements(resources: JsonObject) -> str:
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    found = {_of_resource(requests.get(name), limits.get(name)) for name in ("cpu", "memory")}
    return found.pop() if len(found) == 1 else BURSTABLE


def _of_resource(request: str | None, limit: str | None) -> str:
    wanted = amounts.amount("0" if request is None else request)
    if wanted != amounts.amount("0" if limit is None else limit):
        return BURSTABLE
    return GUARANTEED if wanted else BEST_EFFORT

"""Requests and limits of containers and Pods."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from simcluster.errors import Cause
from simcluster.strategies import amounts
from simcluster.strategies.validation import formats
from simcluster.strategies.validation.causes import duplicate, prohibited, required, unsupported, wrong
from simcluster.values import JsonObject

NameRule: TypeAlias = Callable[[str, str], tuple[Cause, ...]]

_CONTAINER = frozenset({"cpu", "memory", "ephemeral-storage"})
_POD = ("cpu", "memory")
_HUGE = "hugepages-"
_NATIVE = "kubernetes.io/"
_STANDARD = frozenset(
    {
        "cpu",
        "memory",
        "ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "storage",
        "requests.storage",
        "services.nodeports",
        "services.loadbalancers",
    }
)


@lru_cache(maxsize=1024)
def container_name(name: str, at: str) -> tuple[Cause, ...]:
    """Check a resource that a container asks for."""
    causes = list(resource_name(name, at))
    if "/" not in name:
        if name not in _CONTAINER and not name.startswith(_HUGE):
            causes.append(wrong(at, name, "must be a standard resource for containers"))
    elif not _is_native(name) and not _is_extended(name):
        causes.append(wrong(at, name, "doesn't follow extended resource name standard"))
    return tuple(causes)


def pod_name(name: str, at: str) -> tuple[Cause, ...]:
    """Check a resource that a Pod as a whole asks for."""
    causes = resource_name(name, at)
    if causes or name in _POD or name.startswith(_HUGE):
        return causes
    return (unsupported(at, name, _POD),)


@lru_cache(maxsize=1024)
def resource_name(name: str, at: str) -> tuple[Cause, ...]:
    """Check the name of any resource."""
    faults = formats.qualified_name(name)
    if faults:
        return tuple(wrong(at, name, fault) for fault in faults)
    if "/" not in name and name not in _STANDARD and not name.startswith((_HUGE, f"requests.{_HUGE}")):
        return (wrong(at, name, "must be a standard resource type or fully qualified"),)
    return ()


def is_standard(name: str) -> bool:
    """Whether Kubernetes itself knows a resource of this name."""
    return name in _STANDARD or name.startswith((_HUGE, f"requests.{_HUGE}"))


def _is_native(name: str) -> bool:
    return "/" not in name or _NATIVE in name


def _is_extended(name: str) -> bool:
    if _is_native(name) or name.startswith("requests."):
        return False
    return not formats.qualified_name(f"requests.{name}")


def _overcommits(name: str) -> bool:
    return _is_native(name) and not name.startswith(_HUGE)


def quantity(name: str, text: str, at: str) -> list[Cause]:
    """Refuse a negative amount, and a broken one of what is counted in whole numbers."""
    found = amounts.amount(text)
    causes = []
    if found < 0:
        causes.append(wrong(at, text, "must be greater than or equal to 0"))
    if found % 1 and not _is_native(name):
        causes.append(wrong(at, text, "must be an integer"))
    return causes


def requirements(given: JsonObject, rule: NameRule, claims: frozenset[str], at: str) -> list[Cause]:
    """Check `resources`."""
    causes: list[Cause] = []
    limits, requests = given.get("limits", {}), given.get("requests", {})
    for name, text in limits.items():
        here = f"{at}.limits[{name}]"
        causes += rule(name, here)
        causes += quantity(name, text, here)
    for name, text in requests.items():
        here = f"{at}.requests[{name}]"
        causes += rule(name, here)
        causes += quantity(name, text, here)
        causes += _against_limit(name, text, limits.get(name), at)
    names = {*limits, *requests}
    if any(name.startswith(_HUGE) for name in names) and not names & {"cpu", "memory"}:
        causes.append(prohibited(at, "HugePages require cpu or memory"))
    if "claims" in given:
        causes += _claims(given["claims"], claims, f"{at}.claims")
    return causes


def _against_limit(name: str, request: str, limit: str | None, at: str) -> list[Cause]:
    if limit is None:
        if _overcommits(name):
            return []
        return [required(f"{at}.limits", "Limit must be set for non overcommitable resources")]
    wanted, most = amounts.amount(request), amounts.amount(limit)
    if wanted != most and not _overcommits(name):
        return [wrong(f"{at}.requests", request, f"must be equal to {name} limit of {limit}")]
    if wanted > most:
        return [wrong(f"{at}.requests", request, f"must be less than or equal to {name} limit of {limit}")]
    return []


def _claims(given: list[JsonObject], known: frozenset[str], at: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for number, claim in enumerate(given):
        here, name = f"{at}[{number}]", claim.get("name", "")
        if not name:
            causes.append(required(here))
            continue
        if name in seen:
            causes.append(duplicate(here, name))
        seen.add(name)
        if name not in known:
            listed = f": {', '.join(sorted(known))}" if known else " which is empty"
            text = f'Not found: "{name}": must be one of the names in pod.spec.resourceClaims{listed}'
            causes.append(Cause(here, "FieldValueNotFound", text))
    return causes

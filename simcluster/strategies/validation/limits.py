"""LimitRanges and ResourceQuotas."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.strategies.amounts import amount
from simcluster.strategies.validation import formats, resources, values
from simcluster.strategies.validation.causes import duplicate, prohibited, wrong
from simcluster.values import JsonObject

_LIMIT_KINDS = frozenset({"Pod", "Container", "PersistentVolumeClaim"})


def limit_range(obj: JsonObject) -> list[Cause]:
    """Check a LimitRange."""
    causes: list[Cause] = []
    seen: set[str] = set()
    for number, item in enumerate(obj["spec"].get("limits") or ()):
        at, kind = f"spec.limits[{number}]", item.get("type", "")
        faults = formats.qualified_name(kind)
        causes += values.faulty(kind, faults, f"{at}.type")
        if not faults and "/" not in kind and kind not in _LIMIT_KINDS:
            text = "must be a standard limit type or fully qualified"
            causes.append(wrong(f"{at}.type", kind, text))
        if kind in seen:
            causes.append(duplicate(f"{at}.type", kind))
        seen.add(kind)
        if kind == "Pod":
            for field in ("default", "defaultRequest"):
                if item.get(field):
                    causes.append(prohibited(f"{at}.{field}", "may not be specified when `type` is 'Pod'"))
        causes += _limits(item, at)
    return causes


# What must not be greater than what, whose value and which field the server then shows.
_ORDERED = (
    ("min", "max", "min", "min"),
    ("min", "defaultRequest", "defaultRequest", "defaultRequest"),
    ("defaultRequest", "max", "defaultRequest", "defaultRequest"),
    ("defaultRequest", "default", "defaultRequest", "defaultRequest"),
    ("min", "default", "min", "default"),
    ("default", "max", "max", "default"),
)
_SPELLED = {"defaultRequest": "default request", "default": "default", "min": "min", "max": "max"}


def _limits(item: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    names = sorted({name for field in _SPELLED for name in item.get(field, {})})
    for name in names:
        given = {field: item[field][name] for field in _SPELLED if name in item.get(field, {})}
        for low, high, shown, field in _ORDERED:
            if low in given and high in given and amount(given[low]) > amount(given[high]):
                limit = "default limit" if (low, high) == ("defaultRequest", "default") else _SPELLED[high]
                text = f"{_SPELLED[low]} value {given[low]} is greater than {limit} value {given[high]}"
                causes.append(wrong(f"{at}.{field}[{name}]", given[shown], text))
    return causes


def resource_quota(obj: JsonObject) -> list[Cause]:
    """Check a ResourceQuota's spec."""
    causes: list[Cause] = []
    for name, text in obj["spec"].get("hard", {}).items():
        at = f"spec.hard[{name}]"
        causes += _quota_name(name, at)
        causes += quota_quantity(name, text, at)
    return causes


_INTEGERS = frozenset(
    {
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    }
)


def quota_quantity(name: str, text: str, at: str) -> list[Cause]:
    """Refuse what a quota cannot count."""
    found = amount(text)
    causes = [wrong(at, text, "must be greater than or equal to 0")] if found < 0 else []
    if (name in _INTEGERS or name.startswith("count/")) and found % 1:
        causes.append(wrong(at, text, "must be an integer"))
    return causes


def _quota_name(name: str, at: str) -> list[Cause]:
    causes = list(resources.resource_name(name, at))
    if "/" not in name and not resources.is_standard(name):
        causes.append(wrong(at, name, "must be a standard resource for quota"))
    return causes


def resource_quota_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a ResourceQuota: its scopes stay."""
    after, before = new["spec"].get("scopes", []), old["spec"].get("scopes", [])
    causes = resource_quota(new)
    return (
        causes if set(after) == set(before) else [*causes, wrong("spec.scopes", after, "field is immutable")]
    )

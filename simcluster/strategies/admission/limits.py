"""LimitRanges: defaults for containers' resources (plugin/pkg/admission/limitranger)."""

from __future__ import annotations

from collections.abc import Iterable

from simcluster.values import JsonObject

_ANNOTATION = "kubernetes.io/limit-ranger"


def apply_limit_ranges(pod: JsonObject, ranges: Iterable[JsonObject]) -> None:
    """Give containers the default requests and limits of the namespace's LimitRanges, in place."""
    default, request = _defaults(ranges)
    if not default and not request:
        return
    notes: list[str] = []
    for field, word in (("containers", "container"), ("initContainers", "init container")):
        for container in pod["spec"].get(field) or ():
            resources = container["resources"]
            requests = _complete(resources, "requests", request)
            limits = _complete(resources, "limits", default)
            for kind, found in (("request", requests), ("limit", limits)):
                if found:
                    notes.append(f"{', '.join(found)} {kind} for {word} {container['name']}")
    if notes:
        annotations = pod["metadata"].setdefault("annotations", {})
        annotations[_ANNOTATION] = f"LimitRanger plugin set: {'; '.join(notes)}"


def _defaults(ranges: Iterable[JsonObject]) -> tuple[JsonObject, JsonObject]:
    default: JsonObject = {}
    request: JsonObject = {}
    for each in sorted(ranges, key=lambda found: str(found["metadata"]["name"])):
        for item in each["spec"].get("limits") or ():
            if item.get("type") == "Container":
                default = {**default, **item.get("default", {})}
                request = {**request, **item.get("defaultRequest", {})}
    return default, request


def _complete(resources: JsonObject, field: str, defaults: JsonObject) -> list[str]:
    given = resources.get(field, {})
    added = sorted(name for name in defaults if name not in given)
    if added:
        resources[field] = {**given, **{name: defaults[name] for name in added}}
    return added

"""Completion indexes of Indexed Jobs: their text form `0-2,5`, and the pods that carry them."""

from __future__ import annotations

from collections.abc import Iterable

from simcluster.behaviour import pods as pod_rules
from simcluster.behaviour.meta import annotations_of, spec_of
from simcluster.values import JsonObject

INDEX = "batch.kubernetes.io/job-completion-index"


def parse(found: str) -> set[int]:
    """Read `completedIndexes`."""
    numbers: set[int] = set()
    for part in filter(None, found.split(",")):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return numbers


def text(numbers: Iterable[int]) -> str:
    """Write numbers as `completedIndexes`: two in a row are listed, more are a range."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(_part(part) for part in parts)


def _part(part: list[int]) -> str:
    if len(part) == 1:
        return str(part[0])
    separator = "," if part[-1] - part[0] == 1 else "-"
    return f"{part[0]}{separator}{part[-1]}"


def of(pod: JsonObject) -> int:
    """Return a pod's index, -1 where it has none."""
    found = annotations_of(pod).get(INDEX, "")
    return int(found) if found.isdigit() else -1


def new_pod(job: JsonObject, index: int, suffix: str) -> JsonObject:
    """Return the pod for one index: named by it, and told it in its environment."""
    name = f"{job['metadata']['name']}-{index}"
    pod = pod_rules.from_template(spec_of(job)["template"], job, f"{name}-{suffix}", f"{name}-")
    pod["metadata"].setdefault("annotations", {})[INDEX] = str(index)
    pod["metadata"].setdefault("labels", {})[INDEX] = str(index)
    pod["spec"].setdefault("hostname", name)
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}}
    variable = {"name": "JOB_COMPLETION_INDEX", "valueFrom": source}
    for container in (*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]):
        known = container.get("env") or []
        if all(each["name"] != variable["name"] for each in known):
            container["env"] = [*known, variable]
    return pod

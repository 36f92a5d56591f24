"""The Nodes of a rig's cluster: three, in two zones of one region, larger than any test needs."""

from __future__ import annotations

from typing import Any

COUNT = 3
REGION = "north"
_ZONES = ("a", "b")
_CAPACITY = {"cpu": "32", "memory": "256Gi", "pods": "500"}


def manifests(region: str = REGION) -> list[dict[str, Any]]:
    """Return the Nodes to create. Every one of them is played by kwok; none has a kubelet."""
    return [_node(f"node-{number}", region, _ZONES[number % len(_ZONES)]) for number in range(COUNT)]


def _node(name: str, region: str, zone: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "node.kubernetes.io/instance-type": "kwok",
                "topology.kubernetes.io/region": region,
                "topology.kubernetes.io/zone": f"{region}-{zone}",
            },
        },
        "status": {"allocatable": _CAPACITY, "capacity": _CAPACITY},
    }

"""Compares live objects with manifests by means of its own, sharing nothing with what is tested."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tests.cluster.sim.plane import SimPlane

COLLECTIONS = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
}
_OURS = "gitops-waves"
_INVENTORY = "gitops-waves.io/inventory-of"
_CLUSTER_S_OWN = ("ConfigMap", "kube-root-ca.crt")
_LABELS = {"applyset.kubernetes.io/part-of", "gitops-waves.io/environment"}
_UNITS = {"m": Decimal("0.001"), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30)}

_REPLICAS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")

Objects = dict[tuple[str, str], dict[str, Any]]


def live(plane: SimPlane, namespace: str) -> Objects:
    """All objects of the kinds that are managed, whoever made them; inventories left out."""
    found = {}
    for kind, path in COLLECTIONS.items():
        listing = plane.api.get(path.format(namespace))
        for body in listing["items"]:
            body |= {"apiVersion": listing["apiVersion"], "kind": kind}  # which items of a list leave out
            key = kind, body["metadata"]["name"]
            if key != _CLUSTER_S_OWN and _INVENTORY not in (body["metadata"].get("labels") or {}):
                found[key] = body
    return found


def differences(wanted: Objects, found: Objects) -> list[str]:
    """Say what is missing, too much, otherwise than wanted, or held by us although it is not wanted."""
    said = [f"{key} is missing" for key in sorted(wanted.keys() - found.keys())]
    said += [f"{key} should not be there" for key in sorted(found.keys() - wanted.keys())]
    for key in sorted(wanted.keys() & found.keys()):
        body = found[key]
        if body["metadata"].get("deletionTimestamp"):
            said.append(f"{key} is being deleted")
        said += [f"{key}{path}" for path in _otherwise(wanted[key], body, "")]
        said += [f"{key}{path} is ours and not wanted" for path in _too_much(wanted[key], body)]
        if key[0] == "Deployment" and not _runs(body):
            said.append(f"{key} runs {_counts(body)}")
    return said


def _runs(deployment: dict[str, Any]) -> bool:
    """Whether the cluster's controllers have come to their end with a Deployment."""
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    return status.get("observedGeneration") == deployment["metadata"]["generation"] and [
        status.get(name, 0) for name in _REPLICAS
    ] == [wanted] * len(_REPLICAS)


def _counts(deployment: dict[str, Any]) -> str:
    status = deployment.get("status", {})
    counts = ", ".join(f"{name} {status.get(name, 0)}" for name in _REPLICAS)
    generation = deployment["metadata"]["generation"]
    return f"{counts}; generation {generation}, {status.get('observedGeneration')} observed"


def _otherwise(want: Any, have: Any, path: str) -> list[str]:  # noqa: ANN401 - JSON
    if isinstance(want, dict) and isinstance(have, dict):
        return [
            said for key, value in want.items() for said in _otherwise(value, have.get(key), f"{path}/{key}")
        ]
    if isinstance(want, list) and isinstance(have, list) and _named(want):
        by_name = {item["name"]: item for item in have}
        return [
            said
            for item in want
            for said in _otherwise(item, by_name.get(item["name"]), f"{path}/{item['name']}")
        ]
    if want == have or ("/requests/" in path and _quantity(want) == _quantity(have)):
        return []
    return [f"{path} is {json.dumps(have)}, wanted {json.dumps(want)}"]


def _named(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, dict) and "name" in item for item in items)


def _quantity(text: Any) -> Decimal:  # noqa: ANN401 - JSON
    unit = next((unit for unit in _UNITS if str(text).endswith(unit)), "")
    return Decimal(str(text).removesuffix(unit)) * _UNITS.get(unit, Decimal(1)) if text else Decimal(-1)


def _too_much(want: dict[str, Any], have: dict[str, Any]) -> list[str]:
    """Fields that the API server records as ours."""
    metadata = want["metadata"]
    labels = {**metadata.get("labels", {}), **dict.fromkeys(_LABELS, "")}
    known = {**want, "metadata": {**metadata, "labels": labels}}
    return [
        path
        for entry in have["metadata"].get("managedFields", ())
        if entry["manager"] == _OURS and entry["operation"] == "Apply"
        for path in _unknown(entry["fieldsV1"], known, "")
    ]


def _unknown(fields: dict[str, Any], want: Any, path: str) -> list[str]:  # noqa: ANN401 - JSON
    found = []
    for name, below in fields.items():
        sort, _, key = name.partition(":")
        if sort == "f":
            if not isinstance(want, dict) or key not in want:
                found.append(f"{path}/{key}")
                continue
            found += _unknown(below, want[key], f"{path}/{key}")
        elif sort == "k":
            item = _item(want, json.loads(key))
            found += [f"{path}/{key}"] if item is None else _unknown(below, item, f"{path}/{key}")
    return found


def _item(items: Any, key: dict[str, Any]) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
    """Find the list's item with these keys; a key that the manifest leaves to the default matches."""
    listed = items if isinstance(items, list) else ()
    return next((one for one in listed if all(one.get(k, value) == value for k, value in key.items())), None)

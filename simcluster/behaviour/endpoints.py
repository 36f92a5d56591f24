"""EndpointSlices and Endpoints at work."""

from __future__ import annotations

from simcluster.behaviour import endpointslice
from simcluster.behaviour.client import Client, Component
from simcluster.behaviour.meta import labels_of, spec_of
from simcluster.behaviour.queue import Key
from simcluster.clock import timestamp
from simcluster.values import JsonObject

SERVICES = "services"
SLICES = "discovery.k8s.io/endpointslices"
ENDPOINTS = "endpoints"
_SLICES = Component("endpointslice-controller")
_ENDPOINTS = Component("endpoint-controller")


def sync(client: Client, key: Key) -> None:
    """Write a Service's endpoints where they differ from what its pods say."""
    service = client.get(SERVICES, key.namespace, key.name)
    if service is None:
        left = client.get(ENDPOINTS, key.namespace, key.name)
        if left is not None:
            client.delete(left)
        return
    selector = spec_of(service).get("selector")
    if not selector or spec_of(service).get("type") == "ExternalName":
        return
    pods = [
        stored.object()
        for stored in client.store.items("pods", key.namespace)
        if selector.items() <= stored.labels.items()
    ]
    _write_slices(client, service, endpointslice.slices(service, pods, client.zones()))
    _write_endpoints(client, endpointslice.endpoints(service, pods))


def _write_slices(client: Client, service: JsonObject, wanted: list[JsonObject]) -> None:
    present = client.controlled(service, SLICES)
    for number, each in enumerate(wanted):
        if number >= len(present):
            each["metadata"]["annotations"] = {endpointslice.TRIGGERED: timestamp(client.now)}
            client.create(each, _SLICES)
            continue
        live = present[number]
        same = all((live.get(field) or []) == (each[field] or []) for field in ("endpoints", "ports"))
        if not same or labels_of(live) != labels_of(each):
            changed = {key: each[key] for key in ("endpoints", "ports")}
            metadata = {**live["metadata"], "labels": labels_of(each)}
            client.update({**live, **changed, "metadata": metadata}, _SLICES, found=live)
    for each in present[len(wanted) :]:
        client.delete(each)


def _write_endpoints(client: Client, wanted: JsonObject) -> None:
    metadata = wanted["metadata"]
    live = client.get(ENDPOINTS, metadata["namespace"], metadata["name"])
    if live is None:
        metadata["annotations"] = {endpointslice.TRIGGERED: timestamp(client.now)}
        client.create(wanted, _ENDPOINTS)
    elif live.get("subsets") != wanted.get("subsets") or labels_of(live) != labels_of(wanted):
        merged = {**live["metadata"], "labels": labels_of(wanted)}
        changed = {**live, **wanted, "metadata": merged}
        if "subsets" not in wanted:
            changed.pop("subsets", None)
        client.update(changed, _ENDPOINTS, found=live)

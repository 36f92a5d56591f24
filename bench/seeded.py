"""Simulated clusters that begin with an application rolled out: objects, and the inventory of them.

`python -m bench.seeded --clusters N --objects M --kubeconfig-dir DIR` serves until it is ended. What the
controller takes a while to apply is there at once, just as an apply would have left it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from pathlib import Path
from typing import Any

from gitops.errors import Location
from gitops.fields import FIELD_MANAGER, fields_hash
from gitops.inventory import Entry, Inventory, to_config_maps
from gitops.model.targets import Target
from gitops.objects import Manifest, short_digest
from gitops.plan import Scope, settle
from simcluster.api.options import WriteOptions
from simcluster.cluster import Cluster
from simcluster.fleet import Fleet, Settings
from simcluster.store.records import stored

ENVIRONMENT, APPLICATION, NAMESPACE = "bench", "shop", "shop"
_REVISION = 10
_OURS = WriteOptions(FIELD_MANAGER, force=True)


def manifest(index: int) -> dict[str, Any]:
    """One object of the application, as it is in Git."""
    metadata = {"name": f"config-{index}"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": str(index)}}


def seed(cluster: Cluster, objects: int) -> None:
    """Put so many objects and their inventory into a cluster."""
    namespaces = cluster.registry.of("v1", "Namespace")
    config_maps = cluster.registry.of("v1", "ConfigMap")
    if namespaces is None or config_maps is None:
        raise RuntimeError("the simulation serves no ConfigMaps")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    cluster.api.apply(namespaces, "", NAMESPACE, namespace, _OURS)
    scope = Scope(ENVIRONMENT, APPLICATION, Target(cluster.name, NAMESPACE))
    manifests = [Manifest(manifest(index), Location("config.yaml")) for index in range(objects)]
    settled = settle(manifests, scope, lambda _version, _kind: True).manifests
    cluster.api.apply(config_maps, NAMESPACE, settled[0].key.name, settled[0].body, _OURS)
    template: dict[str, Any] = dict(cluster.api.read(config_maps, NAMESPACE, settled[0].key.name).object())
    entries, records = {}, []
    for number, one in enumerate(settled):
        uid = f"00000000-0000-4000-8000-{hash((cluster.name, number)) & 0xFFFFFFFFFFFF:012x}"
        metadata = {**template["metadata"], "name": one.key.name, "uid": uid}
        live = {**template, "metadata": metadata, "data": one.body["data"]}
        records.append(stored(config_maps.storage, live, _REVISION))
        entries[one.key] = Entry(
            one.key, "v1", digest=short_digest(one.body), fields=fields_hash(metadata), uid=uid
        )
    cluster.store.seed(records)
    for body in to_config_maps(Inventory(*scope, digest="seeded", entries=entries)):
        cluster.api.apply(config_maps, NAMESPACE, body["metadata"]["name"], body, _OURS)


async def _serve(clusters: int, objects: int, folder: Path) -> None:
    async with Fleet(Settings(clusters=clusters)) as fleet:
        for cluster in fleet.clusters.values():
            seed(cluster, objects)
        fleet.write_kubeconfigs(folder)
        gc.collect()
        gc.freeze()
        print("Ctrl-C ends it", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clusters", type=int, required=True)
    parser.add_argument("--objects", type=int, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--kubeconfig-dir", type=Path, required=True)
    given = parser.parse_args()
    asyncio.run(_serve(given.clusters, given.objects, given.kubeconfig_dir))


if __name__ == "__main__":
    main()

"""Claims of volumes: bound to one that is there, else to one that the provisioner of their class makes."""

from __future__ import annotations

from simcluster.behaviour import volume_matching
from simcluster.behaviour.actions import Record
from simcluster.behaviour.client import Client, Component
from simcluster.behaviour.meta import annotations_of, deleting, spec_of, status_of
from simcluster.behaviour.queue import Key
from simcluster.values import JsonObject

CLAIMS = "persistentvolumeclaims"
VOLUMES = "persistentvolumes"
CLASSES = "storage.k8s.io/storageclasses"
_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_BOUND = "pv.kubernetes.io/bind-completed"
_BOUND_BY = "pv.kubernetes.io/bound-by-controller"
_BINDER = Component("persistentvolume-controller")
_PROTECTION = "kubernetes.io/pvc-protection"
_VOLUME_PROTECTION = "kubernetes.io/pv-protection"


def sync_claim(client: Client, key: Key) -> None:
    """Bind a claim to a volume, made where its class can; free one that is deleted and that no pod uses."""
    found = client.get(CLAIMS, key.namespace, key.name)
    if found is None:
        return
    if deleting(found):
        _release(client, found)
    elif status_of(found).get("phase", "Pending") == "Pending":
        _bind(client, found)


def sync_volume(client: Client, key: Key) -> None:
    """Offer a new volume. Delete one whose claim is gone, where it says so; else it is Released."""
    found = client.get(VOLUMES, "", key.name)
    if found is None:
        return
    if deleting(found):
        kept = [each for each in found["metadata"].get("finalizers") or () if each != _VOLUME_PROTECTION]
        client.update({**found, "metadata": {**found["metadata"], "finalizers": kept}}, _BINDER)
        return
    claim = spec_of(found).get("claimRef") or {}
    if not claim.get("uid"):
        _offer(client, found)
        return
    if status_of(found).get("phase") != "Bound":
        return
    living = client.get(CLAIMS, claim.get("namespace", ""), claim["name"])
    if living is not None and living["metadata"]["uid"] == claim.get("uid"):
        return
    if spec_of(found).get("persistentVolumeReclaimPolicy") == "Delete":
        client.delete(found)
    else:
        client.update_status(found, {**status_of(found), "phase": "Released"}, _BINDER)


def unbound(client: Client, pod: JsonObject, nodes: int) -> str:
    """Return why a pod's claims keep it from being placed; "" where they do not."""
    namespace = pod["metadata"]["namespace"]
    for volume in spec_of(pod).get("volumes") or ():
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if name is None:
            continue
        claim = client.get(CLAIMS, namespace, name)
        if claim is None:
            return f'0/{nodes} nodes are available: persistentvolumeclaim "{name}" not found. not found'
        if status_of(claim).get("phase") != "Bound":
            return (
                f"0/{nodes} nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
            )
    return ""


def claimed(pod: JsonObject) -> list[str]:
    """Return the names of the claims that a pod uses."""
    volumes = spec_of(pod).get("volumes") or ()
    names = ((each.get("persistentVolumeClaim") or {}).get("claimName") for each in volumes)
    return [name for name in names if name]


def _class_of(client: Client, claim: JsonObject) -> JsonObject | None:
    name = spec_of(claim).get("storageClassName")
    if name is not None:
        return client.get(CLASSES, "", name) if name else None
    defaults = (each for each in client.items(CLASSES) if annotations_of(each).get(_DEFAULT) == "true")
    return next(defaults, None)


def _bind(client: Client, claim: JsonObject) -> None:
    found = _class_of(client, claim)
    name = spec_of(claim).get("volumeName")
    volume = client.get(VOLUMES, "", name) if name else _fitting(client, claim, found)
    if volume is not None and (volume_matching.is_free(volume) or volume_matching.waits_for(volume, claim)):
        _bind_to(client, claim, volume)
    elif name:
        return  # until the volume is there and free
    elif found is None:
        message = "no persistent volumes available for this claim and no storage class is set"
        client.record(Record(claim, "Normal", "FailedBinding", message), _BINDER)
    else:
        _provision(client, claim, found)


def _offer(client: Client, volume: JsonObject) -> None:
    """Let pending claims see a volume that is nobody's yet, and say that it can be had."""
    if status_of(volume).get("phase", "Pending") == "Pending":
        client.update_status(volume, {**status_of(volume), "phase": "Available"}, _BINDER)
    for claim in client.items(CLAIMS):
        if status_of(claim).get("phase", "Pending") == "Pending" and not deleting(claim):
            _bind(client, claim)


def _fitting(client: Client, claim: JsonObject, class_: JsonObject | None) -> JsonObject | None:
    default = "" if class_ is None else class_["metadata"]["name"]
    class_name = spec_of(claim).get("storageClassName", default)
    return volume_matching.best(claim, client.items(VOLUMES), class_name)


def _bind_to(client: Client, claim: JsonObject, volume: JsonObject) -> None:
    """Let a volume that is there and its claim name each other; annotations tell who said so."""
    metadata, offered = claim["metadata"], spec_of(volume)
    reference = offered.get("claimRef") or {}
    own = volume["metadata"]
    if not reference:
        own = {**own, "annotations": {**annotations_of(volume), _BOUND_BY: "yes"}}
    if not reference.get("uid"):
        spec = {**offered, "claimRef": _reference(claim)}
        volume = client.update({**volume, "metadata": own, "spec": spec}, _BINDER)
    client.update_status(volume, {**status_of(volume), "phase": "Bound"}, _BINDER)
    named = spec_of(claim).get("volumeName")
    told = {**annotations_of(claim), _BOUND: "yes", **({} if named else {_BOUND_BY: "yes"})}
    bound = {**claim, "metadata": {**metadata, "annotations": told}}
    bound["spec"] = {**spec_of(claim), "volumeName": own["name"]}
    bound = client.update(bound, _BINDER)
    modes, capacity = offered.get("accessModes") or [], offered["capacity"]
    client.update_status(bound, {"phase": "Bound", "accessModes": modes, "capacity": capacity}, _BINDER)


def _reference(claim: JsonObject) -> JsonObject:
    metadata = claim["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        **{key: metadata[key] for key in ("namespace", "name", "uid", "resourceVersion")},
    }


def _provision(client: Client, claim: JsonObject, found: JsonObject) -> None:
    metadata, wanted = claim["metadata"], spec_of(claim)
    name = f"pvc-{metadata['uid']}"
    volume = _volume(name, claim, found)
    if client.get(VOLUMES, "", name) is None:
        made = client.create(volume, _BINDER)
        client.update_status(made, {"phase": "Bound"}, _BINDER)
    told = {
        **annotations_of(claim),
        _BOUND: "yes",
        _BOUND_BY: "yes",
        "volume.beta.kubernetes.io/storage-provisioner": found["provisioner"],
        "volume.kubernetes.io/storage-provisioner": found["provisioner"],
    }
    bound = {**claim, "metadata": {**metadata, "annotations": told}}
    bound["spec"] = {**wanted, "volumeName": name, "storageClassName": found["metadata"]["name"]}
    bound = client.update(bound, _BINDER)
    status = {
        "phase": "Bound",
        "accessModes": wanted.get("accessModes") or [],
        "capacity": {"storage": wanted["resources"]["requests"]["storage"]},
    }
    client.update_status(bound, status, _BINDER)
    message = f"Successfully provisioned volume {name}"
    client.record(Record(claim, "Normal", "ProvisioningSucceeded", message), _BINDER)


def _volume(name: str, claim: JsonObject, found: JsonObject) -> JsonObject:
    wanted = spec_of(claim)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": {"pv.kubernetes.io/provisioned-by": found["provisioner"]},
            "finalizers": [_VOLUME_PROTECTION],
        },
        "spec": {
            "accessModes": wanted.get("accessModes") or [],
            "capacity": {"storage": wanted["resources"]["requests"]["storage"]},
            "claimRef": _reference(claim),
            "hostPath": {"path": f"/simcluster/{name}", "type": ""},
            "persistentVolumeReclaimPolicy": found.get("reclaimPolicy", "Delete"),
            "storageClassName": found["metadata"]["name"],
            "volumeMode": wanted.get("volumeMode", "Filesystem"),
        },
    }


def _release(client: Client, claim: JsonObject) -> None:
    """Take the protection off a claim that no pod uses (any more)."""
    finalizers = claim["metadata"].get("finalizers") or []
    if _PROTECTION not in finalizers:
        return
    namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
    if any(name in claimed(pod) for pod in client.items("pods", namespace)):
        return
    kept = [each for each in finalizers if each != _PROTECTION]
    client.update({**claim, "metadata": {**claim["metadata"], "finalizers": kept}}, _BINDER)

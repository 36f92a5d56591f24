"""The rows of volumes, claims and the classes they come from."""

from __future__ import annotations

from datetime import datetime

from simcluster.printing.cells import NONE, UNSET, Row, age, at, elements, name, text
from simcluster.values import JsonObject

_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_BETA_DEFAULT_CLASS = "storageclass.beta.kubernetes.io/is-default-class"


def persistent_volume(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a PersistentVolume."""
    claim = at(obj, "spec.claimRef")
    return [
        name(obj),
        text(obj, "spec.capacity.storage", "0"),
        _modes(elements(obj, "spec.accessModes")),
        text(obj, "spec.persistentVolumeReclaimPolicy"),
        _volume_phase(obj),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class(obj),
        text(obj, "spec.volumeAttributesClassName", UNSET),
        text(obj, "status.reason"),
        age(obj, now),
        text(obj, "spec.volumeMode", UNSET),
    ]


def persistent_volume_claim(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a PersistentVolumeClaim: size and modes are those of the volume it has."""
    bound = text(obj, "spec.volumeName")
    return [
        name(obj),
        _volume_phase(obj),
        bound,
        text(obj, "status.capacity.storage", "0") if bound else "",
        _modes(elements(obj, "status.accessModes")) if bound else "",
        _class(obj),
        text(obj, "spec.volumeAttributesClassName", UNSET),
        age(obj, now),
        text(obj, "spec.volumeMode", UNSET),
    ]


def _volume_phase(obj: JsonObject) -> str:
    return "Terminating" if at(obj, "metadata.deletionTimestamp") else text(obj, "status.phase")


def _modes(modes: list[str]) -> str:
    return ",".join(short for mode, short in _MODES.items() if mode in modes)


def _class(obj: JsonObject) -> str:
    annotations = at(obj, "metadata.annotations") or {}
    return str(annotations.get(_OLD_CLASS, text(obj, "spec.storageClassName")))


def storage_class(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a StorageClass; which one is the default is known for a list only."""
    return [
        name(obj),
        text(obj, "provisioner"),
        text(obj, "reclaimPolicy", "Delete"),
        text(obj, "volumeBindingMode", "Immediate"),
        bool(obj.get("allowVolumeExpansion")),
        age(obj, now),
    ]


def default_storage_class(objects: list[JsonObject]) -> str:
    """Return the default one's name, "" where there is none: the newest of those marked, then by name."""
    marked = [
        obj
        for obj in objects
        for annotations in [at(obj, "metadata.annotations") or {}]
        if "true" in (annotations.get(DEFAULT_CLASS), annotations.get(_BETA_DEFAULT_CLASS))
    ]
    newest = max((text(obj, "metadata.creationTimestamp") for obj in marked), default="")
    return min((name(obj) for obj in marked if text(obj, "metadata.creationTimestamp") == newest), default="")


def volume_attributes_class(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a VolumeAttributesClass."""
    return [name(obj), text(obj, "driverName"), age(obj, now)]


def volume_attachment(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a VolumeAttachment."""
    volume = text(obj, "spec.source.persistentVolumeName")
    attached = bool(at(obj, "status.attached"))
    return [
        name(obj),
        text(obj, "spec.attacher"),
        volume,
        text(obj, "spec.nodeName"),
        attached,
        age(obj, now),
    ]


def csi_node(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a CSINode."""
    return [name(obj), len(elements(obj, "spec.drivers")), age(obj, now)]


def csi_driver(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a CSIDriver."""
    attach, tokens = at(obj, "spec.attachRequired"), at(obj, "spec.tokenRequests")
    return [
        name(obj),
        attach is None or bool(attach),
        bool(at(obj, "spec.podInfoOnMount")),
        bool(at(obj, "spec.storageCapacity")),
        UNSET if tokens is None else ",".join(each.get("audience", "") for each in tokens),
        bool(at(obj, "spec.requiresRepublish")),
        ",".join(elements(obj, "spec.volumeLifecycleModes")) or NONE,
        age(obj, now),
    ]

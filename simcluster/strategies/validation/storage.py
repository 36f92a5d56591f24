"""Claims, volumes and classes of storage."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simcluster.errors import Cause
from simcluster.strategies import amounts
from simcluster.strategies.validation import claims, formats, meta, scheduling, values
from simcluster.strategies.validation.causes import prohibited, required, unsupported, wrong
from simcluster.strategies.validation.internals import difference
from simcluster.values import JsonObject

_MUTABLE_CLAIM = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound "
    "claims\n"
)
_MUTABLE_VOLUME = "spec.persistentvolumesource is immutable after creation\n"
_RECLAIM = ("Delete", "Recycle", "Retain")
_SPEC_FIELDS = frozenset(
    {
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    }
)


def claim(obj: JsonObject) -> list[Cause]:
    """Check a PersistentVolumeClaim."""
    return claims.claim_spec(obj["spec"], "spec")


def claim_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a claim: almost nothing may change, the size of a bound one may grow."""
    causes = claim(new)
    after, before = dict(new["spec"]), dict(old["spec"])
    if not before.get("volumeName") and "volumeName" in after:
        before["volumeName"] = after["volumeName"]
    if "storageClassName" in after and "storageClassName" not in before:
        before["storageClassName"] = after["storageClassName"]
    if new["status"].get("phase") == "Bound":
        after = _with_old_size(after, before)
    if after != before:
        shown = difference("PersistentVolumeClaimSpec", before, after)
        causes.append(prohibited("spec", _MUTABLE_CLAIM + shown))
    causes += _shrunk(new["spec"], old)
    return causes + meta.immutable(new["spec"].get("volumeMode"), old["spec"].get("volumeMode"), "volumeMode")


def _with_old_size(after: JsonObject, before: JsonObject) -> JsonObject:
    resources = after.get("resources", {})
    size = before.get("resources", {}).get("requests", {}).get("storage")
    requests = {**resources.get("requests", {}), "storage": size}
    munged = {**after, "resources": {**resources, "requests": requests}}
    munged.pop("volumeAttributesClassName", None)
    if "volumeAttributesClassName" in before:
        munged["volumeAttributesClassName"] = before["volumeAttributesClassName"]
    return munged


def _shrunk(spec: JsonObject, old: JsonObject) -> list[Cause]:
    def size(holder: JsonObject) -> str:
        return str(holder.get("resources", {}).get("requests", {}).get("storage", "0"))

    wanted = amounts.amount(size(spec))
    has = amounts.amount(str(old["status"].get("capacity", {}).get("storage", "0")))
    if wanted < amounts.amount(size(old["spec"])) and wanted <= has:
        text = "field can not be less than status.capacity"
        return [prohibited("spec.resources.requests.storage", text)]
    return []


def volume(obj: JsonObject) -> list[Cause]:
    """Check a PersistentVolume."""
    spec = obj["spec"]
    modes = spec.get("accessModes", [])
    causes = [] if modes else [required("spec.accessModes")]
    causes += claims.access_modes(modes, "spec.accessModes")
    causes += _capacity(spec.get("capacity", {}))
    causes += values.choice(
        spec["persistentVolumeReclaimPolicy"], _RECLAIM, "spec.persistentVolumeReclaimPolicy"
    )
    required_affinity = spec.get("nodeAffinity", {}).get("required")
    if "nodeAffinity" in spec:
        at = "spec.nodeAffinity.required"
        causes += (
            scheduling.node_selector(required_affinity, at)
            if required_affinity is not None
            else [required(at, "must specify required node constraints")]
        )
    causes += _volume_source(spec)
    name = spec.get("storageClassName", "")
    causes += values.faulty(name, formats.dns_subdomain(name), "spec.storageClassName") if name else []
    return causes + values.optional_choice(spec.get("volumeMode"), claims.VOLUME_MODES, "spec.volumeMode")


def _capacity(capacity: JsonObject) -> list[Cause]:
    causes = [] if capacity else [required("spec.capacity")]
    if "storage" not in capacity or len(capacity) > 1:
        causes.append(unsupported("spec.capacity", capacity or None, ("storage",)))
    for name, text in capacity.items():
        if amounts.amount(text) < 0:
            shown = amounts.whole(text)
            causes.append(wrong(f"spec.capacity[{name}]", shown, "must be a valid resource quantity"))
        if amounts.amount(text) <= 0:
            causes.append(wrong(f"spec.capacity[{name}]", text, "must be greater than zero"))
    return causes


def _volume_source(spec: JsonObject) -> list[Cause]:
    causes: list[Cause] = []
    found = False
    for field, check in _SOURCES.items():
        if field in spec and found:
            causes.append(prohibited(f"spec.{field}", "may not specify more than 1 volume type"))
        elif field in spec:
            found = True
            causes += check(spec[field], f"spec.{field}")
            if field == "local" and "nodeAffinity" not in spec:
                text = "Local volume requires node affinity"
                causes.append(required("spec.nodeAffinity", text))
    if not found:
        causes.append(required("spec", "must specify a volume type"))
    recycles = spec["persistentVolumeReclaimPolicy"] == "Recycle"
    if recycles and spec.get("hostPath", {}).get("path", "x").rstrip("/") == "":
        text = "may not be 'recycle' for a hostPath mount of '/'"
        causes.append(prohibited("spec.persistentVolumeReclaimPolicy", text))
    return causes


def _path(source: JsonObject, at: str) -> list[Cause]:
    path = source.get("path", "")
    return values.no_backsteps(path, f"{at}.path") if path else [required(f"{at}.path")]


def _nfs(source: JsonObject, at: str) -> list[Cause]:
    causes = [required(f"{at}.{field}") for field in ("server", "path") if not source.get(field)]
    path = source.get("path", "")
    return (
        causes if path.startswith("/") else [*causes, wrong(f"{at}.path", path, "must be an absolute path")]
    )


def _csi(source: JsonObject, at: str) -> list[Cause]:
    causes = claims.driver_name(source.get("driver", ""), f"{at}.driver")
    return causes if source.get("volumeHandle") else [*causes, required(f"{at}.volumeHandle")]


def _anything(source: JsonObject, at: str) -> list[Cause]:
    del source, at
    return []


_SOURCES: Mapping[str, Callable[[JsonObject, str], list[Cause]]] = {
    "hostPath": _path,
    "gcePersistentDisk": _anything,
    "awsElasticBlockStore": _anything,
    "glusterfs": _anything,
    "flocker": _anything,
    "nfs": _nfs,
    "rbd": _anything,
    "quobyte": _anything,
    "cephfs": _anything,
    "iscsi": _anything,
    "cinder": _anything,
    "fc": _anything,
    "flexVolume": _anything,
    "azureFile": _anything,
    "vsphereVolume": _anything,
    "photonPersistentDisk": _anything,
    "portworxVolume": _anything,
    "azureDisk": _anything,
    "scaleIO": _anything,
    "local": _path,
    "storageos": _anything,
    "csi": _csi,
}


def volume_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a volume: what it is made of stays."""
    causes = volume(new)
    after, before = (
        {key: value for key, value in each["spec"].items() if key not in _SPEC_FIELDS} for each in (new, old)
    )
    if after != before:
        shown = difference("PersistentVolumeSource", before, after)
        causes.append(prohibited("spec.persistentvolumesource", _MUTABLE_VOLUME + shown))
    return causes + meta.immutable(new["spec"].get("volumeMode"), old["spec"].get("volumeMode"), "volumeMode")


def storage_class(obj: JsonObject) -> list[Cause]:
    """Check a StorageClass."""
    causes: list[Cause] = []
    provisioner = obj.get("provisioner", "")
    if provisioner:
        causes += values.faulty(
            provisioner.lower(), formats.qualified_name(provisioner.lower()), "provisioner"
        )
    causes += [
        wrong("parameters", key, "field can not be empty.") for key in obj.get("parameters", ()) if not key
    ]
    causes += values.optional_choice(obj.get("reclaimPolicy"), ("Delete", "Retain"), "reclaimPolicy")
    modes = ("Immediate", "WaitForFirstConsumer")
    causes += values.optional_choice(obj.get("volumeBindingMode"), modes, "volumeBindingMode")
    return causes if provisioner else [*causes, required("provisioner")]


def storage_class_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a StorageClass: only labels, annotations and a few switches may."""
    return storage_class(new) + [
        wrong(field, None, "field is immutable")
        for field in ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode")
        if new.get(field) != old.get(field)
    ]

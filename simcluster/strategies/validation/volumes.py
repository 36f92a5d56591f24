"""Volumes of Pods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from simcluster.errors import Cause
from simcluster.strategies import amounts
from simcluster.strategies.validation import claims, environment, formats, meta, values
from simcluster.strategies.validation.causes import duplicate, prohibited, required, unsupported, wrong
from simcluster.values import JsonObject

Source: TypeAlias = Callable[[JsonObject, str], list[Cause]]

_MOST_MODE = 0o777
_MODE_TEXT = "must be a number between 0 and 0777 (octal), both inclusive"
_HOST_PATH_KINDS = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_LEAST_TOKEN_SECONDS, _MOST_TOKEN_SECONDS = 600, 1 << 32


def volumes(given: Sequence[JsonObject], owner: str, at: str) -> tuple[dict[str, JsonObject], list[Cause]]:
    """Check `volumes`; return those that are right, by name, and the causes.

    `owner` is the Pod's name, after which claims of ephemeral volumes are called; "" in templates.
    """
    good: dict[str, JsonObject] = {}
    causes: list[Cause] = []
    made = {f"{owner}-{each.get('name', '')}" for each in given if "ephemeral" in each} if owner else set()
    for number, volume in enumerate(given):
        here, name = f"{at}[{number}]", volume.get("name", "")
        found = _source(volume, owner, here)
        faults = formats.dns_label(name) if name else ()
        if faults or not name:
            found += values.name(name, faults, f"{here}.name")
        if name in good:
            found.append(duplicate(f"{here}.name", name))
        if found:
            causes += found
        else:
            good[name] = volume
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim in made:
            text = "must not reference a PVC that gets created for an ephemeral volume"
            causes.append(wrong(f"{here}.persistentVolumeClaim.claimName", claim, text))
    return good, causes


def _source(volume: JsonObject, owner: str, at: str) -> list[Cause]:
    causes: list[Cause] = []
    found = False
    for field, check in _SOURCES.items():
        if field not in volume:
            continue
        if found:
            spelled = _MISSPELT.get(field, field)
            causes.append(prohibited(f"{at}.{spelled}", "may not specify more than 1 volume type"))
            continue
        found = True
        causes += check(volume[field], f"{at}.{field}")
        if field == "ephemeral" and owner and volume.get("name"):
            claim = f"{owner}-{volume['name']}"
            causes += [
                wrong(f"{at}.name", volume["name"], f'PVC name "{claim}": {fault}')
                for fault in formats.dns_subdomain(claim)
            ]
    return causes if found else [required(at, "must specify a volume type")]


def _mode(value: int | None, at: str) -> list[Cause]:
    return [] if value is None or 0 <= value <= _MOST_MODE else [wrong(at, value, _MODE_TEXT)]


def _required(*fields: str) -> Source:
    def check(source: JsonObject, at: str) -> list[Cause]:
        return [required(f"{at}.{field}") for field in fields if not source.get(field)]

    return check


def _empty_dir(source: JsonObject, at: str) -> list[Cause]:
    if amounts.amount(source.get("sizeLimit", "0")) < 0:
        return [prohibited(f"{at}.sizeLimit", "SizeLimit field must be a valid resource quantity")]
    return []


def _host_path(source: JsonObject, at: str) -> list[Cause]:
    if not source.get("path"):
        return [required(f"{at}.path")]
    causes = values.no_backsteps(source["path"], f"{at}.path")
    kind = source.get("type", "")
    return (
        causes if kind in _HOST_PATH_KINDS else [*causes, unsupported(f"{at}.type", kind, _HOST_PATH_KINDS)]
    )


def _items(source: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    for number, item in enumerate(source.get("items", ())):
        here, path = f"{at}.items[{number}]", item.get("path", "")
        causes += [required(f"{here}.{field}") for field in ("key", "path") if not item.get(field)]
        causes += values.local_path(path, f"{here}.path")
        causes += _mode(item.get("mode"), f"{here}.mode")
    return causes


def _secret(source: JsonObject, at: str) -> list[Cause]:
    causes = [] if source.get("secretName") else [required(f"{at}.secretName")]
    return causes + _mode(source.get("defaultMode"), f"{at}.defaultMode") + _items(source, at)


def _config_map(source: JsonObject, at: str) -> list[Cause]:
    causes = [] if source.get("name") else [required(f"{at}.name")]
    return causes + _mode(source.get("defaultMode"), f"{at}.defaultMode") + _items(source, at)


def _nfs(source: JsonObject, at: str) -> list[Cause]:
    causes = _required("server", "path")(source, at)
    path = source.get("path", "")
    return (
        causes if path.startswith("/") else [*causes, wrong(f"{at}.path", path, "must be an absolute path")]
    )


def _downward_file(item: JsonObject, at: str) -> list[Cause]:
    path = item.get("path", "")
    causes = [] if path else [required(f"{at}.path")]
    causes += values.local_path(path, f"{at}.path")
    if "fieldRef" in item:
        causes += environment.field_reference(item["fieldRef"], environment.VOLUME_FIELDS, f"{at}.fieldRef")
        if "resourceFieldRef" in item:
            text = "fieldRef and resourceFieldRef can not be specified simultaneously"
            causes.append(wrong(at, "resource", text))
    elif "resourceFieldRef" in item:
        reference = item["resourceFieldRef"]
        causes += environment.resource_reference(reference, f"{at}.resourceFieldRef", volume=True)
    else:
        causes.append(required(at, "one of fieldRef and resourceFieldRef is required"))
    return causes + _mode(item.get("mode"), f"{at}.mode")


def _downward(source: JsonObject, at: str) -> list[Cause]:
    causes = _mode(source.get("defaultMode"), f"{at}.defaultMode")
    for item in source.get("items", ()):
        causes += _downward_file(item, at)
    return causes


def _projected(source: JsonObject, at: str) -> list[Cause]:
    causes = _mode(source.get("defaultMode"), f"{at}.defaultMode")
    taken: set[str] = set()
    for number, projection in enumerate(source.get("sources") or ()):
        here = f"{at}.sources[{number}]"
        for field in projection:
            causes += _projection(projection[field], field, (at, here), taken)
        if len(projection) > 1:
            causes.append(prohibited(here, "may not specify more than 1 volume type per source"))
    return causes


def _projection(given: JsonObject, field: str, at: tuple[str, str], taken: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    volume, here = at[0], f"{at[1]}.{field}"
    paths: list[tuple[str, str]] = []
    if field in {"secret", "configMap"}:
        causes += [] if given.get("name") else [required(f"{here}.name")]
        causes += _items(given, here)
        paths = [(item.get("path", ""), given.get("name", "")) for item in given.get("items", ())]
    elif field == "downwardAPI":
        for item in given.get("items", ()):
            causes += _downward_file(item, here)
        paths = [(item.get("path", ""), item.get("path", "")) for item in given.get("items", ())]
    elif field == "serviceAccountToken":
        causes += _token(given, volume, here)
        paths = [(given.get("path", ""), given.get("path", ""))]
    for path, shown in paths:
        if path in taken:
            causes.append(wrong(volume, shown, "conflicting duplicate paths"))
        elif path:
            taken.add(path)
    return causes


def _token(given: JsonObject, volume: str, at: str) -> list[Cause]:
    causes: list[Cause] = []
    seconds = given.get("expirationSeconds", 0)
    if seconds < _LEAST_TOKEN_SECONDS:
        text = "may not specify a duration less than 10 minutes"
        causes.append(wrong(f"{at}.expirationSeconds", seconds, text))
    if seconds > _MOST_TOKEN_SECONDS:
        text = "may not specify a duration larger than 2^32 seconds"
        causes.append(wrong(f"{at}.expirationSeconds", seconds, text))
    if not given.get("path"):
        return [*causes, required(f"{volume}.path")]
    return causes + values.local_path(given["path"], f"{volume}.path")


def _csi(source: JsonObject, at: str) -> list[Cause]:
    return claims.driver_name(source.get("driver", ""), f"{at}.driver")


def _ephemeral(source: JsonObject, at: str) -> list[Cause]:
    template = source.get("volumeClaimTemplate")
    here = f"{at}.volumeClaimTemplate"
    if template is None:
        return [required(here)]
    metadata = template.get("metadata", {})
    causes = meta.check_annotations(metadata.get("annotations"), f"{here}.metadata.annotations")
    causes += meta.check_labels(metadata.get("labels"), f"{here}.metadata.labels")
    causes += [
        prohibited(f"{here}.metadata.{field}", "cannot be set")
        for field in metadata
        if field not in {"annotations", "labels"}
    ]
    return causes + claims.claim_spec(template["spec"], f"{here}.spec")


def _image(source: JsonObject, at: str) -> list[Cause]:
    causes = [] if source.get("reference") else [required(f"{at}.reference")]
    policies = ("Always", "IfNotPresent", "Never")
    return causes + values.optional_choice(source.get("pullPolicy"), policies, f"{at}.pullPolicy")


# In the order in which the server looks at them.
_SOURCES: Mapping[str, Source] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "gitRepo": _required("repository"),
    "gcePersistentDisk": _required("pdName"),
    "awsElasticBlockStore": _required("volumeID"),
    "secret": _secret,
    "nfs": _nfs,
    "iscsi": _required("targetPortal", "iqn"),
    "glusterfs": _required("endpoints", "path"),
    "flocker": _required(),
    "persistentVolumeClaim": _required("claimName"),
    "rbd": _required("monitors", "image"),
    "cinder": _required("volumeID"),
    "cephfs": _required("monitors"),
    "quobyte": _required("registry", "volume"),
    "downwardAPI": _downward,
    "fc": _required(),
    "flexVolume": _required("driver"),
    "configMap": _config_map,
    "azureFile": _required("secretName", "shareName"),
    "vsphereVolume": _required("volumePath"),
    "photonPersistentDisk": _required("pdID"),
    "portworxVolume": _required("volumeID"),
    "azureDisk": _required("diskName", "diskURI"),
    "storageos": _required("volumeName"),
    "projected": _projected,
    "scaleIO": _required("gateway", "system", "volumeName"),
    "csi": _csi,
    "ephemeral": _ephemeral,
    "image": _image,
}
_MISSPELT = {"downwardAPI": "downwarAPI", "cephfs": "cephFS"}

"""The specification of a claim, wherever it stands: claims, templates of StatefulSets, ephemeral volumes."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.strategies import amounts
from simcluster.strategies.validation import formats, meta, values
from simcluster.strategies.validation.causes import prohibited, required, too_long, unsupported, wrong
from simcluster.values import JsonObject

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
_LONGEST_DRIVER = 63
_CLAIM = "PersistentVolumeClaim"


def claim_spec(spec: JsonObject, at: str) -> list[Cause]:
    """Check a PersistentVolumeClaimSpec."""
    modes = spec.get("accessModes", [])
    causes = [] if modes else [required(f"{at}.accessModes", "at least 1 access mode is required")]
    causes += meta.label_selector(spec.get("selector"), f"{at}.selector")
    causes += access_modes(modes, f"{at}.accessModes")
    causes += _storage(
        spec.get("resources", {}).get("requests", {}).get("storage"), f"{at}.resources[storage]"
    )
    storage_class = spec.get("storageClassName", "")
    if storage_class:
        causes += values.faulty(storage_class, formats.dns_subdomain(storage_class), f"{at}.storageClassName")
    causes += values.optional_choice(spec.get("volumeMode"), VOLUME_MODES, f"{at}.volumeMode")
    for field in ("dataSource", "dataSourceRef"):
        if field in spec:
            causes += _data_source(spec[field], f"{at}.{field}")
    attributes = spec.get("volumeAttributesClassName", "")
    if attributes:
        causes += values.faulty(
            attributes, formats.dns_subdomain(attributes), f"{at}.volumeAttributesClassName"
        )
    return causes


def access_modes(modes: list[str], at: str) -> list[Cause]:
    """Check access modes against one another."""
    causes = [unsupported(at, mode, ACCESS_MODES) for mode in modes if mode not in ACCESS_MODES]
    if "ReadWriteOncePod" in modes and any(mode in ACCESS_MODES[:3] for mode in modes):
        causes.append(prohibited(at, "may not use ReadWriteOncePod with other access modes"))
    return causes


def _storage(text: str | None, at: str) -> list[Cause]:
    if text is None:
        return [required(at)]
    return [] if amounts.amount(text) > 0 else [wrong(at, text, "must be greater than zero")]


def _data_source(source: JsonObject, at: str) -> list[Cause]:
    causes = [required(f"{at}.{field}") for field in ("name", "kind") if not source.get(field)]
    group, kind = source.get("apiGroup", ""), source.get("kind", "")
    if not group and kind != _CLAIM:
        text = f"must be '{_CLAIM}' when referencing the default apiGroup"
        causes.append(wrong(at, kind, text))
    return causes + (values.faulty(group, formats.dns_subdomain(group), f"{at}.apiGroup") if group else [])


def driver_name(name: str, at: str) -> list[Cause]:
    """Check the name of a CSI driver."""
    if not name:
        return [required(at)]
    causes = [too_long(at, _LONGEST_DRIVER)] if len(name) > _LONGEST_DRIVER else []
    return causes + values.faulty(name, formats.dns_subdomain(name.lower()), at)

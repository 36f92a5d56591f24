"""CustomResourceDefinitions: names, versions, scope. Schemas in depth are left to `simcluster.kinds`."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.strategies.validation import formats, meta, values
from simcluster.strategies.validation.causes import required, wrong
from simcluster.strategies.validation.internals import internal
from simcluster.values import JsonObject

_SHARED = ("schema", "subresources", "additionalPrinterColumns", "selectableFields")
_SCOPES = ("Cluster", "Namespaced")


def definition(obj: JsonObject) -> list[Cause]:
    """Check a new CustomResourceDefinition."""
    spec = obj["spec"]
    expected = f"{spec['names'].get('plural', '')}.{spec.get('group', '')}"
    causes: list[Cause] = []
    name = obj["metadata"].get("name", "")
    if name and name != expected:
        causes.append(wrong("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    return causes + _whole(obj)


def _whole(obj: JsonObject) -> list[Cause]:
    spec = obj["spec"]
    causes = _group(spec.get("group", ""))
    causes += values.choice(spec.get("scope", ""), _SCOPES, "spec.scope")
    versions = spec.get("versions") or []
    for number, version in enumerate(versions):
        if (version.get("schema") or {}).get("openAPIV3Schema") is None:
            causes.append(required(f"spec.versions[{number}].schema.openAPIV3Schema"))
    causes += _versions(spec.get("versions"))
    causes += _names(spec["names"], "spec.names")
    return causes + _stored(obj["status"].get("storedVersions"), versions)


def _group(group: str) -> list[Cause]:
    if not group:
        return [required("spec.group")]
    faults = formats.dns_subdomain(group)
    if faults:
        return [wrong("spec.group", group, ",".join(faults))]
    if "." not in group:
        return [wrong("spec.group", group, "should be a domain with at least one dot")]
    return []


def _versions(given: list[JsonObject] | None) -> list[Cause]:
    causes: list[Cause] = []
    versions = given or []
    names = [version.get("name", "") for version in versions]
    for number, version in enumerate(versions):
        faults = formats.dns_1035_label(names[number])
        if faults:
            causes.append(wrong(f"spec.versions[{number}].name", names[number], ",".join(faults)))
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is not None and not schema.get("type"):
            at = f"spec.versions[{number}].schema.openAPIV3Schema.type"
            causes.append(required(at, "must not be empty at the root"))
    broken = []
    if len(set(names)) < len(names):
        broken.append("must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        broken.append("must have exactly one version marked as storage version")
    if broken:
        shown = [internal("CustomResourceDefinitionVersion", each) for each in _hoisted(versions)]
        causes += [wrong("spec.versions", None if given is None else shown, fault) for fault in broken]
    if names:
        faults = formats.dns_1035_label(names[0])
        if faults:
            causes.append(wrong("spec.version", names[0], ",".join(faults)))
    return causes


def _hoisted(versions: list[JsonObject]) -> list[JsonObject]:
    """Return versions as the internal type has them: what all have in common is kept apart from them."""
    same = {field for field in _SHARED if all(each.get(field) == versions[0].get(field) for each in versions)}
    return [{key: value for key, value in each.items() if key not in same} for each in versions]


def _names(names: JsonObject, at: str) -> list[Cause]:
    causes = [
        required(f"{at}.{field}")
        for field in ("plural", "singular", "kind", "listKind")
        if not names.get(field)
    ]
    for field in ("plural", "singular", "kind", "listKind"):
        value = names.get(field, "")
        faults = (
            formats.dns_1035_label(value.lower() if field in {"kind", "listKind"} else value) if value else ()
        )
        if faults:
            causes.append(wrong(f"{at}.{field}", value, ",".join(faults)))
    for field in ("shortNames", "categories"):
        for number, value in enumerate(names.get(field, ())):
            faults = formats.dns_1035_label(value)
            if faults:
                causes.append(wrong(f"{at}.{field}[{number}]", value, ",".join(faults)))
    if names.get("listKind") and names["listKind"] == names.get("kind"):
        causes.append(wrong(f"{at}.listKind", names["listKind"], "kind and listKind may not be the same"))
    return causes


def _stored(stored: list[str] | None, versions: list[JsonObject]) -> list[Cause]:
    at = "status.storedVersions"
    if not stored:
        return [wrong(at, stored or None, "must have at least one stored version")]
    left = set(stored)
    causes: list[Cause] = []
    for version in versions:
        if version.get("storage") and version.get("name") not in left:
            causes.append(wrong(at, stored, f"must have the storage version {version.get('name', '')}"))
        left.discard(version.get("name", ""))
    for number, name in enumerate(stored):
        if name in left:
            text = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                "spec.versions until a storage migration ensures no data remains persisted in "
                f"{name} and removes {name} from status.storedVersions"
            )
            causes.append(wrong(f"{at}[{number}]", name, text))
    return causes


def definition_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a CustomResourceDefinition: an established one keeps its scope, kind and plural."""
    causes = _whole(new)
    spec, before = new["spec"], old["spec"]
    established = any(
        each.get("type") == "Established" and each.get("status") == "True"
        for each in old["status"].get("conditions") or ()
    )
    if established:
        causes += meta.immutable(spec.get("scope"), before.get("scope"), "spec.scope")
        causes += meta.immutable(spec["names"].get("kind"), before["names"].get("kind"), "spec.names.kind")
    causes += meta.immutable(spec.get("group"), before.get("group"), "spec.group")
    return causes + meta.immutable(
        spec["names"].get("plural"), before["names"].get("plural"), "spec.names.plural"
    )

"""Environment variables of containers, and the fields that they and volumes refer to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from simcluster.errors import Cause
from simcluster.strategies import amounts
from simcluster.strategies.validation import formats, values
from simcluster.strategies.validation.causes import required, unsupported, wrong
from simcluster.values import JsonObject

_ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
# What the API converts at all; what is not among them has its own words.
_CONVERTED = frozenset(
    {*_ENV_FIELDS, *VOLUME_FIELDS, "spec.restartPolicy", "spec.schedulerName", "status.phase"}
)
_RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
_HUGE = ("requests.hugepages-", "limits.hugepages-")
_SIZES = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"
_DIVISORS: Mapping[str, tuple[frozenset[str], str]] = {
    "cpu": (frozenset({"1m", "1"}), "only divisor's values 1m and 1 are supported with the cpu resource"),
    "memory": (
        frozenset(_SIZES.split(", ")),
        f"only divisor's values {_SIZES} are supported with the memory resource",
    ),
    "ephemeral-storage": (
        frozenset(_SIZES.split(", ")),
        f"only divisor's values {_SIZES} are supported with the local ephemeral storage resource",
    ),
}


def variables(given: Sequence[JsonObject], at: str) -> list[Cause]:
    """Check `env`."""
    causes: list[Cause] = []
    for number, variable in enumerate(given):
        name = variable.get("name", "")
        faults = formats.environment_name(name) if name else ()
        if faults or not name:
            causes += values.name(name, faults, f"{at}[{number}].name")
        if "valueFrom" in variable:
            causes += _value_from(variable, f"{at}[{number}].valueFrom")
    return causes


def _value_from(variable: JsonObject, at: str) -> list[Cause]:
    source = variable["valueFrom"]
    causes: list[Cause] = []
    found = 0
    for field, check in _SOURCES.items():
        if field in source:
            found += 1
            causes += check(source[field], f"{at}.{field}")
    if not found:
        listed = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        causes.append(wrong(at, "", f"must specify one of: {listed}"))
    elif variable.get("value"):
        causes.append(wrong(at, "", "may not be specified when `value` is not empty"))
    elif found > 1:
        causes.append(wrong(at, "", "may not have more than one field specified at a time"))
    return causes


def field_reference(reference: JsonObject, allowed: Sequence[str], at: str) -> list[Cause]:
    """Check a `fieldRef`."""
    if not reference.get("apiVersion"):
        return [required(f"{at}.apiVersion")]
    path = reference.get("fieldPath", "")
    if not path:
        return [required(f"{at}.fieldPath")]
    bare, bracket, rest = path.partition("['")
    subscripted = bool(bracket) and rest.endswith("']")
    if not subscripted:
        bare = path
    if bare not in _CONVERTED:
        because = f"error converting fieldPath: field label not supported: {bare}"
        return [wrong(f"{at}.fieldPath", path, because)]
    if not subscripted:
        return [] if bare in allowed else [unsupported(f"{at}.fieldPath", bare, allowed)]
    key = rest[:-2]
    if bare == "metadata.annotations":
        return values.faulty(key.lower(), formats.qualified_name(key.lower()), at)
    if bare == "metadata.labels":
        return values.faulty(key, formats.qualified_name(key), at)
    return [wrong(at, bare, "does not support subscript")]


def resource_reference(reference: JsonObject, at: str, *, volume: bool = False) -> list[Cause]:
    """Check a `resourceFieldRef`."""
    causes: list[Cause] = []
    name = reference.get("resource", "")
    if volume and not reference.get("containerName"):
        causes.append(required(f"{at}.containerName"))
    elif not name:
        causes.append(required(f"{at}.resource"))
    elif name not in _RESOURCES and not name.startswith(_HUGE):
        causes.append(unsupported(f"{at}.resource", name, _RESOURCES))
    divisor = reference.get("divisor", "0")
    rule = _DIVISORS.get(name.partition(".")[2])
    if rule is not None and amounts.amount(divisor) and divisor not in rule[0]:
        causes.append(wrong(f"{at}.divisor", name, rule[1]))
    return causes


def _environment_field(reference: JsonObject, at: str) -> list[Cause]:
    return field_reference(reference, _ENV_FIELDS, at)


def _key(reference: JsonObject, at: str) -> list[Cause]:
    name, key = reference.get("name", ""), reference.get("key", "")
    causes = values.faulty(name, formats.dns_subdomain(name), f"{at}.name")
    return causes + values.name(key, formats.config_key(key) if key else (), f"{at}.key")


def _file_key(reference: JsonObject, at: str) -> list[Cause]:
    key, volume, path = (reference.get(field, "") for field in ("key", "volumeName", "path"))
    causes = values.name(key, formats.environment_name(key), f"{at}.key")
    causes += values.name(volume, formats.dns_label(volume), f"{at}.volumeName")
    return causes + (values.no_backsteps(path, f"{at}.path") if path else [required(f"{at}.path")])


_SOURCES: Mapping[str, Callable[[JsonObject, str], list[Cause]]] = {
    "fieldRef": _environment_field,
    "resourceFieldRef": resource_reference,
    "configMapKeyRef": _key,
    "secretKeyRef": _key,
    "fileKeyRef": _file_key,
}


def sources(given: Sequence[JsonObject], at: str) -> list[Cause]:
    """Check `envFrom`."""
    causes: list[Cause] = []
    for number, source in enumerate(given):
        here, prefix = f"{at}[{number}]", source.get("prefix", "")
        if prefix:
            causes += values.faulty(prefix, formats.environment_name(prefix), f"{here}.prefix")
        found = [field for field in ("configMapRef", "secretRef") if field in source]
        for field in found:
            name = source[field].get("name", "")
            causes += values.name(name, formats.dns_subdomain(formats.masked(name)), f"{here}.{field}.name")
        if not found:
            causes.append(wrong(at, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(found) > 1:
            causes.append(wrong(at, "", "may not have more than one field specified at a time"))
    return causes

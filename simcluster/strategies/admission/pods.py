"""What admission puts into a new Pod: service account, token, tolerations, priority, default limits."""

from __future__ import annotations

from collections.abc import Iterable

from simcluster.errors import ApiError, forbidden
from simcluster.strategies.admission.limits import apply_limit_ranges
from simcluster.strategies.context import Context
from simcluster.strategies.names import suffix
from simcluster.values import JsonObject

_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a folder, not a token
_TOKEN_VOLUME = "kube-api-access-"  # noqa: S105 - a name
_TOKEN_SECONDS = 3607
_MIRROR = "kubernetes.io/config.mirror"
_NOT_READY = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_SYSTEM_CLASSES = {"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}


def admit(pod: JsonObject, context: Context) -> None:
    """Complete a new Pod in place. Raises `ApiError` (403) as the plugins do."""
    namespace = pod["metadata"].get("namespace", "")
    apply_limit_ranges(pod, context.items("limitranges", namespace))
    _give_account(pod, namespace, context)
    _give_tolerations(pod["spec"])
    _give_priority(pod, context)


def admit_update(pod: JsonObject, old: JsonObject) -> None:
    """Keep what admission gave a Pod, where a client left it out."""
    _give_tolerations(pod["spec"])
    for field in ("priority", "preemptionPolicy"):
        if field in old["spec"]:
            pod["spec"].setdefault(field, old["spec"][field])


def _refuse(pod: JsonObject, because: str) -> ApiError:
    return forbidden("pods", "", pod["metadata"].get("name", ""), because)


def _give_account(pod: JsonObject, namespace: str, context: Context) -> None:
    spec = pod["spec"]
    if _MIRROR in pod["metadata"].get("annotations", {}):
        return
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = context.find("serviceaccounts", namespace, name)
    if account is None:
        because = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise _refuse(pod, because)
    wanted = spec.get("automountServiceAccountToken")
    if wanted is None:
        wanted = account.get("automountServiceAccountToken", True)
    if wanted:
        _mount_token(spec, context)
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [{"name": item.get("name", "")} for item in account["imagePullSecrets"]]


def _mount_token(spec: JsonObject, context: Context) -> None:
    volumes = spec.get("volumes", [])
    existing = [volume["name"] for volume in volumes if volume["name"].startswith(_TOKEN_VOLUME)]
    name = existing[0] if existing else _TOKEN_VOLUME + suffix(context.random)
    needed = False
    for container in [*spec.get("initContainers", ()), *(spec.get("containers") or ())]:
        mounts = container.get("volumeMounts", [])
        if all(mount.get("mountPath") != _TOKEN_PATH for mount in mounts):
            mount = {"name": name, "readOnly": True, "mountPath": _TOKEN_PATH}
            container["volumeMounts"] = [*mounts, mount]
            needed = True
    if needed and not existing:
        spec["volumes"] = [*volumes, {"name": name, "projected": _token_sources()}]


def _token_sources() -> JsonObject:
    certificate = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
        {"configMap": certificate},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]
    return {"sources": sources, "defaultMode": 0o644}


def _tolerates(tolerations: Iterable[JsonObject], key: str) -> bool:
    return any(
        each.get("key", "") in {key, ""} and each.get("effect", "") in {"NoExecute", ""}
        for each in tolerations
    )


def _give_tolerations(spec: JsonObject) -> None:
    given = spec.get("tolerations", [])
    missing = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for key in _NOT_READY
        if not _tolerates(given, key)
    ]
    if missing:
        spec["tolerations"] = [*given, *missing]


def _give_priority(pod: JsonObject, context: Context) -> None:
    spec = pod["spec"]
    name = spec.get("priorityClassName", "")
    if name:
        chosen = context.find("priorityclasses.scheduling.k8s.io", "", name) or _system_class(name)
        if chosen is None:
            raise _refuse(pod, f"no PriorityClass with name {name} was found")
    else:
        chosen = _default_class(context)
        if chosen["metadata"]["name"]:
            spec["priorityClassName"] = chosen["metadata"]["name"]
    value = chosen.get("value", 0)
    if spec.get("priority", value) != value:
        because = (
            f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; priority "
            f"admission controller computed {value} from the given PriorityClass name"
        )
        raise _refuse(pod, because)
    policy = chosen.get("preemptionPolicy", "PreemptLowerPriority")
    if spec.get("preemptionPolicy", policy) != policy:
        because = (
            f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod "
            f"spec; priority admission controller computed {policy} from the given PriorityClass name"
        )
        raise _refuse(pod, because)
    spec["priority"], spec["preemptionPolicy"] = value, policy


def _system_class(name: str) -> JsonObject | None:
    value = _SYSTEM_CLASSES.get(name)
    return None if value is None else {"metadata": {"name": name}, "value": value}


def _default_class(context: Context) -> JsonObject:
    """Return the global default with the lowest value; without one, a nameless class of value 0."""
    marked = [
        each for each in context.items("priorityclasses.scheduling.k8s.io", "") if each.get("globalDefault")
    ]
    return min(marked, key=lambda each: int(each.get("value", 0)), default={"metadata": {"name": ""}})

"""apps/v1: Deployments, ReplicaSets, StatefulSets, DaemonSets, ControllerRevisions."""

from __future__ import annotations

from collections.abc import Iterable

from simcluster import selectors
from simcluster.errors import Cause
from simcluster.strategies.validation import claims, formats, meta, pods, values
from simcluster.strategies.validation.causes import prohibited, required, unsupported, wrong
from simcluster.strategies.validation.internals import internal
from simcluster.values import JsonObject

_MISMATCH = "`selector` does not match template `labels`"


def numbers(spec: JsonObject, fields: Iterable[str], at: str) -> list[Cause]:
    """Refuse negative numbers."""
    causes: list[Cause] = []
    for field in fields:
        if spec.get(field, 0) < 0:
            causes += values.non_negative(spec[field], f"{at}.{field}")
    return causes


def _selector(spec: JsonObject, kind: str) -> tuple[list[Cause], bool]:
    """Check `spec.selector`; the flag tells whether it can be used."""
    selector = spec.get("selector")
    if selector is None:
        return [required("spec.selector")], True
    causes = meta.label_selector(selector, "spec.selector")
    usable = not causes
    if not selector:
        causes.append(wrong("spec.selector", selector, f"empty selector is invalid for {kind}"))
    return causes, usable


def _matches(spec: JsonObject) -> list[Cause]:
    labels = spec["template"]["metadata"].get("labels")
    selector = spec.get("selector")
    if selector == {} or (selector is not None and selectors.matches(selector, labels or {})):
        return []
    return [wrong("spec.template.metadata.labels", labels, _MISMATCH)]


def _replica_template(spec: JsonObject) -> list[Cause]:
    causes = _matches(spec) + pods.template(spec["template"], "spec.template")
    return causes + _always_running(spec, "ReplicaSet")


def _always_running(spec: JsonObject, kind: str) -> list[Cause]:
    template, at = spec["template"]["spec"], "spec.template.spec"
    causes: list[Cause] = []
    if template["restartPolicy"] != "Always":
        causes.append(unsupported(f"{at}.restartPolicy", template["restartPolicy"], ("Always",)))
    if "activeDeadlineSeconds" in template:
        text = f"activeDeadlineSeconds in {kind} is not Supported"
        causes.append(prohibited(f"{at}.activeDeadlineSeconds", text))
    return causes


def deployment(obj: JsonObject) -> list[Cause]:
    """Check a Deployment's spec."""
    spec = obj["spec"]
    causes = numbers(spec, ("replicas",), "spec")
    found, usable = _selector(spec, "deployment")
    causes += found
    if usable:
        causes += _replica_template(spec)
    else:
        causes.append(wrong("spec.selector", spec["selector"], "invalid label selector"))
    causes += _deployment_strategy(spec["strategy"])
    causes += numbers(spec, ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"), "spec")
    deadline = spec["progressDeadlineSeconds"]
    if deadline <= spec.get("minReadySeconds", 0):
        causes.append(wrong("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    return causes


def _deployment_strategy(strategy: JsonObject) -> list[Cause]:
    at, rolling = "spec.strategy.rollingUpdate", strategy.get("rollingUpdate")
    if strategy["type"] == "Recreate":
        text = "may not be specified when strategy `type` is 'Recreate'"
        return [prohibited(at, text)] if rolling is not None else []
    if strategy["type"] != "RollingUpdate":
        shown = internal("DeploymentStrategy", strategy)
        return [unsupported("spec.strategy", shown, ("Recreate", "RollingUpdate"))]
    down, up = strategy["rollingUpdate"]["maxUnavailable"], strategy["rollingUpdate"]["maxSurge"]
    causes = values.count_or_percent(down, f"{at}.maxUnavailable")
    causes += values.count_or_percent(up, f"{at}.maxSurge")
    if values.is_zero(down) and values.is_zero(up):
        causes.append(wrong(f"{at}.maxUnavailable", down, "may not be 0 when `maxSurge` is 0"))
    return causes + values.at_most_100_percent(down, f"{at}.maxUnavailable")


def deployment_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a Deployment."""
    return deployment(new) + _same_selector(new, old)


def _same_selector(new: JsonObject, old: JsonObject) -> list[Cause]:
    return meta.immutable(new["spec"].get("selector"), old["spec"].get("selector"), "spec.selector")


def replica_set(obj: JsonObject) -> list[Cause]:
    """Check a ReplicaSet's spec."""
    spec = obj["spec"]
    causes = numbers(spec, ("replicas", "minReadySeconds"), "spec")
    found, usable = _selector(spec, "deployment")
    causes += found
    if usable:
        return causes + _replica_template(spec)
    return [*causes, wrong("spec.selector", spec["selector"], "invalid label selector")]


def replica_set_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a ReplicaSet."""
    return replica_set(new) + _same_selector(new, old)


def daemon_set(obj: JsonObject) -> list[Cause]:
    """Check a DaemonSet's spec."""
    spec = obj["spec"]
    selector = spec.get("selector")
    causes = meta.label_selector(selector, "spec.selector")
    if not causes:
        causes += _matches(spec)
    if selector == {}:
        causes.append(wrong("spec.selector", selector, "empty selector is invalid for daemonset"))
    causes += pods.template(spec["template"], "spec.template")
    causes += _always_running(spec, "DaemonSet")
    causes += numbers(spec, ("minReadySeconds",), "spec")
    causes += _daemon_strategy(spec["updateStrategy"])
    return causes + numbers(spec, ("revisionHistoryLimit",), "spec")


def _daemon_strategy(strategy: JsonObject) -> list[Cause]:
    at = "spec.updateStrategy"
    if strategy["type"] == "OnDelete":
        return []
    if strategy["type"] != "RollingUpdate":
        shown = internal("DaemonSetUpdateStrategy", strategy)
        return [unsupported(at, shown, ("RollingUpdate", "OnDelete"))]
    down, up = strategy["rollingUpdate"]["maxUnavailable"], strategy["rollingUpdate"]["maxSurge"]
    at = f"{at}.rollingUpdate"
    causes = values.count_or_percent(down, f"{at}.maxUnavailable")
    causes += values.count_or_percent(up, f"{at}.maxSurge")
    causes += values.at_most_100_percent(down, f"{at}.maxUnavailable")
    causes += values.at_most_100_percent(up, f"{at}.maxSurge")
    if not values.is_zero(down) and not values.is_zero(up):
        causes.append(wrong(f"{at}.maxSurge", up, "may not be set when maxUnavailable is non-zero"))
    elif values.is_zero(down) and values.is_zero(up):
        causes.append(required(f"{at}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return causes


def daemon_set_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a DaemonSet."""
    return _same_selector(new, old) + daemon_set(new)


def stateful_set(obj: JsonObject) -> list[Cause]:
    """Check a StatefulSet's spec."""
    spec = obj["spec"]
    causes: list[Cause] = []
    if spec["podManagementPolicy"] not in {"OrderedReady", "Parallel"}:
        text = "must be 'OrderedReady' or 'Parallel'"
        causes.append(wrong("spec.podManagementPolicy", spec["podManagementPolicy"], text))
    causes += _stateful_strategy(spec["updateStrategy"])
    for field in ("whenDeleted", "whenScaled"):
        policy, at = (
            spec["persistentVolumeClaimRetentionPolicy"][field],
            "persistentVolumeClaimRetentionPolicy",
        )
        causes += values.choice(policy, ("Retain", "Delete"), f"spec.{at}.{field}")
    for number, claim in enumerate(spec.get("volumeClaimTemplates", ())):
        causes += claims.claim_spec(claim["spec"], f"spec.volumeClaimTemplates[{number}].spec")
    causes += numbers(spec, ("replicas", "minReadySeconds"), "spec")
    causes += values.non_negative(spec.get("ordinals", {}).get("start"), "spec.ordinals.start")
    service = spec.get("serviceName", "")
    if service:
        causes += values.faulty(service, formats.dns_label(service), "spec.serviceName")
    found, usable = _selector(spec, "statefulset")
    causes += found
    if not usable:
        causes.append(wrong("spec.selector", spec["selector"], ""))
    else:
        causes += _matches(spec) + _stateful_template(spec)
    return causes + _always_running(spec, "StatefulSet")


def _stateful_template(spec: JsonObject) -> list[Cause]:
    """Check the template with the volumes of the claims; hostname and subdomain are the controller's."""
    template = spec["template"]
    inside = {key: value for key, value in template["spec"].items() if key not in {"hostname", "subdomain"}}
    names = [claim["metadata"].get("name", "") for claim in spec.get("volumeClaimTemplates", ())]
    if names:
        made = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in dict.fromkeys(names)]
        kept = [volume for volume in inside.get("volumes", ()) if volume.get("name") not in names]
        inside["volumes"] = made + kept
    metadata = template["metadata"]
    causes = pods.template({"metadata": metadata, "spec": inside}, "spec.template")
    causes += meta.check_labels(metadata.get("labels"), "spec.template.labels")
    return causes + meta.check_annotations(metadata.get("annotations"), "spec.template.annotations")


def _stateful_strategy(strategy: JsonObject) -> list[Cause]:
    at, rolling = "spec.updateStrategy", strategy.get("rollingUpdate")
    if strategy["type"] == "OnDelete":
        if rolling is None:
            return []
        shown = internal("RollingUpdateStatefulSetStrategy", rolling)
        return [wrong(f"{at}.rollingUpdate", shown, "only allowed for updateStrategy 'RollingUpdate'")]
    if strategy["type"] != "RollingUpdate":
        shown = internal("StatefulSetUpdateStrategy", strategy)
        return [wrong(at, shown, "must be 'RollingUpdate' or 'OnDelete'")]
    if rolling is None:
        return []
    at = f"{at}.rollingUpdate"
    causes = values.non_negative(rolling["partition"], f"{at}.partition")
    down = rolling["maxUnavailable"]
    causes += values.count_or_percent(down, f"{at}.maxUnavailable")
    if values.is_zero(down):
        causes.append(wrong(f"{at}.maxUnavailable", down, "cannot be 0"))
    return causes + values.at_most_100_percent(down, f"{at}.maxUnavailable")


def stateful_set_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a StatefulSet: the identity of its Pods and volumes stays."""
    causes = stateful_set(new) + _same_selector(new, old)
    for field in ("volumeClaimTemplates", "serviceName", "podManagementPolicy"):
        after, before = new["spec"].get(field), old["spec"].get(field)
        if (after or None) != (before or None):
            shown: object = after
            if field == "volumeClaimTemplates":
                shown = [internal("PersistentVolumeClaim", each) for each in after or ()]
            causes.append(wrong(f"spec.{field}", shown, "field is immutable"))
    return causes


def controller_revision(obj: JsonObject) -> list[Cause]:
    """Check a ControllerRevision."""
    causes = values.non_negative(obj.get("revision", 0), "revision")
    data = obj.get("data")
    if data is None:
        return [*causes, required("data", "data is mandatory")]
    return (
        causes if isinstance(data, dict) else [*causes, required("data", "data must be a valid JSON object")]
    )


def controller_revision_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a ControllerRevision: its data stays."""
    causes = values.non_negative(new.get("revision", 0), "revision")
    return causes + meta.immutable(new.get("data"), old.get("data"), "data")

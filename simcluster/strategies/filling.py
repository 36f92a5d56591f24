"""What PrepareForCreate and PrepareForUpdate of single kinds fill in, beyond statuses and generations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from simcluster.strategies.context import Context
from simcluster.strategies.quality import quality_of_service
from simcluster.values import JsonObject

Create: TypeAlias = Callable[[JsonObject, Context], None]
Update: TypeAlias = Callable[[JsonObject, JsonObject], None]

_KUBERNETES = "kubernetes"
_DATA_SOURCES = {("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot")}


def _namespace(namespace: JsonObject, _: Context) -> None:
    spec = namespace["spec"]
    finalizers = spec.get("finalizers", [])
    if _KUBERNETES not in finalizers:
        spec["finalizers"] = [*finalizers, _KUBERNETES]


def _namespace_again(new: JsonObject, old: JsonObject) -> None:
    new["spec"] = old["spec"]


def _pod(pod: JsonObject, _: Context) -> None:
    pod["status"] = {"phase": "Pending", "qosClass": quality_of_service(pod["spec"])}
    if pod["spec"].get("schedulingGates"):
        pod["status"]["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
                "lastProbeTime": None,
                "lastTransitionTime": None,
            }
        ]
    labels = pod["metadata"].get("labels", {})
    for constraint in pod["spec"].get("topologySpreadConstraints", ()):
        _merge_keys(constraint, "matchLabelKeys", "In", labels)
    affinity = pod["spec"].get("affinity") or {}
    for field in ("podAffinity", "podAntiAffinity"):
        for term in _terms(affinity.get(field) or {}):
            _merge_keys(term, "matchLabelKeys", "In", labels)
            _merge_keys(term, "mismatchLabelKeys", "NotIn", labels)


def _terms(affinity: JsonObject) -> list[JsonObject]:
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution", ())
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", ())
    return [*(each["podAffinityTerm"] for each in preferred), *required]


def _merge_keys(holder: JsonObject, field: str, operator: str, labels: JsonObject) -> None:
    selector = holder.get("labelSelector")
    keys = [key for key in holder.get(field, ()) if key in labels]
    if selector is None or not keys:
        return
    added = [{"key": key, "operator": operator, "values": [labels[key]]} for key in keys]
    holder["labelSelector"] = {
        **selector,
        "matchExpressions": [*selector.get("matchExpressions", ()), *added],
    }


def _pod_status(new: JsonObject, old: JsonObject) -> None:
    if "qosClass" in old["status"]:
        new["status"].setdefault("qosClass", old["status"]["qosClass"])
    if "observedGeneration" in old["status"]:
        new["status"].setdefault("observedGeneration", old["status"]["observedGeneration"])
    seen = {each["type"]: each.get("observedGeneration") for each in old["status"].get("conditions", ())}
    for condition in new["status"].get("conditions", ()):
        if "observedGeneration" not in condition and seen.get(condition["type"]):
            condition["observedGeneration"] = seen[condition["type"]]


def _job(job: JsonObject, _: Context) -> None:
    """Select by the Job's uid, unless the selector is the client's business."""
    spec = job["spec"]
    if spec["manualSelector"]:
        return
    name, uid = job["metadata"].get("name", ""), job["metadata"].get("uid", "")
    metadata = spec["template"]["metadata"]
    labels = metadata.get("labels", {})
    own = job["metadata"].get("labels")
    shared = own is None or own is labels
    made = {
        "job-name": name,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "batch.kubernetes.io/controller-uid": uid,
    }
    metadata["labels"] = {**made, **labels}
    if shared:
        job["metadata"]["labels"] = dict(metadata["labels"])
    selector = spec.get("selector") or {}
    matched = {"batch.kubernetes.io/controller-uid": uid, **selector.get("matchLabels", {})}
    spec["selector"] = {**selector, "matchLabels": matched}


_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def _daemon_set(daemon_set: JsonObject, _: Context) -> None:
    annotations = daemon_set["metadata"].get("annotations", {})
    given = annotations.get(_TEMPLATE_GENERATION, "")
    value = given if given.isdigit() and int(given) > 0 else "1"
    daemon_set["metadata"]["annotations"] = {**annotations, _TEMPLATE_GENERATION: value}


def _daemon_set_again(new: JsonObject, old: JsonObject) -> None:
    number = int(old["metadata"].get("annotations", {}).get(_TEMPLATE_GENERATION, "1"))
    if new["spec"]["template"] != old["spec"]["template"]:
        number += 1
    annotations = new["metadata"].get("annotations", {})
    new["metadata"]["annotations"] = {**annotations, _TEMPLATE_GENERATION: str(number)}


def _volume(volume: JsonObject, context: Context) -> None:
    volume["status"] = {"phase": "Pending", "lastPhaseTransitionTime": context.now}


def _claim(claim: JsonObject, _: Context) -> None:
    spec = claim["spec"]
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    known = source is not None and (source.get("apiGroup") or "", source["kind"]) in _DATA_SOURCES
    if reference is None and source is not None and not known:
        source = None
        del spec["dataSource"]
    if source is not None and reference is None:
        spec["dataSourceRef"] = dict(source)
    elif reference is not None and source is None and not reference.get("namespace"):
        spec["dataSource"] = {key: value for key, value in reference.items() if key != "namespace"}


def _claim_again(new: JsonObject, old: JsonObject) -> None:
    spec = new["spec"]
    for given, other in (("dataSource", "dataSourceRef"), ("dataSourceRef", "dataSource")):
        if given in spec and other not in spec and other in old["spec"]:
            spec[other] = old["spec"][other]


def _service_account(account: JsonObject, _: Context) -> None:
    if account.get("secrets"):
        account["secrets"] = [
            {key: each[key] for key in ("name",) if key in each} for each in account["secrets"]
        ]


def _service_account_again(new: JsonObject, _: JsonObject) -> None:
    if new.get("secrets"):
        new["secrets"] = [{key: each[key] for key in ("name",) if key in each} for each in new["secrets"]]


def _service_again(new: JsonObject, _: JsonObject) -> None:
    if new["spec"]["type"] != "LoadBalancer":
        new["status"] = {**new["status"], "loadBalancer": {}}


def _crd_again(new: JsonObject, old: JsonObject) -> None:
    stored = list(old["status"].get("storedVersions") or ())
    chosen = [version["name"] for version in new["spec"].get("versions") or () if version.get("storage")]
    new["status"] = {
        **new["status"],
        "storedVersions": stored + [name for name in chosen[:1] if name not in stored],
    }


def _limit_range(limits: JsonObject, context: Context) -> None:
    if not limits["metadata"].get("name"):
        limits["metadata"]["name"] = f"limits-{context.random.randrange(0, 1 << 32):08x}"


def _api_service(service: JsonObject, context: Context) -> None:
    if "service" not in service["spec"]:
        service["status"] = {
            "conditions": [
                {
                    "type": "Available",
                    "status": "True",
                    "lastTransitionTime": context.now,
                    "reason": "Local",
                    "message": "Local APIServices are always available",
                }
            ]
        }


CREATE: Mapping[tuple[str, str], Create] = {
    ("", "LimitRange"): _limit_range,
    ("", "Namespace"): _namespace,
    ("", "PersistentVolume"): _volume,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Pod"): _pod,
    ("", "ServiceAccount"): _service_account,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
}
UPDATE: Mapping[tuple[str, str], Update] = {
    ("", "Namespace"): _namespace_again,
    ("", "PersistentVolumeClaim"): _claim_again,
    ("", "Service"): _service_again,
    ("", "ServiceAccount"): _service_account_again,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _crd_again,
    ("apps", "DaemonSet"): _daemon_set_again,
}
STATUS: Mapping[tuple[str, str], Update] = {("", "Pod"): _pod_status}

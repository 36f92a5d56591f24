"""Defaults of apps/v1, batch/v1 and autoscaling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy

from simcluster.values import JsonObject

_MAX_INT32 = 2**31 - 1

CONSTANTS: Mapping[str, JsonObject] = {
    "apps/v1.DaemonSetSpec": {"revisionHistoryLimit": 10},
    "apps/v1.DaemonSetUpdateStrategy": {"type": "RollingUpdate"},
    "apps/v1.DeploymentSpec": {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600},
    "apps/v1.DeploymentStrategy": {"type": "RollingUpdate"},
    "apps/v1.ReplicaSetSpec": {"replicas": 1},
    "apps/v1.RollingUpdateDaemonSet": {"maxUnavailable": 1, "maxSurge": 0},
    "apps/v1.RollingUpdateDeployment": {"maxUnavailable": "25%", "maxSurge": "25%"},
    "apps/v1.StatefulSetPersistentVolumeClaimRetentionPolicy": {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    },
    "apps/v1.StatefulSetSpec": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "podManagementPolicy": "OrderedReady",
    },
    "autoscaling/v1.HorizontalPodAutoscalerSpec": {"minReplicas": 1},
    "autoscaling/v2.HorizontalPodAutoscalerSpec": {"minReplicas": 1},
    "batch/v1.CronJobSpec": {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    },
    "batch/v1.PodFailurePolicyOnPodConditionsPattern": {"status": "True"},
}


def _deployment_strategy(strategy: JsonObject) -> None:
    if strategy["type"] == "RollingUpdate" and "rollingUpdate" not in strategy:
        strategy["rollingUpdate"] = {"maxUnavailable": "25%", "maxSurge": "25%"}


def _daemon_set_strategy(strategy: JsonObject) -> None:
    if strategy["type"] == "RollingUpdate" and "rollingUpdate" not in strategy:
        strategy["rollingUpdate"] = {"maxUnavailable": 1, "maxSurge": 0}


def _stateful_set_spec(spec: JsonObject) -> None:
    strategy = spec["updateStrategy"]
    if "type" not in strategy:
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    if strategy["type"] == "RollingUpdate" and "rollingUpdate" in strategy:
        strategy["rollingUpdate"] = {"partition": 0, "maxUnavailable": 1} | strategy["rollingUpdate"]
    if "persistentVolumeClaimRetentionPolicy" not in spec:
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    for claim in spec.get("volumeClaimTemplates", ()):
        claim["apiVersion"], claim["kind"] = "v1", "PersistentVolumeClaim"


def _job_spec_of_job(spec: JsonObject) -> None:
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", _MAX_INT32 if "backoffLimitPerIndex" in spec else 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")
    spec.setdefault("manualSelector", False)


def _job(job: JsonObject) -> None:
    _job_spec_of_job(job["spec"])
    labels = job["spec"]["template"]["metadata"].get("labels")
    if labels and not job["metadata"].get("labels"):
        # The same map, as in Go: the labels that the server gives the Pods become the Job's too.
        job["metadata"]["labels"] = labels


_CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
_SCALE_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_SCALE_DOWN = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}


def _autoscaler_spec(spec: JsonObject) -> None:
    if not spec.get("metrics"):
        spec["metrics"] = [deepcopy(_CPU)]
    behavior = spec.get("behavior")
    if behavior is not None:
        behavior["scaleUp"] = deepcopy(_SCALE_UP) | behavior.get("scaleUp", {})
        behavior["scaleDown"] = deepcopy(_SCALE_DOWN) | behavior.get("scaleDown", {})


def _autoscaler_v1_spec(spec: JsonObject) -> None:
    spec.setdefault("targetCPUUtilizationPercentage", 80)


FINISHES: Mapping[str, Callable[[JsonObject], None]] = {
    "apps/v1.DaemonSetUpdateStrategy": _daemon_set_strategy,
    "apps/v1.DeploymentStrategy": _deployment_strategy,
    "apps/v1.StatefulSetSpec": _stateful_set_spec,
    "autoscaling/v1.HorizontalPodAutoscalerSpec": _autoscaler_v1_spec,
    "autoscaling/v2.HorizontalPodAutoscalerSpec": _autoscaler_spec,
    "batch/v1.Job": _job,
}

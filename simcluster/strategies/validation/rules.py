"""Which rules hold for which kind: of its name, of a new object, of a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from simcluster.errors import Cause
from simcluster.strategies.validation import (
    access,
    autoscaling,
    core,
    cron_jobs,
    definitions,
    formats,
    jobs,
    limits,
    networking,
    pod_updates,
    pods,
    policies,
    services,
    slices,
    storage,
    webhooks,
    workload_status,
    workloads,
)
from simcluster.strategies.validation.meta import NameRule
from simcluster.values import JsonObject

Create: TypeAlias = Callable[[JsonObject], list[Cause]]
Update: TypeAlias = Callable[[JsonObject, JsonObject], list[Cause]]


@dataclass(frozen=True, slots=True)
class Rules:
    """The checks of one kind beside its metadata; None: nothing more is checked."""

    name: NameRule = formats.dns_subdomain
    create: Create | None = None
    update: Update | None = None
    status: Update | None = None


_WORKLOADS: Mapping[tuple[str, str], Rules] = {
    ("apps", "ControllerRevision"): Rules(
        create=workloads.controller_revision, update=workloads.controller_revision_update
    ),
    ("apps", "DaemonSet"): Rules(
        create=workloads.daemon_set, update=workloads.daemon_set_update, status=workload_status.status
    ),
    ("apps", "Deployment"): Rules(
        create=workloads.deployment, update=workloads.deployment_update, status=workload_status.status
    ),
    ("apps", "ReplicaSet"): Rules(
        create=workloads.replica_set, update=workloads.replica_set_update, status=workload_status.status
    ),
    ("apps", "StatefulSet"): Rules(
        formats.dns_label,
        create=workloads.stateful_set,
        update=workloads.stateful_set_update,
        status=workload_status.status,
    ),
}
_CORE: Mapping[tuple[str, str], Rules] = {
    ("", "ConfigMap"): Rules(create=core.config_map, update=core.config_map_update),
    ("", "Endpoints"): Rules(create=services.endpoints, update=services.endpoints_update),
    ("", "Event"): Rules(create=core.event),
    ("", "LimitRange"): Rules(create=limits.limit_range),
    ("", "Namespace"): Rules(formats.dns_label, create=core.namespace, status=core.namespace_status),
    ("", "Node"): Rules(create=core.node, update=core.node_update),
    ("", "PersistentVolume"): Rules(create=storage.volume, update=storage.volume_update),
    ("", "PersistentVolumeClaim"): Rules(create=storage.claim, update=storage.claim_update),
    ("", "Pod"): Rules(create=pods.create, update=pod_updates.update, status=pods.status),
    ("", "PodTemplate"): Rules(create=core.pod_template, update=core.pod_template_update),
    ("", "ReplicationController"): Rules(
        create=core.replication_controller, update=core.replication_controller_update
    ),
    ("", "ResourceQuota"): Rules(create=limits.resource_quota, update=limits.resource_quota_update),
    ("", "Secret"): Rules(create=core.secret, update=core.secret_update),
    ("", "Service"): Rules(
        formats.dns_label, create=services.create, update=services.update, status=services.status
    ),
    ("", "ServiceAccount"): Rules(),
    ("events.k8s.io", "Event"): Rules(create=core.event),
}
_RBAC = access.GROUP
_WEBHOOKS = Rules(create=webhooks.configuration, update=webhooks.configuration_update)
_ROLE = Rules(formats.path_segment, create=access.role, update=access.role_update)
_BINDING = Rules(formats.path_segment, create=access.binding, update=access.binding_update)
_OTHERS: Mapping[tuple[str, str], Rules] = {
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _WEBHOOKS,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _WEBHOOKS,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Rules(
        create=definitions.definition, update=definitions.definition_update
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): Rules(
        create=autoscaling.autoscaler,
        update=autoscaling.autoscaler_update,
        status=autoscaling.autoscaler_status,
    ),
    ("batch", "CronJob"): Rules(create=cron_jobs.cron_job, update=cron_jobs.cron_job_update),
    ("batch", "Job"): Rules(create=jobs.job, update=jobs.job_update, status=jobs.job_status),
    ("coordination.k8s.io", "Lease"): Rules(create=policies.lease, update=policies.lease_update),
    ("discovery.k8s.io", "EndpointSlice"): Rules(
        create=slices.endpoint_slice, update=slices.endpoint_slice_update
    ),
    ("networking.k8s.io", "Ingress"): Rules(create=networking.ingress, update=networking.ingress_update),
    ("networking.k8s.io", "IngressClass"): Rules(
        create=networking.ingress_class, update=networking.ingress_class_update
    ),
    ("networking.k8s.io", "NetworkPolicy"): Rules(
        create=networking.network_policy, update=networking.network_policy_update
    ),
    ("node.k8s.io", "RuntimeClass"): Rules(
        create=policies.runtime_class, update=policies.runtime_class_update
    ),
    ("policy", "PodDisruptionBudget"): Rules(
        formats.path_segment,
        create=policies.budget,
        update=policies.budget_update,
        status=policies.budget_status,
    ),
    (_RBAC, "ClusterRole"): _ROLE,
    (_RBAC, "ClusterRoleBinding"): _BINDING,
    (_RBAC, "Role"): _ROLE,
    (_RBAC, "RoleBinding"): _BINDING,
    ("scheduling.k8s.io", "PriorityClass"): Rules(
        create=policies.priority_class, update=policies.priority_class_update
    ),
    ("storage.k8s.io", "StorageClass"): Rules(
        create=storage.storage_class, update=storage.storage_class_update
    ),
}
RULES: Mapping[tuple[str, str], Rules] = {**_WORKLOADS, **_CORE, **_OTHERS}

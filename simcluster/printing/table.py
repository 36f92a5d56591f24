"""Tables of meta.k8s.io: what `kubectl get` shows. Columns are the server's own, rows are made here.

A Table always carries the wide columns too (priority 1): to hide them is the client's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import orjson

from simcluster.kinds.kind import Kind
from simcluster.printing import cluster, core, custom, pods, storage, workloads
from simcluster.printing.cells import Row, name, number
from simcluster.printing.partial import V1, partial
from simcluster.values import JsonObject

Include: TypeAlias = Literal["Metadata", "None", "Object"]
Printer: TypeAlias = Callable[[JsonObject, datetime], Row]
_AGE = ({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},)
_COLUMNS = Path(__file__).parent / "columns.json"


def table(
    kind: Kind,
    objects: Iterable[JsonObject],
    now: datetime,
    *,
    include: Include = "Metadata",
    metadata: JsonObject | None = None,
) -> JsonObject:
    """Show objects of one kind as a Table.

    `metadata` is the list's own (resourceVersion, continue, remainingItemCount); without it `objects` is one
    object, whose resourceVersion the Table takes. In a watch only the first Table has columnDefinitions:
    of the others the caller sets them to null.
    """
    shown = _in_order(kind, objects)
    rows = [_row(kind, obj, now, include) for obj in shown]
    if metadata is not None and (kind.group, kind.kind) == ("storage.k8s.io", "StorageClass"):
        _mark(rows, storage.default_storage_class(shown))
    if metadata is None:
        version = (shown[0].get("metadata") or {}).get("resourceVersion") if shown else None
        metadata = {"resourceVersion": version} if version else {}
    return {
        "kind": "Table",
        "apiVersion": V1,
        "metadata": metadata,
        "columnDefinitions": columns(kind),
        "rows": rows or _no_rows(kind),
    }


def columns(kind: Kind) -> list[JsonObject]:
    """Return the column definitions of a kind."""
    known = _builtin_columns()
    if kind.custom is not None:
        first, created = known["default"]
        age = created | {"name": "Age"}
        return [first, *(map(_custom_column, kind.custom.columns) if kind.custom.columns else [age])]
    return known.get(f"{kind.group}/{kind.kind}", known["default"])


def _in_order(kind: Kind, objects: Iterable[JsonObject]) -> list[JsonObject]:
    """List FlowSchemas as they are matched; everything else as it is stored."""
    if kind.kind != "FlowSchema":
        return list(objects)
    return sorted(objects, key=lambda obj: (number(obj, "spec.matchingPrecedence"), name(obj)))


def _no_rows(kind: Kind) -> list[JsonObject] | None:
    """Return what the server has for no rows: null where its generic code or the CRDs' makes the Table."""
    printer = _PRINTERS.get((kind.group, kind.kind), core.created)
    generic = printer in (core.created, cluster.custom_resource_definition)
    return None if generic and kind.custom is None else []


def _row(kind: Kind, obj: JsonObject, now: datetime, include: Include) -> JsonObject:
    row: JsonObject = {"cells": _cells(kind, obj, now)}
    if kind.storage == "pods" and (conditions := pods.pod_conditions(obj)):
        row["conditions"] = conditions
    if include == "None":
        row["object"] = None
    else:
        full = obj if "kind" in obj else {"kind": kind.kind, "apiVersion": kind.api_version, **obj}
        row["object"] = partial(full) if include == "Metadata" else full
    return row


def _cells(kind: Kind, obj: JsonObject, now: datetime) -> Row:
    if kind.custom is not None:
        return custom.row(obj, kind.custom.columns or _AGE, now)
    return _PRINTERS.get((kind.group, kind.kind), core.created)(obj, now)


def _mark(rows: list[JsonObject], default: str) -> None:
    for row in rows:
        if row["cells"][0] == default:
            row["cells"][0] = f"{default} (default)"


def _custom_column(column: Mapping[str, Any]) -> JsonObject:
    path = column["jsonPath"]
    described = f"Custom resource definition column (in JSONPath format): {path}"
    return {
        "name": column["name"],
        "type": column["type"],
        "format": column.get("format", ""),
        "description": column.get("description") or described,
        "priority": column.get("priority", 0),
    }


@cache
def _builtin_columns() -> Mapping[str, list[JsonObject]]:
    fields = ("name", "type", "format", "description", "priority")
    found = orjson.loads(_COLUMNS.read_bytes())
    texts = found["descriptions"]
    return {
        kind: [dict(zip(fields, (*column[:3], texts[column[3]], column[4]), strict=True)) for column in each]
        for kind, each in found["kinds"].items()
    }


_PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "ComponentStatus"): core.component_status,
    ("", "ConfigMap"): core.config_map,
    ("", "Endpoints"): core.endpoints,
    ("", "Event"): core.event,
    ("", "Namespace"): core.namespace,
    ("", "Node"): core.node,
    ("", "PersistentVolume"): storage.persistent_volume,
    ("", "PersistentVolumeClaim"): storage.persistent_volume_claim,
    ("", "Pod"): pods.pod,
    ("", "PodTemplate"): workloads.pod_template,
    ("", "ReplicationController"): workloads.replication_controller,
    ("", "ResourceQuota"): core.resource_quota,
    ("", "Secret"): core.secret,
    ("", "Service"): core.service,
    ("", "ServiceAccount"): core.named,
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): cluster.admission_policy,
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): cluster.admission_policy_binding,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): cluster.webhook_configuration,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): cluster.admission_policy,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): cluster.admission_policy_binding,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): cluster.webhook_configuration,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): cluster.custom_resource_definition,
    ("apiregistration.k8s.io", "APIService"): cluster.api_service,
    ("apps", "ControllerRevision"): workloads.controller_revision,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "ReplicaSet"): workloads.replica_set,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("autoscaling", "HorizontalPodAutoscaler"): workloads.autoscaler,
    ("batch", "CronJob"): workloads.cron_job,
    ("batch", "Job"): workloads.job,
    ("certificates.k8s.io", "CertificateSigningRequest"): cluster.signing_request,
    ("certificates.k8s.io", "ClusterTrustBundle"): cluster.trust_bundle,
    ("certificates.k8s.io", "PodCertificateRequest"): cluster.pod_certificate_request,
    ("coordination.k8s.io", "Lease"): core.lease,
    ("discovery.k8s.io", "EndpointSlice"): cluster.endpoint_slice,
    ("events.k8s.io", "Event"): core.event,
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): cluster.flow_schema,
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): cluster.priority_level,
    ("networking.k8s.io", "IPAddress"): cluster.ip_address,
    ("networking.k8s.io", "Ingress"): cluster.ingress,
    ("networking.k8s.io", "IngressClass"): cluster.ingress_class,
    ("networking.k8s.io", "NetworkPolicy"): cluster.network_policy,
    ("networking.k8s.io", "ServiceCIDR"): cluster.service_cidr,
    ("node.k8s.io", "RuntimeClass"): cluster.runtime_class,
    ("policy", "PodDisruptionBudget"): workloads.disruption_budget,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): cluster.role_binding,
    ("rbac.authorization.k8s.io", "RoleBinding"): cluster.role_binding,
    ("resource.k8s.io", "DeviceClass"): core.named,
    ("resource.k8s.io", "DeviceTaintRule"): cluster.device_taint,
    ("resource.k8s.io", "ResourceClaim"): cluster.resource_claim,
    ("resource.k8s.io", "ResourceClaimTemplate"): core.named,
    ("resource.k8s.io", "ResourceSlice"): cluster.resource_slice,
    ("scheduling.k8s.io", "PriorityClass"): cluster.priority_class,
    ("storage.k8s.io", "CSIDriver"): storage.csi_driver,
    ("storage.k8s.io", "CSINode"): storage.csi_node,
    ("storage.k8s.io", "StorageClass"): storage.storage_class,
    ("storage.k8s.io", "VolumeAttachment"): storage.volume_attachment,
    ("storage.k8s.io", "VolumeAttributesClass"): storage.volume_attributes_class,
    ("storagemigration.k8s.io", "StorageVersionMigration"): cluster.version_migration,
}

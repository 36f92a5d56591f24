"""What kinds differ in while they are written: generations, statuses, whether a PUT may create.

One row a kind, as the strategies of the server's registry have it (pkg/registry/*/*/strategy.go of 1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Field: TypeAlias = tuple[str, ...]
_SPEC: tuple[Field, ...] = (("spec",),)
_METADATA = ("metadata",)


@dataclass(frozen=True, slots=True)
class Traits:
    """How one kind is written.

    `counted`: the fields whose change raises metadata.generation; None: the kind has no generation.
    `status`: a write to the object itself leaves the status as it was. `status_keeps`: what a write to the
    `status` subresource leaves as it was. `orphans`: dependents are kept by default when it is deleted.
    `born_with_status`: a create may set the status. `first_generation`: 0 where only changes count.
    """

    counted: tuple[Field, ...] | None = None
    status: bool = False
    status_keeps: tuple[Field, ...] = _SPEC
    create_on_update: bool = False
    unconditional_update: bool = True
    orphans: bool = False
    born_with_status: bool = False
    first_generation: int = 1


_PLAIN = Traits()
_SPEC_ONLY = Traits(counted=_SPEC)
_WITH_STATUS = Traits(counted=_SPEC, status=True)
_STATUS_ONLY = Traits(status=True)
_UPSERT = Traits(create_on_update=True)
_META_RESET = (("spec",), _METADATA)
_WEBHOOKS = Traits(counted=(("webhooks",),), unconditional_update=False)
_POLICY = Traits(counted=_SPEC, status=True, status_keeps=_META_RESET, unconditional_update=False)
_POD_STATUS_KEEPS = (("spec",), ("metadata", "deletionTimestamp"), ("metadata", "ownerReferences"))

_TABLE: Mapping[str, Traits] = {
    "apps/ControllerRevision": _PLAIN,
    "apps/DaemonSet": _WITH_STATUS,
    "apps/Deployment": Traits(
        counted=(("spec",), ("metadata", "annotations")),
        status=True,
        status_keeps=(("spec",), ("metadata", "labels")),
    ),
    "apps/ReplicaSet": _WITH_STATUS,
    "apps/StatefulSet": _WITH_STATUS,
    "autoscaling/HorizontalPodAutoscaler": _WITH_STATUS,
    "batch/CronJob": _WITH_STATUS,
    "batch/Job": Traits(counted=_SPEC, status=True, orphans=True),
    "certificates.k8s.io/CertificateSigningRequest": _STATUS_ONLY,
    "certificates.k8s.io/ClusterTrustBundle": Traits(unconditional_update=False),
    "coordination.k8s.io/Lease": Traits(create_on_update=True, unconditional_update=False),
    "discovery.k8s.io/EndpointSlice": Traits(
        counted=(("addressType",), ("endpoints",), ("ports",), ("metadata", "labels"))
    ),
    "events.k8s.io/Event": _UPSERT,
    "flowcontrol.apiserver.k8s.io/FlowSchema": Traits(counted=_SPEC, status=True, status_keeps=_META_RESET),
    "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration": Traits(
        counted=_SPEC, status=True, status_keeps=_META_RESET
    ),
    "networking.k8s.io/Ingress": _WITH_STATUS,
    "networking.k8s.io/IngressClass": _SPEC_ONLY,
    "networking.k8s.io/NetworkPolicy": _SPEC_ONLY,
    "networking.k8s.io/ServiceCIDR": Traits(status=True, status_keeps=_META_RESET),
    "node.k8s.io/RuntimeClass": Traits(create_on_update=True, unconditional_update=False),
    "policy/PodDisruptionBudget": Traits(counted=_SPEC, status=True, unconditional_update=False),
    "rbac.authorization.k8s.io/ClusterRole": _UPSERT,
    "rbac.authorization.k8s.io/ClusterRoleBinding": _UPSERT,
    "rbac.authorization.k8s.io/Role": _UPSERT,
    "rbac.authorization.k8s.io/RoleBinding": _UPSERT,
    "resource.k8s.io/DeviceClass": _SPEC_ONLY,
    "resource.k8s.io/ResourceClaim": Traits(status=True, status_keeps=_META_RESET),
    "resource.k8s.io/ResourceSlice": _SPEC_ONLY,
    "scheduling.k8s.io/PriorityClass": Traits(counted=()),
    "storage.k8s.io/CSIDriver": Traits(
        counted=(("spec", "requiresRepublish"), ("spec", "seLinuxMount"), ("spec", "tokenRequests")),
        unconditional_update=False,
        first_generation=0,
    ),
    "storage.k8s.io/CSINode": Traits(status=True, status_keeps=_META_RESET, unconditional_update=False),
    "storage.k8s.io/CSIStorageCapacity": Traits(unconditional_update=False),
    "storage.k8s.io/StorageClass": _PLAIN,
    "storage.k8s.io/VolumeAttachment": Traits(
        status=True, status_keeps=_META_RESET, unconditional_update=False
    ),
    "storagemigration.k8s.io/StorageVersionMigration": Traits(
        status=True, status_keeps=_META_RESET, unconditional_update=False
    ),
    "admissionregistration.k8s.io/MutatingWebhookConfiguration": _WEBHOOKS,
    "admissionregistration.k8s.io/ValidatingWebhookConfiguration": _WEBHOOKS,
    "admissionregistration.k8s.io/ValidatingAdmissionPolicy": _POLICY,
    "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding": Traits(
        counted=_SPEC, unconditional_update=False
    ),
    "admissionregistration.k8s.io/MutatingAdmissionPolicy": Traits(counted=_SPEC, unconditional_update=False),
    "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding": Traits(
        counted=_SPEC, unconditional_update=False
    ),
    "apiextensions.k8s.io/CustomResourceDefinition": Traits(
        counted=_SPEC, status=True, unconditional_update=False
    ),
    "apiregistration.k8s.io/APIService": Traits(status=True, unconditional_update=False),
    "/Endpoints": _UPSERT,
    "/Event": _UPSERT,
    "/LimitRange": _UPSERT,
    "/Namespace": _STATUS_ONLY,
    "/Node": Traits(status=True, born_with_status=True),
    "/PersistentVolume": _STATUS_ONLY,
    "/PersistentVolumeClaim": _STATUS_ONLY,
    "/Pod": Traits(counted=_SPEC, status=True, status_keeps=_POD_STATUS_KEEPS),
    "/PodTemplate": Traits(counted=(("template",),)),
    "/ReplicationController": Traits(counted=_SPEC, status=True, orphans=True),
    "/ResourceQuota": _STATUS_ONLY,
    "/Service": Traits(status=True, create_on_update=True),
}


def of(group: str, kind: str) -> Traits:
    """Return the traits of a built-in kind; those of a plain object where the table does not name it."""
    return _TABLE.get(f"{group}/{kind}", _PLAIN)

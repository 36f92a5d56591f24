"""API versions of Kubernetes' own kinds that went away, or will: since when, and what stands in their place.

From the Deprecated API Migration Guide, https://kubernetes.io/docs/reference/using-api/deprecation-guide/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gitops.errors import Problem
from gitops.objects import Manifest


@dataclass(frozen=True, slots=True)
class Removal:
    """Minor versions of Kubernetes 1: deprecated since, and no longer served from; 0: not decided.

    `replacement` is an apiVersion with an unchanged kind, or a clause.
    """

    deprecated: int
    removed: int
    replacement: str

    def __str__(self) -> str:
        gone = f", removed in 1.{self.removed}" if self.removed else ""
        return f"deprecated in Kubernetes 1.{self.deprecated}{gone}: {self.replacement}"


# apiVersion, kinds, deprecated in, removed in, apiVersion in its place
_TABLE = (
    ("extensions/v1beta1", "DaemonSet Deployment ReplicaSet", 8, 16, "apps/v1"),
    ("extensions/v1beta1", "NetworkPolicy", 9, 16, "networking.k8s.io/v1"),
    ("extensions/v1beta1", "Ingress", 14, 22, "networking.k8s.io/v1"),
    ("apps/v1beta1", "Deployment StatefulSet ReplicaSet", 8, 16, "apps/v1"),
    ("apps/v1beta2", "DaemonSet Deployment ReplicaSet StatefulSet", 9, 16, "apps/v1"),
    (
        "admissionregistration.k8s.io/v1beta1",
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
        16,
        22,
        "admissionregistration.k8s.io/v1",
    ),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", 16, 22, "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", "APIService", 19, 22, "apiregistration.k8s.io/v1"),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest", 19, 22, "certificates.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", "Lease", 19, 22, "coordination.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "Ingress IngressClass", 19, 22, "networking.k8s.io/v1"),
    (
        "rbac.authorization.k8s.io/v1beta1",
        "ClusterRole ClusterRoleBinding Role RoleBinding",
        17,
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    ("scheduling.k8s.io/v1beta1", "PriorityClass", 14, 22, "scheduling.k8s.io/v1"),
    (
        "storage.k8s.io/v1beta1",
        "CSIDriver CSINode StorageClass VolumeAttachment",
        19,
        22,
        "storage.k8s.io/v1",
    ),
    ("batch/v1beta1", "CronJob", 21, 25, "batch/v1"),
    ("discovery.k8s.io/v1beta1", "EndpointSlice", 21, 25, "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", "Event", 22, 25, "events.k8s.io/v1"),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler", 22, 25, "autoscaling/v2"),
    ("policy/v1beta1", "PodDisruptionBudget", 21, 25, "policy/v1"),
    ("node.k8s.io/v1beta1", "RuntimeClass", 22, 25, "node.k8s.io/v1"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", 23, 26, "autoscaling/v2"),
    (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        "FlowSchema PriorityLevelConfiguration",
        23,
        26,
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity", 24, 27, "storage.k8s.io/v1"),
    (
        "flowcontrol.apiserver.k8s.io/v1beta2",
        "FlowSchema PriorityLevelConfiguration",
        26,
        29,
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta3",
        "FlowSchema PriorityLevelConfiguration",
        29,
        32,
        "flowcontrol.apiserver.k8s.io/v1",
    ),
)
_OTHERS = {
    ("policy/v1beta1", "PodSecurityPolicy"): Removal(
        21, 25, "use Pod Security Admission, by labels on the namespace, or a policy engine"
    ),
    ("v1", "Endpoints"): Removal(33, 0, "write EndpointSlice of discovery.k8s.io/v1"),
}
REMOVALS: Mapping[tuple[str, str], Removal] = MappingProxyType(
    {
        **{
            (api_version, kind): Removal(deprecated, removed, f"write {kind} of {replacement}")
            for api_version, kinds, deprecated, removed, replacement in _TABLE
            for kind in kinds.split()
        },
        **_OTHERS,
    }
)


def removal(api_version: str, kind: str) -> Removal | None:
    """Give what became of a kind in this version; None where nothing did."""
    return REMOVALS.get((api_version, kind))


def deprecations(manifests: Iterable[Manifest], minor: int | None = None) -> tuple[Problem, ...]:
    """Give the objects in versions that Kubernetes 1.`minor` warns of, sorted by place; None: any release."""
    found = []
    for manifest in manifests:
        body = manifest.body
        became = removal(str(body.get("apiVersion")), str(body.get("kind")))
        if became is not None and (minor is None or became.deprecated <= minor):
            message = f"{manifest.api_version} {manifest.kind} is {became}"
            found.append(Problem(manifest.at("apiVersion"), message))
    return tuple(sorted(found))

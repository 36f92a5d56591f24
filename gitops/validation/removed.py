"""API versions of Kubernetes' own kinds that went away, or will: since when, and what stands in their place.

As Kubernetes 1.37 has it in the life cycles of its types, and for versions that it has no types of any more,
the Deprecated API Migration Guide, https://kubernetes.io/docs/reference/using-api/deprecation-guide/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gitops.errors import Problem
from gitops.objects import Manifest


@dataclass(frozen=True, slots=True)
class Successor:
    """An apiVersion to write instead; Kubernetes 1.`since` was the first to serve it."""

    api_version: str
    since: int


@dataclass(frozen=True, slots=True)
class Removal:
    """Minor versions of Kubernetes 1: deprecated since, and no longer served from; 0: not decided.

    `kind` is written in a version of `successors`, the newest first; where there are none, `advice` says
    what to do.
    """

    kind: str
    deprecated: int
    removed: int
    successors: tuple[Successor, ...] = ()
    advice: str = ""

    def __str__(self) -> str:
        return self.told()

    def told(self, serves: Callable[[Successor], bool] = lambda _: True) -> str:
        """Say what became of it, with the newest successor that `serves` approves of."""
        gone = f", removed in 1.{self.removed}" if self.removed else ""
        return f"deprecated in Kubernetes 1.{self.deprecated}{gone}: {self._instead(serves)}"

    def _instead(self, serves: Callable[[Successor], bool]) -> str:
        if not self.successors:
            return self.advice
        served = next(filter(serves, self.successors), None)
        if served is not None:
            return f"write {self.kind} of {served.api_version}"
        newest = self.successors[0]
        return f"write {self.kind} of {newest.api_version}, from Kubernetes 1.{newest.since} on"


_ADMISSION = "admissionregistration.k8s.io"
_APPS = "apps/v1@9"
_FLOW = "flowcontrol.apiserver.k8s.io"
_INGRESS = "networking.k8s.io/v1@19"
_RBAC = "rbac.authorization.k8s.io"
# apiVersion, kinds, deprecated in, removed in, apiVersions in its place and since when they are served
_TABLE = (
    ("extensions/v1beta1", "DaemonSet Deployment ReplicaSet", 8, 16, _APPS),
    ("extensions/v1beta1", "NetworkPolicy", 9, 16, "networking.k8s.io/v1@7"),
    ("extensions/v1beta1", "Ingress", 14, 22, f"{_INGRESS} networking.k8s.io/v1beta1@14"),
    ("apps/v1beta1", "ControllerRevision Deployment StatefulSet", 8, 16, _APPS),
    ("apps/v1beta2", "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet", 9, 16, _APPS),
    (
        f"{_ADMISSION}/v1beta1",
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
        16,
        22,
        f"{_ADMISSION}/v1@16",
    ),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", 16, 22, "apiextensions.k8s.io/v1@16"),
    ("apiregistration.k8s.io/v1beta1", "APIService", 19, 22, "apiregistration.k8s.io/v1@10"),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest", 19, 22, "certificates.k8s.io/v1@19"),
    ("coordination.k8s.io/v1beta1", "Lease", 19, 22, "coordination.k8s.io/v1@14"),
    ("networking.k8s.io/v1beta1", "Ingress IngressClass", 19, 22, _INGRESS),
    (f"{_RBAC}/v1beta1", "ClusterRole ClusterRoleBinding Role RoleBinding", 17, 22, f"{_RBAC}/v1@8"),
    ("scheduling.k8s.io/v1beta1", "PriorityClass", 14, 22, "scheduling.k8s.io/v1@14"),
    ("storage.k8s.io/v1beta1", "CSIDriver", 19, 22, "storage.k8s.io/v1@18"),
    ("storage.k8s.io/v1beta1", "CSINode", 17, 22, "storage.k8s.io/v1@17"),
    ("storage.k8s.io/v1beta1", "StorageClass VolumeAttachment", 19, 22, "storage.k8s.io/v1@13"),
    ("storage.k8s.io/v1alpha1", "VolumeAttachment", 21, 24, "storage.k8s.io/v1@13"),
    (
        "storage.k8s.io/v1alpha1",
        "CSIStorageCapacity",
        21,
        24,
        "storage.k8s.io/v1@24 storage.k8s.io/v1beta1@21",
    ),
    ("batch/v1beta1", "CronJob", 21, 25, "batch/v1@21"),
    ("discovery.k8s.io/v1beta1", "EndpointSlice", 21, 25, "discovery.k8s.io/v1@21"),
    ("events.k8s.io/v1beta1", "Event", 22, 25, "events.k8s.io/v1@19"),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler", 22, 25, "autoscaling/v2@23 autoscaling/v2beta2@12"),
    ("policy/v1beta1", "PodDisruptionBudget", 21, 25, "policy/v1@21"),
    ("node.k8s.io/v1beta1", "RuntimeClass", 22, 25, "node.k8s.io/v1@20"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", 23, 26, "autoscaling/v2@23"),
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity", 24, 27, "storage.k8s.io/v1@24"),
    (
        f"{_FLOW}/v1beta1",
        "FlowSchema PriorityLevelConfiguration",
        23,
        26,
        f"{_FLOW}/v1@29 {_FLOW}/v1beta3@26 {_FLOW}/v1beta2@23",
    ),
    (
        f"{_FLOW}/v1beta2",
        "FlowSchema PriorityLevelConfiguration",
        26,
        29,
        f"{_FLOW}/v1@29 {_FLOW}/v1beta3@26",
    ),
    (f"{_FLOW}/v1beta3", "FlowSchema PriorityLevelConfiguration", 29, 32, f"{_FLOW}/v1@29"),
    (
        f"{_ADMISSION}/v1alpha1",
        "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
        29,
        32,
        f"{_ADMISSION}/v1@30 {_ADMISSION}/v1beta1@28",
    ),
    (
        f"{_ADMISSION}/v1beta1",
        "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
        31,
        34,
        f"{_ADMISSION}/v1@30",
    ),
    (
        f"{_ADMISSION}/v1alpha1",
        "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding",
        35,
        38,
        f"{_ADMISSION}/v1@36 {_ADMISSION}/v1beta1@34",
    ),
    (
        f"{_ADMISSION}/v1beta1",
        "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding",
        37,
        40,
        f"{_ADMISSION}/v1@36",
    ),
    (
        "storage.k8s.io/v1alpha1",
        "VolumeAttributesClass",
        32,
        35,
        "storage.k8s.io/v1@34 storage.k8s.io/v1beta1@31",
    ),
    ("storage.k8s.io/v1beta1", "VolumeAttributesClass", 34, 37, "storage.k8s.io/v1@34"),
    ("networking.k8s.io/v1beta1", "IPAddress ServiceCIDR", 34, 37, "networking.k8s.io/v1@33"),
    (
        "certificates.k8s.io/v1alpha1",
        "ClusterTrustBundle",
        34,
        37,
        "certificates.k8s.io/v1@37 certificates.k8s.io/v1beta1@33",
    ),
    (
        "certificates.k8s.io/v1beta1",
        "ClusterTrustBundle PodCertificateRequest",
        37,
        40,
        "certificates.k8s.io/v1@37",
    ),
    (
        "resource.k8s.io/v1beta1",
        "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
        35,
        38,
        "resource.k8s.io/v1@34",
    ),
    (
        "resource.k8s.io/v1beta2",
        "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
        36,
        39,
        "resource.k8s.io/v1@34",
    ),
    (
        "resource.k8s.io/v1alpha3",
        "DeviceTaintRule",
        36,
        39,
        "resource.k8s.io/v1@37 resource.k8s.io/v1beta2@36",
    ),
    ("coordination.k8s.io/v1alpha2", "LeaseCandidate", 35, 38, "coordination.k8s.io/v1beta1@33"),
    ("storagemigration.k8s.io/v1beta1", "StorageVersionMigration", 37, 40, "storagemigration.k8s.io/v1@37"),
)
_OTHERS = (
    (
        "policy/v1beta1",
        Removal(
            "PodSecurityPolicy",
            21,
            25,
            advice="use Pod Security Admission, by labels on the namespace, or a policy engine",
        ),
    ),
    ("v1", Removal("Endpoints", 33, 0, advice="write EndpointSlice of discovery.k8s.io/v1")),
)


def _successor(text: str) -> Successor:
    api_version, _, since = text.partition("@")
    return Successor(api_version, int(since))


REMOVALS: Mapping[tuple[str, str], Removal] = MappingProxyType(
    {
        **{
            (api_version, kind): Removal(kind, deprecated, removed, tuple(map(_successor, instead.split())))
            for api_version, kinds, deprecated, removed, instead in _TABLE
            for kind in kinds.split()
        },
        **{(api_version, removal.kind): removal for api_version, removal in _OTHERS},
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
            told = became.told(lambda one: minor is None or one.since <= minor)
            message = f"{manifest.api_version} {manifest.kind} is {told}"
            found.append(Problem(manifest.at("apiVersion"), message))
    return tuple(sorted(found))

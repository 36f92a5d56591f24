"""Defaults of networking, storage, rbac, scheduling, discovery, admission registration and CRDs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simcluster.values import JsonObject

_RBAC = "rbac.authorization.k8s.io"
_WEBHOOK: JsonObject = {
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "timeoutSeconds": 10,
}

CONSTANTS: Mapping[str, JsonObject] = {
    "admissionregistration/v1.MatchResources": {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
    },
    "admissionregistration/v1.MutatingAdmissionPolicySpec": {"failurePolicy": "Fail"},
    "admissionregistration/v1.MutatingWebhook": {**_WEBHOOK, "reinvocationPolicy": "Never"},
    "admissionregistration/v1.RuleWithOperations": {"scope": "*"},
    "admissionregistration/v1.NamedRuleWithOperations": {"scope": "*"},
    "admissionregistration/v1.ServiceReference": {"port": 443},
    "admissionregistration/v1.ValidatingAdmissionPolicySpec": {"failurePolicy": "Fail"},
    "admissionregistration/v1.ValidatingWebhook": _WEBHOOK,
    "apiextensions/v1.CustomResourceDefinitionSpec": {"conversion": {"strategy": "None"}},
    "apiextensions/v1.ServiceReference": {"port": 443},
    "apiregistration/v1.ServiceReference": {"port": 443},
    "discovery/v1.EndpointPort": {"name": "", "protocol": "TCP"},
    "networking/v1.IngressClassParametersReference": {"scope": "Cluster"},
    "networking/v1.NetworkPolicyPort": {"protocol": "TCP"},
    "rbac/v1.RoleRef": {"apiGroup": _RBAC},
    "resource/v1.DeviceToleration": {"operator": "Equal"},
    "scheduling/v1.PriorityClass": {"preemptionPolicy": "PreemptLowerPriority"},
    "storage/v1.CSIDriverSpec": {
        "attachRequired": True,
        "podInfoOnMount": False,
        "storageCapacity": False,
        "fsGroupPolicy": "ReadWriteOnceWithFSType",
        "requiresRepublish": False,
        "seLinuxMount": False,
        "preventPodSchedulingIfMissing": False,
        "volumeLifecycleModes": ["Persistent"],
    },
    "storage/v1.StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
}


def _subject(subject: JsonObject) -> None:
    if subject.get("kind") in {"User", "Group"}:
        subject.setdefault("apiGroup", _RBAC)


def _network_policy_spec(spec: JsonObject) -> None:
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _crd(crd: JsonObject) -> None:
    names = crd["spec"]["names"]
    kind = names.get("kind", "")
    names.setdefault("singular", kind.lower())
    if kind:
        names.setdefault("listKind", f"{kind}List")
    if not crd["status"].get("storedVersions"):
        stored = [version["name"] for version in crd["spec"].get("versions") or () if version.get("storage")]
        crd["status"]["storedVersions"] = stored[:1]


FINISHES: Mapping[str, Callable[[JsonObject], None]] = {
    "apiextensions/v1.CustomResourceDefinition": _crd,
    "networking/v1.NetworkPolicySpec": _network_policy_spec,
    "rbac/v1.Subject": _subject,
}

"""Which fields of Kubernetes' own kinds an API server insists on, of those that its schemas call required.

A schema's `required` says that a field has no `omitempty` in Go, not that a server refuses an object without
it: a header's `value`, `spec` of a CSIDriver and others may be left out. These are the fields without which
Kubernetes 1.37 refused every object of tests/cases/validation/valid.yaml that has them, as
tests/cluster/test_validation.py asks again; any other is left to the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ENFORCED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "api.admissionregistration.v1.AuditAnnotation": (
            "key",
            "valueExpression",
        ),
        "api.admissionregistration.v1.MatchCondition": (
            "expression",
            "name",
        ),
        "api.admissionregistration.v1.MutatingWebhook": (
            "admissionReviewVersions",
            "clientConfig",
            "name",
            "sideEffects",
        ),
        "api.admissionregistration.v1.ServiceReference": (
            "name",
            "namespace",
        ),
        "api.admissionregistration.v1.ValidatingAdmissionPolicyBinding": ("spec",),
        "api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec": (
            "policyName",
            "validationActions",
        ),
        "api.admissionregistration.v1.ValidatingWebhook": (
            "admissionReviewVersions",
            "clientConfig",
            "name",
            "sideEffects",
        ),
        "api.admissionregistration.v1.Validation": ("expression",),
        "api.admissionregistration.v1.Variable": (
            "expression",
            "name",
        ),
        "api.apps.v1.DaemonSet": ("spec",),
        "api.apps.v1.DaemonSetSpec": (
            "selector",
            "template",
        ),
        "api.apps.v1.Deployment": ("spec",),
        "api.apps.v1.DeploymentSpec": (
            "selector",
            "template",
        ),
        "api.apps.v1.ReplicaSet": ("spec",),
        "api.apps.v1.ReplicaSetSpec": ("selector",),
        "api.apps.v1.StatefulSet": ("spec",),
        "api.apps.v1.StatefulSetSpec": (
            "selector",
            "template",
        ),
        "api.autoscaling.v2.ContainerResourceMetricSource": (
            "container",
            "name",
            "target",
        ),
        "api.autoscaling.v2.CrossVersionObjectReference": (
            "kind",
            "name",
        ),
        "api.autoscaling.v2.ExternalMetricSource": (
            "metric",
            "target",
        ),
        "api.autoscaling.v2.HPAScalingPolicy": (
            "periodSeconds",
            "type",
            "value",
        ),
        "api.autoscaling.v2.HorizontalPodAutoscaler": ("spec",),
        "api.autoscaling.v2.HorizontalPodAutoscalerSpec": (
            "maxReplicas",
            "scaleTargetRef",
        ),
        "api.autoscaling.v2.MetricIdentifier": ("name",),
        "api.autoscaling.v2.MetricSpec": ("type",),
        "api.autoscaling.v2.MetricTarget": ("type",),
        "api.autoscaling.v2.ObjectMetricSource": (
            "describedObject",
            "metric",
            "target",
        ),
        "api.autoscaling.v2.PodsMetricSource": (
            "metric",
            "target",
        ),
        "api.autoscaling.v2.ResourceMetricSource": (
            "name",
            "target",
        ),
        "api.batch.v1.CronJob": ("spec",),
        "api.batch.v1.CronJobSpec": (
            "jobTemplate",
            "schedule",
        ),
        "api.batch.v1.JobSpec": ("template",),
        "api.batch.v1.PodFailurePolicyOnExitCodesRequirement": (
            "operator",
            "values",
        ),
        "api.batch.v1.PodFailurePolicyOnPodConditionsPattern": ("type",),
        "api.batch.v1.PodFailurePolicyRule": ("action",),
        "api.batch.v1.SuccessPolicy": ("rules",),
        "api.core.v1.AppArmorProfile": ("type",),
        "api.core.v1.CSIVolumeSource": ("driver",),
        "api.core.v1.ConfigMapKeySelector": ("key",),
        "api.core.v1.Container": ("name",),
        "api.core.v1.ContainerPort": ("containerPort",),
        "api.core.v1.ContainerResizePolicy": (
            "resourceName",
            "restartPolicy",
        ),
        "api.core.v1.DownwardAPIVolumeFile": ("path",),
        "api.core.v1.EndpointAddress": ("ip",),
        "api.core.v1.EndpointPort": ("port",),
        "api.core.v1.EnvVar": ("name",),
        "api.core.v1.GRPCAction": ("port",),
        "api.core.v1.HTTPGetAction": ("port",),
        "api.core.v1.HTTPHeader": ("name",),
        "api.core.v1.HostAlias": ("ip",),
        "api.core.v1.HostPathVolumeSource": ("path",),
        "api.core.v1.KeyToPath": (
            "key",
            "path",
        ),
        "api.core.v1.LimitRangeItem": ("type",),
        "api.core.v1.LocalVolumeSource": ("path",),
        "api.core.v1.NFSVolumeSource": (
            "path",
            "server",
        ),
        "api.core.v1.NodeSelector": ("nodeSelectorTerms",),
        "api.core.v1.NodeSelectorRequirement": (
            "key",
            "operator",
        ),
        "api.core.v1.ObjectFieldSelector": ("fieldPath",),
        "api.core.v1.PersistentVolumeClaimTemplate": ("spec",),
        "api.core.v1.PersistentVolumeClaimVolumeSource": ("claimName",),
        "api.core.v1.PodAffinityTerm": ("topologyKey",),
        "api.core.v1.PodOS": ("name",),
        "api.core.v1.PodReadinessGate": ("conditionType",),
        "api.core.v1.PodResourceClaim": ("name",),
        "api.core.v1.PodSchedulingGate": ("name",),
        "api.core.v1.PodSpec": ("containers",),
        "api.core.v1.PreferredSchedulingTerm": ("weight",),
        "api.core.v1.ResourceClaim": ("name",),
        "api.core.v1.ResourceFieldSelector": ("resource",),
        "api.core.v1.ScopedResourceSelectorRequirement": (
            "operator",
            "scopeName",
        ),
        "api.core.v1.SeccompProfile": ("type",),
        "api.core.v1.SecretKeySelector": ("key",),
        "api.core.v1.ServiceAccountTokenProjection": ("path",),
        "api.core.v1.ServicePort": ("port",),
        "api.core.v1.Sysctl": ("name",),
        "api.core.v1.TCPSocketAction": ("port",),
        "api.core.v1.TopologySelectorLabelRequirement": (
            "key",
            "values",
        ),
        "api.core.v1.TopologySpreadConstraint": (
            "maxSkew",
            "topologyKey",
            "whenUnsatisfiable",
        ),
        "api.core.v1.TypedLocalObjectReference": ("name",),
        "api.core.v1.Volume": ("name",),
        "api.core.v1.VolumeDevice": (
            "devicePath",
            "name",
        ),
        "api.core.v1.VolumeMount": (
            "mountPath",
            "name",
        ),
        "api.core.v1.WeightedPodAffinityTerm": (
            "podAffinityTerm",
            "weight",
        ),
        "api.discovery.v1.Endpoint": ("addresses",),
        "api.discovery.v1.EndpointSlice": ("addressType",),
        "api.flowcontrol.v1.FlowDistinguisherMethod": ("type",),
        "api.flowcontrol.v1.FlowSchema": ("spec",),
        "api.flowcontrol.v1.FlowSchemaSpec": ("priorityLevelConfiguration",),
        "api.flowcontrol.v1.GroupSubject": ("name",),
        "api.flowcontrol.v1.LimitResponse": ("type",),
        "api.flowcontrol.v1.LimitedPriorityLevelConfiguration": ("limitResponse",),
        "api.flowcontrol.v1.NonResourcePolicyRule": (
            "nonResourceURLs",
            "verbs",
        ),
        "api.flowcontrol.v1.PolicyRulesWithSubjects": ("subjects",),
        "api.flowcontrol.v1.PriorityLevelConfiguration": ("spec",),
        "api.flowcontrol.v1.PriorityLevelConfigurationReference": ("name",),
        "api.flowcontrol.v1.PriorityLevelConfigurationSpec": ("type",),
        "api.flowcontrol.v1.ResourcePolicyRule": (
            "apiGroups",
            "resources",
            "verbs",
        ),
        "api.flowcontrol.v1.ServiceAccountSubject": (
            "name",
            "namespace",
        ),
        "api.flowcontrol.v1.Subject": ("kind",),
        "api.flowcontrol.v1.UserSubject": ("name",),
        "api.networking.v1.HTTPIngressPath": (
            "backend",
            "pathType",
        ),
        "api.networking.v1.HTTPIngressRuleValue": ("paths",),
        "api.networking.v1.IPBlock": ("cidr",),
        "api.networking.v1.IngressClassParametersReference": (
            "kind",
            "name",
        ),
        "api.networking.v1.IngressServiceBackend": ("name",),
        "api.node.v1.RuntimeClass": ("handler",),
        "api.rbac.v1.ClusterRoleBinding": ("roleRef",),
        "api.rbac.v1.PolicyRule": ("verbs",),
        "api.rbac.v1.RoleBinding": ("roleRef",),
        "api.rbac.v1.RoleRef": (
            "kind",
            "name",
        ),
        "api.rbac.v1.Subject": (
            "kind",
            "name",
        ),
        "api.storage.v1.StorageClass": ("provisioner",),
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceColumnDefinition": (
            "jsonPath",
            "name",
            "type",
        ),
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion": ("strategy",),
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition": ("spec",),
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames": (
            "kind",
            "plural",
        ),
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec": (
            "group",
            "names",
            "scope",
            "versions",
        ),
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion": (
            "name",
            "storage",
        ),
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceScale": (
            "specReplicasPath",
            "statusReplicasPath",
        ),
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.SelectableField": ("jsonPath",),
        "apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule": ("rule",),
        "apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement": (
            "key",
            "operator",
        ),
        "apimachinery.pkg.apis.meta.v1.OwnerReference": (
            "apiVersion",
            "kind",
            "name",
            "uid",
        ),
        "kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec": (
            "groupPriorityMinimum",
            "versionPriority",
        ),
    }
)

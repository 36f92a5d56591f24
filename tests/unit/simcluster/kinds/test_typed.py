"""Built-in objects are read as Go reads them; expectations are a real API server's answers."""

from __future__ import annotations

from typing import Any

import pytest

from simcluster.errors import ApiError
from simcluster.kinds.defaults import pruned, with_defaults
from simcluster.kinds.kind import Kind
from simcluster.kinds.registry import Registry

Json = Any
_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_FIELD = "Go struct field"
_CANNOT = "json: cannot unmarshal"


def make_deployment(
    spec: dict[str, Json] | None = None, container: dict[str, Json] | None = None
) -> dict[str, Json]:
    pod = {"containers": [{"name": "c", "image": "i", **(container or {})}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x"},
        "spec": {
            "selector": {},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod},
            **(spec or {}),
        },
    }


def make_config_map(**fields: Json) -> dict[str, Json]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, **fields}


def refusal(obj: dict[str, Json], kind: Kind) -> str:
    with pytest.raises(ApiError) as caught:
        pruned(obj, kind)
    assert caught.value.code == 400
    start = f'{kind.kind} in version "v1" cannot be handled as a {kind.kind}: '
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"replicas": "three"}, "string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"replicas": 1.5}, "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"replicas": 3.0}, "number 3.0 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (
            {"replicas": 99999999999},
            "number 99999999999 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        ({"paused": "yes"}, "string into Go struct field DeploymentSpec.spec.paused of type bool"),
        (
            {"template": []},
            "array into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec",
        ),
        (
            {"strategy": {"type": 3}},
            f"number into {_FIELD} DeploymentStrategy.spec.strategy.type of type v1.DeploymentStrategyType",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": True}}},
            f"bool into {_FIELD} RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge of type int32",
        ),
    ],
)
def test_a_value_of_a_wrong_type_is_refused(deployment: Kind, spec: dict[str, Json], expected: str) -> None:
    assert refusal(make_deployment(spec), deployment) == f"{_CANNOT} {expected}"


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"ports": {}}, "object into Go struct field Container.{}.ports of type []v1.ContainerPort"),
        (
            {"imagePullPolicy": 3},
            "number into Go struct field Container.{}.imagePullPolicy of type v1.PullPolicy",
        ),
        ({"env": [3]}, "number into Go struct field Container.{}.env of type v1.EnvVar"),
        ({"args": [3]}, "number into Go struct field Container.{}.args of type string"),
        ({"args": "x"}, "string into Go struct field Container.{}.args of type []string"),
        (
            {"resources": {"requests": []}},
            "array into Go struct field ResourceRequirements.{}.resources.requests of type v1.ResourceList",
        ),
        (
            {"ports": [{"containerPort": "x", "protocol": 3}]},
            "string into Go struct field ContainerPort.{}.ports.containerPort of type int32",
        ),
    ],
)
def test_the_first_wrong_type_inside_lists_and_maps_is_told(
    deployment: Kind, container: dict[str, Json], expected: str
) -> None:
    expected = expected.format("spec.template.spec.containers")
    assert refusal(make_deployment(container=container), deployment) == f"{_CANNOT} {expected}"


@pytest.mark.parametrize("cpu", ["abc", True])
def test_a_wrong_quantity_ends_the_reading_at_once(deployment: Kind, cpu: Json) -> None:
    container = {"args": [3], "resources": {"requests": {"cpu": cpu}}}
    assert refusal(make_deployment(container=container), deployment) == _QUANTITY


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"data": {"a": 1}}, f"{_CANNOT} number into Go struct field ConfigMap.data of type string"),
        ({"data": "x"}, f"{_CANNOT} string into Go struct field ConfigMap.data of type map[string]string"),
        (
            {"binaryData": {"a": 1}},
            f"{_CANNOT} number into Go struct field ConfigMap.binaryData of type []uint8",
        ),
        ({"binaryData": {"a": "!!"}}, "illegal base64 data at input byte 0"),
        ({"binaryData": {"a": "aGVsbG8"}}, "illegal base64 data at input byte 4"),
        (
            {"metadata": {"labels": {"a": 3}}},
            f"{_CANNOT} number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            {"metadata": {"uid": 4}},
            f"{_CANNOT} number into Go struct field ObjectMeta.metadata.uid of type types.UID",
        ),
        (
            {"metadata": {"creationTimestamp": "x"}},
            'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
        ),
        (
            {"metadata": {"creationTimestamp": 5}},
            f"{_CANNOT} number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
        ),
    ],
)
def test_strings_bytes_and_times_are_checked(
    config_map: Kind, fields: dict[str, Json], expected: str
) -> None:
    assert refusal(make_config_map(**fields), config_map) == expected


def test_null_counts_as_absent_and_as_zero_inside_lists_and_maps(deployment: Kind, config_map: Kind) -> None:
    found = pruned(make_deployment({"minReadySeconds": None}, {"env": None, "command": [None]}), deployment)
    container = found["spec"]["template"]["spec"]["containers"][0]
    assert "minReadySeconds" not in found["spec"]
    assert container == {"name": "c", "image": "i", "command": [""]}
    assert pruned(make_config_map(data={"a": None}), config_map)["data"] == {"a": ""}


def test_zero_values_that_go_leaves_out_fall_away_and_pointers_keep_theirs(deployment: Kind) -> None:
    found = pruned(
        make_deployment({"replicas": 0, "minReadySeconds": 0, "paused": False}, {"args": []}), deployment
    )
    assert found["spec"]["replicas"] == 0
    assert not {"minReadySeconds", "paused"} & set(found["spec"])
    assert "args" not in found["spec"]["template"]["spec"]["containers"][0]


def test_unknown_fields_fall_away(deployment: Kind) -> None:
    found = pruned(make_deployment({"foo": 1}, {"junk": {"a": 1}}), deployment)
    assert "foo" not in found["spec"]
    assert "junk" not in found["spec"]["template"]["spec"]["containers"][0]


def test_quantities_times_and_bytes_get_their_canonical_form(deployment: Kind, config_map: Kind) -> None:
    limits = {"cpu": 1, "memory": "1024Mi"}
    found = pruned(make_deployment(container={"resources": {"limits": limits}}), deployment)
    shown = found["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert shown == {"cpu": "1", "memory": "1Gi"}
    metadata = {"name": "x", "creationTimestamp": "2020-01-01T00:00:00.5+01:00"}
    found = pruned(make_config_map(metadata=metadata, binaryData={"a": "aGVs\nbG8="}), config_map)
    assert found["metadata"]["creationTimestamp"] == "2019-12-31T23:00:00Z"
    assert found["binaryData"] == {"a": "aGVsbG8="}


def test_micro_times_keep_six_digits() -> None:
    lease = Registry().of("coordination.k8s.io/v1", "Lease")
    assert lease is not None
    body = {"metadata": {"name": "x"}, "spec": {"renewTime": "2020-01-01T00:00:00.123456Z"}}
    assert pruned(body, lease)["spec"]["renewTime"] == "2020-01-01T00:00:00.123456Z"
    body["spec"]["renewTime"] = "2020-01-01T00:00:00Z"
    assert "cannot parse" in refusal({"kind": "Lease", "apiVersion": "v1", **body}, lease)


def test_fields_that_go_always_writes_are_added(deployment: Kind) -> None:
    found = with_defaults(pruned(make_deployment(), deployment), deployment)
    assert found["status"] == {}
    assert found["spec"]["strategy"] == {}
    assert found["spec"]["template"]["spec"]["containers"] == [{"name": "c", "image": "i", "resources": {}}]


def test_defaults_of_openapi_are_added_and_those_of_omitted_zeros_are_not() -> None:
    pod = Registry().of("v1", "Pod")
    assert pod is not None
    source: dict[str, Json] = {"configMapRef": {}}
    container = {"name": "c", "ports": [{"containerPort": 80}], "envFrom": [source]}
    found = with_defaults(pruned({"metadata": {}, "spec": {"containers": [container]}}, pod), pod)
    shown = found["spec"]["containers"][0]
    assert shown["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert shown["envFrom"] == [{"configMapRef": {}}]


@pytest.mark.parametrize("rules", [[], None])
def test_a_list_without_omitempty_shows_as_null(rules: Json) -> None:
    role = Registry().of("rbac.authorization.k8s.io/v1", "Role")
    assert role is not None
    assert with_defaults(pruned({"metadata": {}, "rules": rules}, role), role)["rules"] is None


def test_conditions_show_the_times_that_they_lack() -> None:
    pod = Registry().of("v1", "Pod")
    assert pod is not None
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    found = with_defaults(pruned({"metadata": {}, "spec": {"containers": []}, "status": status}, pod), pod)
    assert found["status"]["conditions"] == [
        {"type": "Ready", "status": "True", "lastProbeTime": None, "lastTransitionTime": None}
    ]
    assert found["spec"]["containers"] is None


def test_reading_twice_changes_nothing_more(deployment: Kind) -> None:
    body = make_deployment(
        {"replicas": 0}, {"resources": {"limits": {"cpu": "0.5"}}, "livenessProbe": {"httpGet": {}}}
    )
    once = with_defaults(pruned(body, deployment), deployment)
    assert with_defaults(pruned(once, deployment), deployment) == once
    assert once["spec"]["template"]["spec"]["containers"][0]["livenessProbe"] == {"httpGet": {"port": 0}}


def test_the_input_is_left_as_it_was(deployment: Kind) -> None:
    body = make_deployment({"foo": 1}, {"resources": {"limits": {"cpu": "1000m"}}})
    with_defaults(pruned(body, deployment), deployment)
    assert body == make_deployment({"foo": 1}, {"resources": {"limits": {"cpu": "1000m"}}})

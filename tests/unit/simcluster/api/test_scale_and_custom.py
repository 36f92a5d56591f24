"""Scale, custom kinds from their CRD, versions of one kind, binding and eviction (measured on 1.37)."""

from typing import Any

import orjson
import pytest

from simcluster.api.options import PatchKind
from simcluster.errors import ApiError
from tests.unit.simcluster.api.harness import World, deployment, pod, widget, widget_crd

SCALE = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "web"}}


def refusal(call: Any, *arguments: Any, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as error:
        call(*arguments, **options)
    return error.value


def entries(obj: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (each["manager"], each["operation"], each.get("subresource"), each.get("time"))
        for each in obj["metadata"]["managedFields"]
    ]


def test_a_scale_shows_and_changes_the_replicas() -> None:
    world = World()
    made = world.create(deployment()).object["metadata"]
    own = {key: made[key] for key in ("name", "namespace", "uid", "creationTimestamp")}
    assert world.get(deployment(), "scale") == {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {**own, "resourceVersion": made["resourceVersion"]},
        "spec": {"replicas": 1},
        "status": {"replicas": 0, "selector": "app=web"},
    }
    scaled = world.merge(deployment(), {"spec": {"replicas": 3}}, "scale", manager="sc").object
    assert scaled["spec"] == {"replicas": 3}
    assert scaled["metadata"]["resourceVersion"] == str(world.store.revision)
    found = world.get(deployment())
    assert (found["spec"]["replicas"], found["metadata"]["generation"]) == (3, 2)
    assert entries(found)[0] == ("sc", "Update", "scale", None)
    assert found["metadata"]["managedFields"][0]["apiVersion"] == "apps/v1"
    assert world.merge(deployment(), {"spec": {"replicas": 0}}, "scale").object["spec"] == {}


def test_owners_of_replicas_meet_at_the_scale() -> None:
    world = World()
    world.create(deployment())
    world.merge(deployment(), {"spec": {"replicas": 2}}, "scale", manager="sc")
    kind = world.kind("Deployment", "apps/v1")
    config = {**SCALE, "spec": {"replicas": 3}}
    error = refusal(world.api.apply, kind, "default", "web", config, subresource="scale")
    assert str(error) == (
        'Apply failed with 1 conflict: conflict with "sc" with subresource "scale" using autoscaling/v1: '
        ".spec.replicas"
    )
    world.apply(deployment(replicas=4), "me", force=True)
    assert ("sc", "Update", "scale", None) not in entries(world.get(deployment()))


def test_bad_scales() -> None:
    world = World()
    world.create(deployment())
    kind = world.kind("Deployment", "apps/v1")

    def put(scale: dict[str, Any]) -> ApiError:
        return refusal(world.api.update, kind, "default", "web", scale, subresource="scale")

    negative = put({**SCALE, "spec": {"replicas": -1}})
    assert str(negative) == (
        'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: '
        "must be greater than or equal to 0"
    )
    other = put({**SCALE, "metadata": {"name": "y"}, "spec": {"replicas": 1}})
    assert str(other) == "the name of the object (y) does not match the name on the URL (web)"
    old = put({**SCALE, "metadata": {"name": "web", "resourceVersion": "1"}, "spec": {"replicas": 1}})
    assert str(old).startswith('Operation cannot be fulfilled on deployments.apps "web": the object has been')
    wrong = put(deployment())
    assert str(wrong) == (
        'Deployment in version "v1" cannot be handled as a Scale: converting (v1.Deployment) to '
        "(autoscaling.Scale): unknown conversion"
    )
    missing = refusal(world.api.get, kind, "default", "none", "scale")
    assert str(missing) == 'deployments.apps "none" not found'


def test_a_crd_serves_its_kinds_when_its_create_returns() -> None:
    world = World()
    answer = world.create(widget_crd(shortNames=["wd"])).object
    assert "conditions" not in (answer["status"] or {}) or not answer["status"]["conditions"]
    status = world.get(widget_crd())["status"]
    assert [(each["type"], each["status"], each["reason"]) for each in status["conditions"]] == [
        ("NamesAccepted", "True", "NoConflicts"),
        ("Established", "True", "InitialNamesAccepted"),
    ]
    assert status["storedVersions"] == ["v1"]
    assert status["acceptedNames"]["shortNames"] == ["wd"]
    made = world.create(widget(spec={"replicas": 2}, status={"phase": "x"})).object
    assert made["spec"] == {"replicas": 2, "size": "m"}
    assert "status" not in made
    assert made["metadata"]["generation"] == 1


def test_names_that_another_crd_has_are_not_accepted() -> None:
    world = World()
    world.create(widget_crd())
    rival = widget_crd(plural="gizmos", singular="gizmo", kind="Widget")
    world.create(rival)
    accepted, established = world.get(rival)["status"]["conditions"]
    assert (accepted["status"], accepted["reason"]) == ("False", "ListKindConflict")
    assert (established["status"], established["reason"]) == ("False", "NotAccepted")
    assert world.registry.find("example.com", "v1", "gizmos") is None


def test_status_and_scale_of_a_custom_object() -> None:
    """Its status endpoint leaves all else as it was, metadata included."""
    world = World()
    world.create(widget_crd())
    world.create(widget(spec={"replicas": 2}))
    patch = {
        "spec": {"replicas": 9},
        "metadata": {"labels": {"a": "b"}},
        "status": {"phase": "x", "replicas": 1, "selector": "a=b"},
    }
    found = world.merge(widget(), patch, "status", manager="op").object
    assert "labels" not in found["metadata"]
    assert (found["spec"]["replicas"], found["metadata"]["generation"]) == (2, 1)
    assert ("op", "Update", "status", "2026-01-01T00:00:00Z") in entries(found)
    assert world.merge(widget(), {"status": {"phase": "y"}}).object["status"]["phase"] == "x"
    scale = world.get(widget(), "scale")
    assert (scale["spec"], scale["status"]) == ({"replicas": 2}, {"replicas": 1, "selector": "a=b"})
    world.merge(widget(), {"spec": {"replicas": 5}}, "scale")
    assert world.get(widget())["spec"]["replicas"] == 5
    assert world.get(widget())["metadata"]["generation"] == 2


def test_custom_objects_take_no_strategic_patch_and_need_a_version_for_an_update() -> None:
    world = World()
    world.create(widget_crd())
    world.create(widget())
    assert refusal(world.patch, widget(), PatchKind.STRATEGIC, {}).code == 415
    error = refusal(world.update, widget(spec={"replicas": 1}))
    assert str(error) == (
        'widgets.example.com "w" is invalid: metadata.resourceVersion: Invalid value: 0: '
        "must be specified for an update"
    )


def test_all_versions_of_a_custom_kind_show_the_same_objects() -> None:
    world = World()
    world.create(widget_crd())
    world.create({**widget(spec={"size": "l"}), "apiVersion": "example.com/v1beta1"})
    assert world.get(widget())["apiVersion"] == "example.com/v1"
    record = world.store.items(world.kind("Widget", "example.com/v1").storage)[0]
    assert record.api_version == "example.com/v1"
    beta = world.get({**widget(), "apiVersion": "example.com/v1beta1"})
    assert (beta["apiVersion"], beta["spec"]) == ("example.com/v1beta1", {"size": "l"})


def test_objects_read_by_a_changed_schema_without_being_written() -> None:
    world = World()
    world.create(widget_crd())
    before = world.create(widget()).object
    crd = widget_crd()
    for version in crd["spec"]["versions"]:
        version["schema"]["openAPIV3Schema"]["properties"]["tint"] = {"type": "string", "default": "red"}
    world.merge(widget_crd(), {"spec": {"versions": crd["spec"]["versions"]}})
    assert world.get(widget()) == {**before, "tint": "red"}


def test_what_the_stored_version_does_not_know_is_lost() -> None:
    world = World()
    crd = widget_crd()
    beta = crd["spec"]["versions"][1]
    beta["schema"] = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    world.create(crd)
    made = world.create({**widget(spec={"replicas": 1, "b": 2}), "apiVersion": "example.com/v1beta1"})
    assert made.object["spec"] == {"replicas": 1, "size": "m"}


def test_a_scale_must_be_readable() -> None:
    world = World()
    world.create(widget_crd())
    error = refusal(world.create, widget(spec={"replicas": -1}))
    assert str(error) == (
        'Widget.example.com "w" is invalid: .spec.replicas: Invalid value: -1: '
        "should be a non-negative integer"
    )
    world.create(widget())
    error = refusal(world.merge, widget(), {"status": {"replicas": "many"}}, "status")
    assert [each["message"] for each in error.status["details"]["causes"]] == [
        'Invalid value: "string": replicas in body must be of type integer: "string"',
        "Invalid value: 0: .status.replicas accessor error: many is of the type string, expected int64",
    ]


def test_a_crd_takes_its_objects_with_it() -> None:
    world = World()
    world.create(widget_crd())
    world.create(widget("a"))
    world.create(widget("b", metadata={"name": "b", "finalizers": ["example.com/x"]}))
    marked = world.delete(widget_crd()).object
    assert marked["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert marked["status"]["conditions"][-1]["type"] == "Terminating"
    assert not world.exists(widget("a"))
    assert refusal(world.create, widget("c")).code == 405
    world.merge(widget("b"), {"metadata": {"finalizers": None}})
    assert not world.exists(widget_crd())
    assert world.registry.of("example.com/v1", "Widget") is None


def test_autoscalers_of_both_versions_are_one() -> None:
    world = World()
    target = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    spec = {"maxReplicas": 3, "scaleTargetRef": target, "targetCPUUtilizationPercentage": 70}
    old = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": spec,
    }
    world.create(old)
    new = world.get({**old, "apiVersion": "autoscaling/v2"})
    assert new["spec"]["metrics"] == [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
        }
    ]
    assert world.get(old)["spec"]["targetCPUUtilizationPercentage"] == 70


def test_a_pod_is_bound_once() -> None:
    """Binding is not tracked: no owner, no new generation."""
    world = World()
    made = world.create(pod()).object["metadata"]
    kind = world.kind("Pod")
    body = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "node-0"}}
    done = world.api.create_subresource(kind, "default", "p", "binding", body)
    assert done.object == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "code": 201,
    }
    found = world.get(pod())
    assert found["spec"]["nodeName"] == "node-0"
    assert found["metadata"]["labels"] == {
        "topology.kubernetes.io/region": "north",
        "topology.kubernetes.io/zone": "north-a",
    }
    assert found["status"]["conditions"] == [
        {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ]
    assert found["metadata"]["managedFields"] == made["managedFields"]
    again = refusal(world.api.create_subresource, kind, "default", "p", "binding", body)
    assert str(again) == (
        'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "node-0"'
    )


def test_an_eviction_asks_the_budget() -> None:
    world = World()
    world.create({**pod(nodeName="node-0"), "metadata": {"name": "p", "labels": {"app": "web"}}})
    world.merge(pod(), {"status": {"phase": "Running"}}, "status")
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }
    world.create(budget)
    kind = world.kind("Pod")
    error = refusal(
        world.api.create_subresource, kind, "default", "p", "eviction", {"metadata": {"name": "p"}}
    )
    assert (error.code, str(error)) == (
        429,
        "Cannot evict pod as it would violate the pod's disruption budget.",
    )
    world.merge(budget, {"status": {"disruptionsAllowed": 1}}, "status")
    world.api.create_subresource(kind, "default", "p", "eviction", {"metadata": {"name": "p"}})
    assert "deletionTimestamp" in world.get(pod())["metadata"]
    assert world.get(budget)["status"]["disruptionsAllowed"] == 0


def test_an_apply_as_bytes_is_yaml() -> None:
    world = World()
    kind = world.kind("Deployment", "apps/v1")
    body = orjson.dumps(deployment())
    found = world.api.patch(kind, "default", "web", PatchKind.APPLY, body)
    assert found.created
    assert found.object["metadata"]["managedFields"][0]["operation"] == "Apply"


def test_a_patch_cannot_make_another_kind_of_a_custom_object() -> None:
    world = World()
    world.create(widget_crd())
    world.create(widget())
    kind = refusal(world.merge, widget(), {"kind": "Other"})
    assert str(kind) == 'Other.example.com "w" is invalid: kind: Invalid value: "Other": must be Widget'
    version = refusal(world.merge, widget(), {"apiVersion": "v1"})
    assert str(version) == 'Widget "w" is invalid: apiVersion: Invalid value: "v1": must be example.com/v1'


def test_events_of_both_groups_are_one() -> None:
    world = World()
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "a.b/c",
        "reportingInstance": "i",
        "action": "A",
        "reason": "R",
        "type": "Normal",
        "note": "hello",
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
    }
    world.create(event)
    core = world.get({**event, "apiVersion": "v1"})
    assert (core["message"], core["involvedObject"]["name"], core["reportingComponent"]) == (
        "hello",
        "p",
        "a.b/c",
    )
    assert (core["source"], core["firstTimestamp"]) == ({}, None)
    shown = world.get(event)
    assert (shown["note"], shown["deprecatedSource"], shown["deprecatedLastTimestamp"]) == ("hello", {}, None)
    assert "f:note" in shown["metadata"]["managedFields"][0]["fieldsV1"]


def test_a_patch_cannot_make_nonsense_of_a_custom_objects_metadata() -> None:
    world = World()
    world.create(widget_crd())
    world.create(widget())
    error = refusal(world.merge, widget(), {"metadata": {"labels": ["a"]}})
    assert error.code == 422
    (cause,) = error.status["details"]["causes"]
    assert cause["field"] == "patch"
    assert cause["message"].endswith(
        "json: cannot unmarshal array into Go struct field ObjectMeta.labels of type map[string]string"
    )


def test_a_field_that_an_apply_leaves_empty_is_null_and_refused() -> None:
    world = World()
    crd = widget_crd()
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for version in crd["spec"]["versions"]:
        version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["free"] = free
    world.create(crd)
    world.apply(widget(spec={"free": {"t": [1]}}))
    error = refusal(world.apply, widget(spec={"free": {}}))
    assert str(error) == (
        'Widget.example.com "w" is invalid: spec.free: Invalid value: "null": '
        'spec.free in body must be of type object: "null"'
    )
    assert world.apply(widget(spec={"size": "l"})).object["spec"] == {"size": "l"}


def test_a_scale_that_changes_nothing_splits_its_owners_entry() -> None:
    """The replicas get an entry without a time, and the next such write loses it (measured on 1.37)."""
    world = World()
    world.create(deployment(), manager="m")
    replicas: dict[str, Any] = {"f:spec": {"f:replicas": {}}}

    def scaled() -> list[dict[str, Any]]:
        world.merge(deployment(), {"spec": {"replicas": 1}}, "scale", manager="n")
        entries: list[dict[str, Any]] = world.get(deployment())["metadata"]["managedFields"]
        assert {each["manager"] for each in entries} == {"m"}
        return entries

    first, rest = scaled()
    assert (first["fieldsV1"], "time" in first) == (replicas, False)
    assert "f:replicas" not in rest["fieldsV1"]["f:spec"]
    assert scaled() == [rest]

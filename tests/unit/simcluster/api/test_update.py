"""Update and patch: preconditions, what cannot change, what changes nothing, status (measured on 1.37)."""

from typing import Any

import pytest

from simcluster.api.options import PatchKind
from simcluster.errors import ApiError
from tests.unit.simcluster.api.harness import World, config_map, deployment, pod

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def refusal(call: Any, *arguments: Any, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as error:
        call(*arguments, **options)
    return error.value


def test_what_changes_nothing_is_not_written() -> None:
    """Neither a new version nor a new time of its owner, however much later; no watcher hears of it."""
    world = World()
    world.create(deployment())
    first = world.get(deployment())
    watch = world.store.watch("apps/deployments", "", world.store.revision)
    world.clock.step(60)
    assert world.update(first).object == first
    assert world.merge(deployment(), {"spec": {"replicas": 1}}).object == first
    assert world.merge(deployment(), {}).object == first
    assert watch.pending() == []


def test_an_old_version_is_a_conflict() -> None:
    world = World()
    old = world.create(config_map()).object
    world.merge(config_map(), {"data": {"x": "1"}})
    error = refusal(world.update, {**old, "data": {"y": "2"}})
    assert (error.code, error.reason) == (409, "Conflict")
    assert str(error) == f'Operation cannot be fulfilled on configmaps "a": {MODIFIED}'
    assert error.status["details"] == {"name": "a", "kind": "configmaps"}
    patched = refusal(world.merge, config_map(), {"metadata": {"resourceVersion": "1"}})
    assert str(patched) == str(error)


def test_an_update_may_leave_the_version_out_where_the_kind_allows_it() -> None:
    world = World()
    world.create(config_map())
    assert world.update(config_map(data={"x": "1"})).object["data"] == {"x": "1"}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}, "spec": {}}
    world.create(lease)
    error = refusal(world.update, lease)
    assert str(error) == (
        'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: '
        "must be specified for an update"
    )


def test_a_put_creates_leases_and_no_config_maps() -> None:
    world = World()
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}, "spec": {}}
    assert world.update(lease).created
    assert refusal(world.update, config_map()).code == 404


def test_names_and_namespaces_must_match_the_path() -> None:
    world = World()
    world.create(config_map())
    for patch, message in (
        ({"metadata": {"name": "b"}}, "the name of the object (b) does not match the name on the URL (a)"),
        (
            {"metadata": {"namespace": "b"}},
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
    ):
        error = refusal(world.merge, config_map(), patch)
        assert (error.code, str(error)) == (400, message)
    nameless = refusal(world.update, config_map(""), name="a")
    assert str(nameless) == (
        "the name of the object (a based on URL) was undeterminable: name must be provided"
    )


def test_another_uid_is_a_conflict_for_an_update_and_invalid_for_a_patch() -> None:
    world = World()
    uid = world.create(config_map()).object["metadata"]["uid"]
    error = refusal(world.update, config_map(uid="wrong"))
    assert str(error) == (
        'Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, '
        "Key: /registry/configmaps/default/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
        f"UID in precondition: wrong, UID in object meta: {uid}"
    )
    patched = refusal(world.merge, config_map(), {"metadata": {"uid": "b"}})
    assert str(patched) == ('ConfigMap "a" is invalid: metadata.uid: Invalid value: "b": field is immutable')


def test_what_the_server_owns_stays_and_marks_of_deletion_cannot_be_made() -> None:
    world = World()
    before = world.create(config_map()).object["metadata"]
    after = world.update(config_map(creationTimestamp="2000-01-01T00:00:00Z", generation=5, x="y"))
    assert after.object["metadata"] == before
    error = refusal(world.update, config_map(deletionTimestamp="2001-01-01T00:00:00Z"))
    assert str(error) == (
        'ConfigMap "a" is invalid: metadata.deletionTimestamp: Invalid value: "2001-01-01T00:00:00Z": '
        "field is immutable"
    )
    assert len(error.status["details"]["causes"]) == 1


def test_the_generation_counts_changes_of_the_spec_only() -> None:
    world = World()
    world.create(deployment())
    seen = [
        world.merge(deployment(), patch).object["metadata"]["generation"]
        for patch in (
            {"metadata": {"labels": {"a": "b"}}},
            {"spec": {"replicas": 3}},
            {"status": {"replicas": 3}},
            {"spec": {"paused": True}},
        )
    ]
    assert seen == [1, 2, 2, 3]


def test_the_status_is_written_through_its_own_endpoint() -> None:
    """The spec stays as it was there, a Deployment's labels too, and the owner's entry says `status`."""
    world = World()
    world.create(deployment())
    patch = {"spec": {"replicas": 9}, "status": {"replicas": 1}, "metadata": {"labels": {"z": "z"}}}
    found = world.merge(deployment(), patch, "status", manager="kcm").object
    assert (found["spec"]["replicas"], found["status"]) == (1, {"replicas": 1})
    assert "labels" not in found["metadata"]
    assert found["metadata"]["generation"] == 1
    entry = next(each for each in found["metadata"]["managedFields"] if each["manager"] == "kcm")
    assert (entry["subresource"], entry["fieldsV1"]) == ("status", {"f:status": {"f:replicas": {}}})
    assert world.merge(deployment(), {"spec": {"replicas": 2}}).object["status"] == {"replicas": 1}


def test_missing_objects_are_not_found() -> None:
    world = World()
    for call in (
        lambda: world.merge(deployment(), {}),
        lambda: world.merge(deployment(), {}, "status"),
        lambda: world.update(deployment(), "status"),
        lambda: world.get(deployment()),
        lambda: world.delete(deployment()),
    ):
        error = refusal(call)
        assert (error.code, str(error)) == (404, 'deployments.apps "web" not found')
        assert error.status["details"] == {"name": "web", "group": "apps", "kind": "deployments"}


def test_all_three_kinds_of_patches() -> None:
    world = World()
    world.create(pod(nodeName="node-0"))
    world.merge(pod(), {"metadata": {"labels": {"a": "b"}}})
    image = [{"op": "replace", "path": "/spec/containers/0/image", "value": "web:2"}]
    world.patch(pod(), PatchKind.JSON, image)
    merged = {"metadata": {"labels": {"c": "d"}}, "spec": {"containers": [{"name": "c", "image": "web:3"}]}}
    found = world.patch(pod(), PatchKind.STRATEGIC, merged).object
    assert found["metadata"]["labels"] == {"a": "b", "c": "d"}
    assert [each["image"] for each in found["spec"]["containers"]] == ["web:3"]


def test_a_patch_with_wrong_or_unknown_fields_is_quoted() -> None:
    world = World()
    world.create(config_map())
    wrong = refusal(world.merge, config_map(), {"data": {"y": 2}})
    assert wrong.code == 422
    assert str(wrong).startswith(' "" is invalid: patch: Invalid value: "{')
    assert str(wrong).endswith(
        "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"
    )
    unknown = refusal(world.patch, config_map(), PatchKind.STRATEGIC, {"foo": 1}, field_validation="Strict")
    assert str(unknown) == (
        ' "" is invalid: patch: Invalid value: "map[foo:1]": strict decoding error: unknown field "foo"'
    )
    assert world.merge(config_map(), {"foo": 1}).warnings == ('unknown field "foo"',)


def test_a_patch_cannot_make_another_kind_of_an_object() -> None:
    world = World()
    world.create(config_map())
    for patch in ({"kind": "Secret"}, {"apiVersion": "v2"}):
        error = refusal(world.merge, config_map(), patch)
        assert (error.code, error.status["details"]["causes"][0]["field"]) == (422, "patch")
    error = refusal(world.merge, config_map(), {"kind": "Foo"})
    assert str(error).endswith(
        'no kind "Foo" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"'
    )
    whole = [{"op": "replace", "path": "", "value": {"like": "configmap"}}]
    error = refusal(world.patch, config_map(), PatchKind.JSON, whole)
    assert str(error) == "the name of the object (a based on URL) was undeterminable: name must be provided"
    assert error.headers["Warning"] == '299 - "unknown field \\"like\\""'


def test_a_refused_patch_is_shown_in_the_order_of_the_server() -> None:
    world = World()
    world.create(config_map(labels={"a": "b"}))
    error = refusal(world.merge, config_map(), {"foo": 1}, field_validation="Strict")
    shown = str(error).replace("\\", "")
    assert shown.startswith(
        ' "" is invalid: patch: Invalid value: "{"apiVersion":"v1","foo":1,"kind":"ConfigMap",'
        '"metadata":{"name":"a","namespace":"default","uid":'
    )
    assert "Warning" not in error.headers


def test_owners_can_be_forgotten_and_told() -> None:
    world = World()
    world.create(config_map(data={"x": "1"}))
    nothings: list[list[dict[str, str]]] = [[], [{}]]
    for nothing in nothings:
        assert (
            "managedFields"
            not in world.merge(config_map(), {"metadata": {"managedFields": nothing}}).object["metadata"]
        )
    entry = {
        "manager": "x",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "time": "2020-01-01T00:00:00Z",
        "fieldsV1": {"f:data": {"f:x": {}}},
    }
    told = world.merge(config_map(), {"metadata": {"managedFields": [entry]}}).object
    assert told["metadata"]["managedFields"] == [entry]


def test_a_dry_run_shows_and_does_not_write() -> None:
    world = World()
    world.create(config_map(data={"x": "1"}))
    before = world.get(config_map())
    shown = world.merge(config_map(), {"data": {"x": "2"}}, dry_run=True).object
    assert shown["data"] == {"x": "2"}
    assert shown["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert world.get(config_map()) == before


def test_invalid_changes_are_refused() -> None:
    world = World()
    world.create(deployment())
    error = refusal(world.merge, deployment(), {"spec": {"selector": {"matchLabels": {"app": "other"}}}})
    assert error.code == 422
    assert any(each["field"] == "spec.selector" for each in error.status["details"]["causes"])


def test_owner_references_are_kept_once() -> None:
    world = World()
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "w", "uid": "x"}
    result = world.create(config_map(ownerReferences=[owner, owner]))
    assert result.object["metadata"]["ownerReferences"] == [owner]
    assert result.warnings[0].endswith("duplicate UID(s) observed: x")
    again = world.merge(config_map(), {"metadata": {"ownerReferences": [owner, owner]}})
    assert again.object == result.object


def test_warnings_come_with_what_changes_and_with_a_taken_name() -> None:
    world = World()
    port = {"containerPort": 81}
    twice = [{"name": name, "image": "x", "ports": [port]} for name in "ab"]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": twice}}
    told = world.create(deployment(template=template)).warnings
    assert any("duplicate port definition" in text for text in told)
    assert world.merge(deployment(), {"metadata": {"labels": {"a": "b"}}}).warnings == ()
    assert world.merge(deployment(), {"spec": {"minReadySeconds": 1}}).warnings == told
    error = refusal(world.create, deployment(template=template))
    assert (error.code, "duplicate port definition" in error.headers["Warning"]) == (409, True)


def test_a_csi_driver_counts_changes_of_what_its_driver_must_hear() -> None:
    """It begins without a generation, and cannot be written unconditionally (measured on 1.37)."""
    world = World()
    driver: dict[str, Any] = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": "d"},
        "spec": {},
    }
    assert "generation" not in world.create(driver).object["metadata"]
    assert "must be specified for an update" in str(refusal(world.update, driver))
    changed = world.merge(driver, {"spec": {"requiresRepublish": True}})
    assert changed.object["metadata"]["generation"] == 1
    labelled = world.merge(driver, {"metadata": {"labels": {"a": "b"}}})
    assert labelled.object["metadata"]["generation"] == 1


def test_an_apply_that_changes_nothing_warns_as_the_first_did() -> None:
    world = World()
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"ports": [{"port": 80}], "externalIPs": ["192.0.2.1"]},
    }
    first = world.apply(service)
    assert first.warnings
    again = world.apply(service)
    assert (again.object, again.warnings) == (first.object, first.warnings)

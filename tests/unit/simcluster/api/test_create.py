"""Create: what the server sets, what it refuses and in which words (measured on kube-apiserver 1.37)."""

import re
from typing import Any

import pytest

from simcluster.errors import ApiError
from tests.unit.simcluster.api.harness import World, config_map, deployment, pod


def refused(status: int, world: World, obj: dict[str, Any], **options: Any) -> ApiError:
    with pytest.raises(ApiError) as error:
        world.create(obj, **options)
    assert error.value.code == status
    return error.value


def test_the_server_sets_uid_time_and_version() -> None:
    """Whatever the request says of them; a generation stays where the kind has none of its own."""
    world = World()
    given = config_map(
        uid="mine",
        creationTimestamp="2000-01-01T00:00:00Z",
        generation=7,
        deletionTimestamp="2000-01-01T00:00:00Z",
    )
    result = world.create(given)
    metadata = result.object["metadata"]
    assert result.created
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", metadata.pop("uid")
    )
    assert metadata == {
        "name": "a",
        "namespace": "default",
        "resourceVersion": "2",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "generation": 7,
    }


def test_defaults_owners_and_generation_of_a_deployment() -> None:
    """Defaults belong to who created it; a status that was sent is dropped."""
    world = World()
    found = world.create({**deployment(), "status": {"replicas": 4}}).object
    assert found["status"] == {}
    assert found["metadata"]["generation"] == 1
    assert found["spec"]["strategy"]["type"] == "RollingUpdate"
    (entry,) = found["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("test", "Update")
    assert "f:strategy" in entry["fieldsV1"]["f:spec"]
    assert "f:status" not in entry["fieldsV1"]


def test_a_second_create_is_refused() -> None:
    world = World()
    world.create(config_map())
    error = refused(409, world, config_map())
    assert str(error) == 'configmaps "a" already exists'


def test_generated_names_do_not_collide() -> None:
    world = World()
    made = {
        world.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "gen-"}}).object[
            "metadata"
        ]["name"]
        for _ in range(20)
    }
    assert len(made) == 20
    assert all(re.fullmatch("gen-[bcdfghjklmnpqrstvwxz2456789]{5}", name) for name in made)


def test_an_object_without_any_name_is_invalid() -> None:
    error = refused(422, World(), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})
    assert str(error) == (
        'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'
    )


def test_checks_come_in_the_order_of_the_server() -> None:
    """Unknown fields, then the namespace's name, then whether it is there, then validation."""
    world = World()
    bad = config_map("Bad_x")
    unknown = refused(400, world, {**bad, "foo": 1}, namespace="missing", field_validation="Strict")
    assert str(unknown) == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
        'strict decoding error: unknown field "foo"'
    )
    other = refused(400, world, config_map("Bad_x", namespace="z"), namespace="missing")
    assert (
        str(other) == "the namespace of the provided object does not match the namespace sent on the request"
    )
    missing = refused(404, world, bad, namespace="missing")
    assert str(missing) == 'namespaces "missing" not found'
    assert missing.status["details"] == {"name": "missing", "kind": "namespaces"}
    assert refused(422, world, bad).status["details"]["causes"][0]["field"] == "metadata.name"


def test_unknown_fields_are_dropped_with_a_warning() -> None:
    world = World()
    result = world.create({**config_map(), "foo": 1}, field_validation="Warn")
    assert result.warnings == ('unknown field "foo"',)
    assert "foo" not in result.object
    assert world.create({**config_map("b"), "foo": 1}, field_validation="Ignore").warnings == ()


def test_a_resource_version_has_no_place_in_a_create() -> None:
    world = World()
    error = refused(500, world, config_map(resourceVersion="5"))
    assert str(error) == "resourceVersion should not be set on objects to be created"
    assert "reason" not in error.status
    assert world.create(config_map(resourceVersion="x")).created


def test_a_dry_run_leaves_nothing_behind() -> None:
    world = World()
    before = world.store.revision
    result = world.create(config_map(), dry_run=True)
    assert "resourceVersion" not in result.object["metadata"]
    assert (world.store.revision, world.exists(config_map())) == (before, False)


def test_services_get_addresses_that_no_other_has() -> None:
    world = World()
    made = set()
    for name in "abc":
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"ports": [{"port": 80}]},
        }
        made.add(world.create(service).object["spec"]["clusterIP"])
    assert len(made) == 3
    assert "10.0.0.1" not in made


def test_a_pod_begins_pending() -> None:
    world = World()
    found = world.create({**pod(), "status": {"phase": "Running"}}).object
    assert found["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert found["spec"]["serviceAccountName"] == "default"


def test_a_name_is_taken_until_its_object_is_gone() -> None:
    world = World()
    world.create(config_map(finalizers=["example.com/x"]))
    world.delete(config_map())
    error = refused(409, world, config_map())
    assert error.status["message"] == 'object is being deleted: configmaps "a" already exists'

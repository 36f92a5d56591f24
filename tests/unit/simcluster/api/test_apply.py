"""Server-Side Apply through the api: create, conflicts, no-ops, the status endpoint (measured on 1.37)."""

from typing import Any

import pytest

from simcluster.api.options import PatchKind
from simcluster.errors import ApiError
from tests.unit.simcluster.api.harness import World, config_map, deployment


def refusal(call: Any, *arguments: Any, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as error:
        call(*arguments, **options)
    return error.value


def owners(obj: dict[str, Any]) -> dict[str, Any]:
    return {each["manager"]: each["fieldsV1"] for each in obj["metadata"].get("managedFields", ())}


def test_an_apply_creates_and_owns_only_what_it_says() -> None:
    world = World()
    result = world.apply(deployment())
    assert result.created
    (entry,) = result.object["metadata"]["managedFields"]
    assert entry["operation"] == "Apply"
    assert "f:strategy" not in entry["fieldsV1"]["f:spec"]
    assert result.object["spec"]["strategy"]["type"] == "RollingUpdate"
    assert not world.apply(deployment()).created


def test_a_repeated_apply_writes_nothing() -> None:
    world = World()
    first = world.apply(deployment()).object
    world.clock.step(60)
    assert world.apply(deployment()).object == first


def test_fields_of_others_are_conflicts_until_forced() -> None:
    world = World()
    world.apply(deployment(), "one")
    error = refusal(world.apply, deployment(replicas=3), "two")
    assert str(error) == 'Apply failed with 1 conflict: conflict with "one": .spec.replicas'
    assert error.status["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".spec.replicas"}
    ]
    forced = world.apply(deployment(replicas=3), "two", force=True).object
    assert forced["spec"]["replicas"] == 3
    assert "f:replicas" not in owners(forced)["one"]["f:spec"]


def test_what_is_applied_no_more_goes() -> None:
    world = World()
    world.apply(config_map(data={"x": "1", "y": "2"}))
    world.merge(config_map(), {"data": {"z": "3"}}, manager="other")
    assert world.apply(config_map(data={"x": "1"})).object["data"] == {"x": "1", "z": "3"}


def test_version_and_uid_of_a_configuration() -> None:
    """A version is ignored when the object is made and held against it later; a uid never fits a new one."""
    world = World()
    assert world.apply(config_map(resourceVersion="3")).created
    assert refusal(world.apply, config_map(resourceVersion="1")).code == 409
    error = refusal(world.apply, config_map("new", uid="3"))
    assert error.code == 409
    assert str(error) == (
        'Operation cannot be fulfilled on configmaps "new": uid mismatch: the provided object specified '
        "uid 3, and no existing object was found"
    )
    message = 'ConfigMap "a" is invalid: metadata.uid: Invalid value: "3": field is immutable'
    assert str(refusal(world.apply, config_map(uid="3"))) == message


def test_configurations_of_other_kinds_and_with_owners_are_refused() -> None:
    world = World()
    kind = world.kind("ConfigMap")
    other = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}
    error = refusal(world.api.apply, kind, "default", "a", other)
    assert (error.code, str(error)) == (400, "invalid object type: /v1, Kind=Secret")
    owned = config_map(managedFields=[{"manager": "x"}])
    assert str(refusal(world.apply, owned)) == "metadata.managedFields must be nil"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b"[]",
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value",
        ),
        (b"{", "error converting YAML to JSON: yaml: line 1: did not find expected node content"),
    ],
)
def test_bodies_that_are_no_object(body: bytes, message: str) -> None:
    world = World()
    error = refusal(world.api.patch, world.kind("ConfigMap"), "default", "a", PatchKind.APPLY, body)
    assert error.code == 400
    assert str(error).startswith(f"error decoding patch: {message}")


def test_unknown_fields_fail_at_any_field_validation() -> None:
    world = World()
    error = refusal(world.apply, {**config_map(), "foo": 1}, field_validation="Ignore")
    assert error.code == 500
    assert str(error) == (
        "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .foo: field not declared in schema"
    )


def test_an_apply_may_leave_the_name_of_a_live_object_to_the_path() -> None:
    world = World()
    kind = world.kind("ConfigMap")
    nameless = {"apiVersion": "v1", "kind": "ConfigMap"}
    error = refusal(world.api.apply, kind, "default", "a", nameless)
    assert str(error) == "the name of the object (a based on URL) was undeterminable: name must be provided"
    world.create(config_map())
    found = world.api.apply(kind, "default", "a", nameless).object
    assert found["metadata"]["name"] == "a"
    other = refusal(world.api.apply, kind, "default", "b", config_map())
    assert str(other) == "the name of the object (a) does not match the name on the URL (b)"


def test_an_apply_of_the_status_needs_the_object() -> None:
    world = World()
    config = {**deployment(), "status": {"replicas": 1}}
    assert refusal(world.apply, config, "kubelet", "status").code == 404
    world.create(deployment())
    found = world.apply(config, "kubelet", "status").object
    assert found["status"] == {"replicas": 1}
    assert owners(found)["kubelet"] == {"f:status": {"f:replicas": {}}}


def test_a_dry_run_of_an_apply_creates_nothing() -> None:
    world = World()
    result = world.apply(config_map(), dry_run=True)
    assert result.created
    assert "resourceVersion" not in result.object["metadata"]
    assert not world.exists(config_map())


@pytest.mark.parametrize(
    ("config", "because"),
    [
        (
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"a": "no base64"}},
            "error decoding from json: illegal base64 data at input byte 2",
        ),
        (deployment("x", replicas=1.5), "cannot convert float64 to int32"),
    ],
)
def test_what_fits_the_schema_and_not_the_go_type_cannot_be_converted(
    config: dict[str, Any], because: str
) -> None:
    error = refusal(World().apply, config)
    type_ = {"Secret": "/v1, Kind=Secret", "Deployment": "apps/v1, Kind=Deployment"}[config["kind"]]
    assert error.code == 500
    assert str(error) == (
        f"failed to convert new object (/x; {type_}) to proper version: "
        f"unable to convert unstructured object to {type_}: {because}"
    )

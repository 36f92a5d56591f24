"""Delete: at once or in steps, preconditions, finalizers, grace, collections (measured on 1.37)."""

from typing import Any

import pytest

from simcluster.api.options import DeleteOptions, ListOptions
from simcluster.errors import ApiError
from tests.unit.simcluster.api.harness import World, config_map, deployment, pod


def refusal(call: Any, *arguments: Any, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as error:
        call(*arguments, **options)
    return error.value


def test_most_kinds_answer_with_a_status() -> None:
    world = World()
    uid = world.create(deployment()).object["metadata"]["uid"]
    assert world.delete(deployment()).object == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "web", "group": "apps", "kind": "deployments", "uid": uid},
    }
    assert not world.exists(deployment())


def test_some_kinds_answer_with_the_object() -> None:
    world = World()
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}}
    world.create(account)
    assert world.delete(account).object["kind"] == "ServiceAccount"


def test_preconditions() -> None:
    world = World()
    metadata = world.create(config_map()).object["metadata"]
    error = refusal(world.delete, config_map(), uid="x")
    assert (error.code, error.status["details"]) == (409, {"name": "a", "kind": "ConfigMap"})
    assert str(error) == (
        'Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (x) does not match the '
        f"UID in record ({metadata['uid']}). The object might have been deleted and then recreated"
    )
    version = refusal(world.delete, config_map(), resource_version="1")
    assert str(version) == (
        'Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition (1) does '
        f"not match the ResourceVersion in record ({metadata['resourceVersion']}). "
        "The object might have been modified"
    )
    world.delete(config_map(), uid=metadata["uid"], resource_version=metadata["resourceVersion"])


def test_finalizers_hold_an_object_until_the_last_is_gone() -> None:
    world = World()
    world.create(config_map(finalizers=["example.com/x"]))
    marked = world.delete(config_map(), grace_period=10).object
    assert marked["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
    world.clock.step(5)
    assert world.delete(config_map()).object == marked
    added = refusal(
        world.merge, config_map(), {"metadata": {"finalizers": ["example.com/x", "example.com/y"]}}
    )
    assert str(added) == (
        'ConfigMap "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the '
        'object is being deleted, found new finalizers []string{"example.com/y"}'
    )
    revision = world.store.revision
    last = world.merge(config_map(), {"metadata": {"finalizers": None, "deletionTimestamp": None}}).object
    assert last["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"
    assert last["metadata"]["resourceVersion"] == str(revision + 1)
    assert not world.exists(config_map())


@pytest.mark.parametrize(
    ("options", "finalizers"),
    [
        ({"propagation": "Orphan"}, ["orphan"]),
        ({"propagation": "Foreground"}, ["foregroundDeletion"]),
        ({"orphan": True}, ["orphan"]),
    ],
)
def test_propagation_leaves_a_finalizer_for_the_garbage_collector(
    options: dict[str, Any], finalizers: list[str]
) -> None:
    world = World()
    world.create(deployment())
    found = world.delete(deployment(), **options).object["metadata"]
    assert (found["finalizers"], found["generation"]) == (finalizers, 2)


def test_jobs_orphan_by_default_and_events_never() -> None:
    world = World()
    template = {"spec": {"containers": [{"name": "c", "image": "x"}], "restartPolicy": "Never"}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": template}}
    world.create(job)
    assert world.delete(job).object["metadata"]["finalizers"] == ["orphan"]
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "involvedObject": {"namespace": "default"},
    }
    world.create(event)
    assert world.delete(event, propagation="Foreground").object["kind"] == "Status"


def test_unknown_and_double_propagation() -> None:
    world = World()
    world.create(config_map())
    unknown = refusal(world.delete, config_map(), propagation="X")
    assert str(unknown) == (
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "X": supported '
        'values: "Foreground", "Background", "Orphan", "nil"'
    )
    double = refusal(world.delete, config_map(), propagation="Orphan", orphan=True)
    assert str(double) == (
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": '
        "orphanDependents and deletionPropagation cannot be both set"
    )


def test_a_pod_on_a_node_has_its_grace() -> None:
    """It may be shortened, not lengthened; without grace the pod goes, after watchers saw it marked so."""
    world = World()
    world.create(pod(nodeName="node-0", terminationGracePeriodSeconds=7))
    first = world.delete(pod()).object["metadata"]
    assert (first["deletionTimestamp"], first["deletionGracePeriodSeconds"], first["generation"]) == (
        "2026-01-01T00:00:07Z",
        7,
        2,
    )
    shorter = world.delete(pod(), grace_period=3).object["metadata"]
    assert (shorter["deletionTimestamp"], shorter["deletionGracePeriodSeconds"]) == (
        "2026-01-01T00:00:03Z",
        3,
    )
    longer = world.delete(pod(), grace_period=30).object["metadata"]
    assert longer == shorter
    watch = world.store.watch("pods", "", world.store.revision)
    last = world.delete(pod(), grace_period=0).object
    assert (last["kind"], last["metadata"]["deletionGracePeriodSeconds"]) == ("Pod", 0)
    assert [change.kind for change in watch.pending()] == ["MODIFIED", "DELETED"]
    assert not world.exists(pod())


def test_a_pod_without_a_node_goes_at_once() -> None:
    world = World()
    world.create(pod())
    found = world.delete(pod()).object["metadata"]
    assert (found["deletionGracePeriodSeconds"], found["generation"]) == (0, 2)
    assert not world.exists(pod())


def test_a_dry_run_deletes_nothing() -> None:
    world = World()
    world.create(config_map())
    assert world.delete(config_map(), dry_run=True).object["status"] == "Success"
    assert world.delete(config_map(), dry_run=True, propagation="Orphan").object["kind"] == "ConfigMap"
    assert "finalizers" not in world.get(config_map())["metadata"]


def test_a_collection_is_deleted_by_selector_and_answered_as_it_was() -> None:
    world = World()
    for name in "abc":
        world.create(config_map(name, labels={"x": "1"} if name != "b" else {}))
    kind = world.kind("ConfigMap")
    selected = ListOptions(label_selector="x=1")
    found = world.api.delete_collection(kind, "default", selected, DeleteOptions())
    assert [record.name for record in found.items] == ["a", "c"]
    assert world.names(kind) == ["b", "kube-root-ca.crt"]
    error = refusal(world.api.delete_collection, world.kind("Namespace"), "")
    assert error.code == 405


def test_a_namespace_is_marked_and_waits_for_its_finalizers() -> None:
    world = World()
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    world.create(namespace)
    marked = world.delete(namespace).object
    assert marked["status"] == {"phase": "Terminating"}
    assert "deletionGracePeriodSeconds" not in marked["metadata"]
    assert world.delete(namespace).object == marked
    error = refusal(world.create, config_map(), "n")
    assert error.code == 403
    assert str(error) == (
        'configmaps "a" is forbidden: unable to create new content in namespace n '
        "because it is being terminated"
    )
    assert error.status["details"]["causes"] == [
        {
            "reason": "NamespaceTerminating",
            "message": "namespace n is being terminated",
            "field": "metadata.namespace",
        }
    ]
    world.update({**marked, "spec": {}}, "finalize")
    assert not world.exists(namespace)


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_three_namespaces_stay(name: str) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    error = refusal(World().delete, namespace)
    assert (error.code, str(error)) == (
        403,
        f'namespaces "{name}" is forbidden: this namespace may not be deleted',
    )

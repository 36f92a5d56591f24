"""Namespaces begin with what each has, and end with their content."""

from __future__ import annotations

from tests.unit.simcluster.behaviour.world import World


def test_new_namespace_has_account_and_certificates(world: World) -> None:
    """Both come back when they are deleted."""
    world.create("Namespace", "team")
    world.step()
    assert world.has("ServiceAccount", "default", "team")
    assert world.has("ConfigMap", "kube-root-ca.crt", "team")
    world.delete("ServiceAccount", "default", "team")
    world.delete("ConfigMap", "kube-root-ca.crt", "team")
    world.step()
    assert world.has("ServiceAccount", "default", "team")
    assert world.has("ConfigMap", "kube-root-ca.crt", "team")


def test_deleted_namespace_takes_its_content_along(world: World) -> None:
    """Nothing of it is left, Events neither; other namespaces are not touched."""
    world.create("Namespace", "team")
    world.deploy(replicas=2, namespace="team")
    world.create("Service", "web", "team", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})
    world.create("ConfigMap", "settings")
    world.step(1)
    world.delete("Namespace", "team")
    world.step()
    store = world.cluster.store
    assert not world.has("Namespace", "team")
    assert [name for name in store.storages() if store.items(name, "team")] == []
    assert world.has("ConfigMap", "settings")


def test_namespace_waits_for_finalizers_and_says_so(world: World) -> None:
    """Its conditions name what is left; it goes when that goes."""
    world.create("Namespace", "team")
    world.create("ConfigMap", "held", "team", metadata={"finalizers": ["example.com/wait"]})
    world.step(1)
    world.delete("Namespace", "team")
    world.step(1)
    found = world.conditions("Namespace", "team")
    assert {kind: (each["status"], each["reason"]) for kind, each in found.items()} == {
        "NamespaceDeletionDiscoveryFailure": ("False", "ResourcesDiscovered"),
        "NamespaceDeletionGroupVersionParsingFailure": ("False", "ParsedGroupVersions"),
        "NamespaceDeletionContentFailure": ("False", "ContentDeleted"),
        "NamespaceContentRemaining": ("True", "SomeResourcesRemain"),
        "NamespaceFinalizersRemaining": ("True", "SomeFinalizersRemain"),
    }
    assert found["NamespaceContentRemaining"]["message"] == (
        "Some resources are remaining: configmaps. has 1 resource instances"
    )
    assert found["NamespaceFinalizersRemaining"]["message"] == (
        "Some content in the namespace has finalizers remaining: example.com/wait in 1 resource instances"
    )
    world.change("ConfigMap", "held", lambda obj: obj["metadata"].pop("finalizers"), "team")
    world.step()
    assert not world.has("Namespace", "team")


def test_pods_go_first(world: World) -> None:
    """While a pod stops, the rest stays."""
    world.create("Namespace", "team")
    world.deploy("r/web:1-slow-stop-5", namespace="team")
    world.step(1)
    world.delete("Namespace", "team")
    world.step(1)
    assert len(world.pods("team")) == 1
    assert world.has("Deployment", "web", "team")
    world.step(5)
    assert not world.has("Namespace", "team")

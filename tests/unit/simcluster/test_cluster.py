"""A whole cluster: what it starts with, that it repeats itself, that it rests until something happens."""

from simcluster.clock import SteppedClock, timestamp
from simcluster.cluster import Cluster


def test_a_new_cluster_holds_what_a_real_one_does() -> None:
    cluster = Cluster("a", SteppedClock(), nodes=2)
    held = {
        storage: [each.name for each in cluster.store.items(storage)] for storage in cluster.store.storages()
    }
    assert held["namespaces"] == ["default", "kube-node-lease", "kube-public", "kube-system"]
    assert held["nodes"] == ["node-0", "node-1"]
    assert held["serviceaccounts"] == ["default"] * 4
    assert held["services"] == ["kubernetes"]
    assert "cluster-admin" in held["rbac.authorization.k8s.io/clusterroles"]
    node = cluster.store.items("nodes")[0].object()
    assert node["metadata"]["creationTimestamp"] == timestamp(cluster.clock.now())
    assert node["status"]["conditions"][0]["status"] == "True"


def test_what_it_starts_with_is_as_its_own_api_would_have_it() -> None:
    """Writing each object again changes nothing: the seed has the form that the api gives objects."""
    cluster = Cluster("a", SteppedClock())
    revision = cluster.store.revision
    for storage in cluster.store.storages():
        for record in cluster.store.items(storage):
            obj = record.object()
            kind = cluster.registry.of(obj["apiVersion"], obj["kind"])
            assert kind is not None
            cluster.api.update(kind, record.namespace, record.name, obj)
            assert cluster.store.get(storage, record.namespace, record.name) is record, record.body
    assert cluster.store.revision == revision


def test_clusters_of_one_name_and_seed_repeat_each_other_and_no_others() -> None:
    def uids(name: str, seed: int = 0) -> list[str]:
        return [each.uid for each in Cluster(name, SteppedClock(), seed=seed).store.items("namespaces")]

    assert uids("a") == uids("a")
    assert len({*uids("a"), *uids("b"), *uids("a", 1)}) == 12


def test_a_new_cluster_has_nothing_to_do() -> None:
    """No timer, no task: a thousand of them cost no time."""
    clock = SteppedClock()
    cluster = Cluster("a", clock)
    assert cluster.behaviour.idle
    assert clock.until_next() is None


def test_a_closed_cluster_ends_its_watches() -> None:
    cluster = Cluster("a", SteppedClock())
    kind = cluster.registry.of("v1", "ConfigMap")
    assert kind is not None
    stream = cluster.api.watch(kind)
    cluster.close()
    assert stream.ended


def test_records_that_all_clusters_have_alike_are_shared() -> None:
    first, second = Cluster("a", SteppedClock()), Cluster("b", SteppedClock())
    storage = "rbac.authorization.k8s.io/clusterroles"
    assert first.store.get(storage, "", "admin") is second.store.get(storage, "", "admin")
    assert first.store.get("namespaces", "", "default") is not second.store.get("namespaces", "", "default")

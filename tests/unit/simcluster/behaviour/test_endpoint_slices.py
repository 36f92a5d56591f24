"""A Service's endpoints are the pods that it selects, as EndpointSlice and as Endpoints."""

from __future__ import annotations

from typing import Any

from simcluster.behaviour import endpointslice
from tests.unit.simcluster.behaviour.world import JsonObject, World


def _service(world: World, **spec: Any) -> None:
    port = {"name": "http", "port": 80, "targetPort": "http"}
    world.create("Service", "web", spec={"selector": {"app": "web"}, "ports": [port], **spec})


def _slice(world: World) -> JsonObject:
    (found,) = world.all("EndpointSlice")
    return found


def test_service_without_pods_has_an_empty_slice(world: World) -> None:
    """Made at once, named after the Service."""
    _service(world)
    world.step()
    found = _slice(world)
    assert found["metadata"]["generateName"] == "web-"
    assert found["metadata"]["labels"] == {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": "web",
    }
    assert (found["endpoints"], found["ports"]) == (None, None)
    assert "subsets" not in world.get("Endpoints", "web")


def test_endpoints_follow_the_pods_readiness(world: World) -> None:
    """Not ready, ready, gone."""
    _service(world)
    world.deploy()
    world.step()
    (endpoint,) = _slice(world)["endpoints"]
    assert endpoint["conditions"] == {"ready": False, "serving": False, "terminating": False}
    assert "notReadyAddresses" in world.get("Endpoints", "web")["subsets"][0]
    world.step(1)
    (endpoint,) = _slice(world)["endpoints"]
    pod = world.pod()
    assert endpoint == {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": "node-0",
        "targetRef": {
            "kind": "Pod",
            "namespace": "default",
            "name": pod["metadata"]["name"],
            "uid": pod["metadata"]["uid"],
        },
        "zone": "north-a",
    }
    assert _slice(world)["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    (subset,) = world.get("Endpoints", "web")["subsets"]
    assert [each["ip"] for each in subset["addresses"]] == [pod["status"]["podIP"]]
    world.set_spec("Deployment", "web", replicas=0)
    world.step(1)
    assert not _slice(world)["endpoints"]
    assert "subsets" not in world.get("Endpoints", "web")


def test_stopping_pod_serves_but_is_not_ready(world: World) -> None:
    """A slow stop shows as terminating."""
    _service(world)
    world.deploy("r/web:1-slow-stop-5")
    world.step(1)
    world.set_spec("Deployment", "web", replicas=0)
    world.step(1)
    (endpoint,) = _slice(world)["endpoints"]
    assert endpoint["conditions"] == {"ready": False, "serving": True, "terminating": True}


def test_unready_pods_are_published_where_asked(world: World) -> None:
    """They count as ready then."""
    _service(world, publishNotReadyAddresses=True)
    world.deploy("r/web:1-never-ready")
    world.step(1)
    assert _slice(world)["endpoints"][0]["conditions"]["ready"] is True


def test_changed_selector_changes_the_endpoints(world: World) -> None:
    """So do changed labels of a pod."""
    _service(world)
    world.deploy()
    world.step(1)
    world.set_spec("Service", "web", selector={"app": "other"})
    world.step()
    assert not _slice(world)["endpoints"]
    world.set_spec("Service", "web", selector={"app": "web"})
    world.step()
    assert len(_slice(world)["endpoints"]) == 1


def test_deleted_service_takes_its_endpoints_along(world: World) -> None:
    """Both kinds."""
    _service(world)
    world.step()
    world.delete("Service", "web")
    world.step()
    assert (world.all("EndpointSlice"), world.has("Endpoints", "web")) == ([], False)


def test_stateful_pods_have_host_names(world: World) -> None:
    """Behind the headless Service that they name."""
    _service(world, clusterIP="None")
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "r/c:1"}]},
    }
    selector = {"matchLabels": {"app": "web"}}
    world.create("StatefulSet", "db", spec={"serviceName": "web", "selector": selector, "template": template})
    world.step(1)
    assert _slice(world)["endpoints"][0]["hostname"] == "db-0"
    assert _slice(world)["metadata"]["labels"]["service.kubernetes.io/headless"] == ""


def test_more_than_a_hundred_endpoints_need_another_slice() -> None:
    """A slice holds a hundred."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default", "uid": "u"},
        "spec": {"ports": [{"port": 80, "targetPort": 8080}]},
    }
    pods = [
        {
            "metadata": {"name": f"p{number:03}", "namespace": "default", "uid": f"u{number}"},
            "spec": {},
            "status": {"podIP": f"10.0.0.{number}"},
        }
        for number in range(250)
    ]
    found = endpointslice.slices(service, pods, {})
    assert [len(each["endpoints"]) for each in found] == [100, 100, 50]


def test_service_without_selector_is_left_alone(world: World) -> None:
    """Its endpoints are somebody else's."""
    world.create("Service", "web", spec={"ports": [{"port": 80}]})
    world.step()
    assert world.all("EndpointSlice") == []

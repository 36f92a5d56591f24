"""What a server tells of itself, and what has to do with pods' processes."""

from __future__ import annotations

import aiohttp
import pytest

from simcluster.clock import SteppedClock
from simcluster.cluster import Cluster
from simcluster.fleet import Fleet
from tests.unit.simcluster.server.conftest import Client

NS = "/api/v1/namespaces/default"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def test_it_says_that_it_is_a_simulation(client: Client) -> None:
    reply = await client.send("GET", "/version", token="")
    assert reply.body["gitVersion"].endswith("+simcluster")
    assert "simulation" in reply.body["gitCommit"]
    assert reply.headers["X-Simulated"] == "simcluster"


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/readyz/ping"])
async def test_it_is_well(client: Client, path: str) -> None:
    assert (await client.send("GET", path)).text == "ok"
    verbose = (await client.send("GET", f"{path}?verbose")).text
    assert verbose == "ok" or verbose.endswith("check passed\n")


async def test_discovery_in_both_forms(client: Client) -> None:
    assert (await client.get("/api"))["versions"] == ["v1"]
    assert (await client.get("/apis"))["kind"] == "APIGroupList"
    assert (await client.get("/apis/apps"))["preferredVersion"]["version"] == "v1"
    listed = await client.get("/apis/apps/v1")
    assert "deployments/scale" in {each["name"] for each in listed["resources"]}
    both = f"{AGGREGATED},application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
    reply = await client.send("GET", "/apis", Accept=f"{both},application/json")
    assert reply.headers["Content-Type"] == AGGREGATED
    assert reply.body["kind"] == "APIGroupDiscoveryList"
    only = await client.send("GET", "/apis", Accept=AGGREGATED.replace("v2", "v9"))
    assert only.status == 406
    assert (await client.send("GET", "/apis/nothing")).status == 404
    assert (await client.send("GET", "/apis/apps/v9")).status == 404
    assert (await client.send("GET", "/api/v9")).status == 404


async def test_openapi_s_addresses_lead_to_documents(client: Client, fleet: Fleet) -> None:
    """Clients take them for absolute paths, so they name the cluster."""
    index = (await client.get("/openapi/v3"))["paths"]
    address = index["apis/apps/v1"]["serverRelativeURL"]
    assert address.startswith("/clusters/cluster-1/openapi/v3/apis/apps/v1?hash=")
    root = Client(client.session, f"http://127.0.0.1:{fleet.port}", client.token)
    assert "io.k8s.api.apps.v1.Deployment" in (await root.get(address))["components"]["schemas"]
    assert (await client.get("/openapi/v2"))["swagger"] == "2.0"
    assert (await client.send("GET", "/openapi/v3/apis/no/v1")).status == 404


@pytest.mark.parametrize("path", ["/foo", "/healthz/nothing", "/metrics/x", "/version/x"])
async def test_other_paths_are_not_there(client: Client, path: str) -> None:
    reply = await client.send("GET", path)
    assert (reply.status, reply.text) == (404, "404 page not found\n")


@pytest.mark.parametrize("path", ["/", "/clusters/", "/clusters/none/api", "/api/v1/namespaces"])
async def test_only_clusters_are_served(session: aiohttp.ClientSession, fleet: Fleet, path: str) -> None:
    async with session.get(f"http://127.0.0.1:{fleet.port}{path}") as response:
        assert response.status == 404
        assert (await response.json())["kind"] == "Status"


async def _pod(client: Client, cluster: Cluster, *containers: str) -> None:
    spec = {"containers": [{"name": name, "image": "registry.example/web:1"} for name in containers]}
    await client.make(f"{NS}/pods", "p", spec=spec)
    assert isinstance(cluster.clock, SteppedClock)
    cluster.clock.step(5)


async def test_a_pod_has_a_log(client: Client, cluster: Cluster) -> None:
    await _pod(client, cluster, "a")
    reply = await client.send("GET", f"{NS}/pods/p/log")
    assert reply.headers["Content-Type"] == "text/plain"
    lines = reply.text.splitlines()
    assert len(lines) == 2
    last = await client.send("GET", f"{NS}/pods/p/log?tailLines=1&timestamps=true")
    assert last.text.endswith(f"Z {lines[-1]}\n")
    assert (await client.send("GET", f"{NS}/pods/p/log?tailLines=0")).text == ""
    assert (await client.send("GET", f"{NS}/pods/p/log?limitBytes=5")).text == reply.text[:5]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("", 400, "a container name must be specified for pod p, choose one of: [a b]"),
        ("container=z", 400, "container z is not valid for pod p"),
        ("container=a&tailLines=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        (
            "container=a&tailLines=-1",
            422,
            'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
        ),
    ],
)
async def test_log_options_are_checked(
    client: Client, cluster: Cluster, query: str, status: int, words: str
) -> None:
    await _pod(client, cluster, "a", "b")
    reply = await client.send("GET", f"{NS}/pods/p/log?{query}")
    assert (reply.status, reply.message) == (status, words)


async def test_nothing_can_be_executed(client: Client, cluster: Cluster) -> None:
    await _pod(client, cluster, "a")
    for path in ("exec?command=ls", "attach", "portforward"):
        plain = await client.send("POST", f"{NS}/pods/p/{path}")
        assert (plain.status, plain.message) == (400, "Upgrade request required")
        upgrade = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
        refused = await client.send("POST", f"{NS}/pods/p/{path}", **upgrade)
        assert refused.status == 501
        assert "simulation" in refused.message

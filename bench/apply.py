"""First apply of 1,000 objects, 1 % changed, and nothing changed, against the floor of bare requests."""

from __future__ import annotations

import asyncio
import ssl
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from bench.measure import Cost, measured
from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.connection import ConnectionSettings, connect
from controllers.adapters.kube.patience import Patience
from controllers.adapters.kube.wire import METADATA_OBJECT, RequestSeen
from controllers.clock import now
from controllers.rollout.applier import CONCURRENT_REQUESTS
from controllers.rollout.observer import Access, Question
from controllers.rollout.worker import Errand, TargetWorker
from gitops.errors import Location
from gitops.model.targets import Target
from gitops.objects import JsonObject, Manifest, ObjectKey
from gitops.plan import PlanPolicy, Scope, Wanted
from gitops.rollout.observation import TargetReport
from tests.cluster.rig.control_plane import ControlPlane
from tests.cluster.rig.processes import wait_for

NAMESPACES = 10
CONFIG_MAPS = 800
DEPLOYMENTS = 200
CHANGED = 10
ROUNDS = 9
WRITES = ("apply", "create", "update", "delete")


class Requests:
    """Counts requests on the wire."""

    def __init__(self) -> None:
        self.verbs: Counter[str] = Counter()

    def __call__(self, seen: RequestSeen) -> None:
        """Take one in."""
        self.verbs[f"dry-run {seen.verb}" if seen.dry_run else seen.verb] += 1

    @property
    def writes(self) -> int:
        """Requests that changed something."""
        return sum(self.verbs[verb] for verb in WRITES)


def objects(prefix: str, version: str = "1", changed: int = 0, *, replicas: int = 0) -> list[JsonObject]:
    """Namespaces, ConfigMaps of 1 KB, Deployments; the first `changed` ConfigMaps carry `version`."""
    names = [f"{prefix}-{index}" for index in range(NAMESPACES)]
    found: list[JsonObject] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names
    ]
    for index in range(CONFIG_MAPS):
        value = version if index < changed else "1"
        found.append(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": f"config-{index}", "namespace": names[index % NAMESPACES]},
                "data": {"version": value, "payload": "x" * 1000},
            }
        )
    found += [_deployment(index, names[index % NAMESPACES], replicas) for index in range(DEPLOYMENTS)]
    return found


def _deployment(index: int, namespace: str, replicas: int) -> JsonObject:
    labels = {"app": f"app-{index}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"app-{index}", "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "registry.example/app:1"}]},
            },
        },
    }


async def run(plane: ControlPlane) -> dict[str, Any]:
    """All figures of this module."""
    floors: list[Cost] = []
    firsts: list[Cost] = []
    first_requests: dict[str, int] = {}
    for index in range(ROUNDS + 1):
        if index % 2:
            floors.append(await _floor(plane, index))
        async with worker(plane) as (client, requests):
            firsts.append(await applied(client, f"ours-{index}", objects(f"ours-{index}")))
            first_requests = dict(requests.verbs)
        await asyncio.to_thread(observed, plane, f"ours-{index}")
        if not index % 2:
            floors.append(await _floor(plane, index))
    # The first round finds an empty API server and cold code: it warms up, and does not count.
    floors, firsts = floors[1:], firsts[1:]
    ratios = [ours.seconds / bare.seconds for ours, bare in zip(firsts, floors, strict=True)]
    last = f"ours-{ROUNDS}"
    changes: list[Cost] = []
    # One client for all rounds: a controller that runs has its connections open.
    async with worker(plane) as (client, requests):
        await applied(client, last, objects(last))
        await asyncio.to_thread(observed, plane, last)
        for index in range(ROUNDS):
            requests.verbs.clear()
            changes.append(await applied(client, last, objects(last, f"{index + 2}", CHANGED)))
            changed_requests = dict(requests.verbs)
    version = f"{ROUNDS + 1}"
    async with worker(plane) as (client, requests):
        again = [await applied(client, last, objects(last, version, CHANGED)) for _ in range(ROUNDS)]
        again_requests, again_writes = dict(requests.verbs), requests.writes
    existing = await _into_existing_namespaces(plane)
    return {
        "first_apply": {
            "objects": NAMESPACES + CONFIG_MAPS + DEPLOYMENTS,
            "floor": [cost.as_json() for cost in floors],
            "ours": [cost.as_json() for cost in firsts],
            "ratio_median": round(statistics.median(ratios), 3),
            "ratios": [round(ratio, 3) for ratio in ratios],
            "requests": first_requests,
        },
        "one_percent_changed": {
            "changed": CHANGED,
            "runs": [cost.as_json() for cost in changes],
            "requests": changed_requests,
        },
        "nothing_changed_after_restart": {
            "runs": [cost.as_json() for cost in again],
            "writes": again_writes,
            "requests_of_all_runs": again_requests,
        },
        "first_apply_into_existing_namespaces": existing,
    }


async def _floor(plane: ControlPlane, index: int) -> Cost:
    cost = await floor(plane, objects(f"floor-{index}"))
    await asyncio.to_thread(observed, plane, f"floor-{index}")
    return cost


def observed(plane: ControlPlane, prefix: str) -> None:
    """Wait until the cluster's own controllers are done with the Deployments: they use the same cores."""

    def all_observed() -> bool:
        found = plane.api.get("/apis/apps/v1/deployments")["items"]
        ours = [one for one in found if one["metadata"]["namespace"].startswith(f"{prefix}-")]
        return all(one["status"].get("observedGeneration") for one in ours)

    wait_for(all_observed, "all Deployments to be observed", timeout=120)


async def _into_existing_namespaces(plane: ControlPlane) -> dict[str, Any]:
    """Here the API server can judge every object before the first write, at the price of a dry-run each."""
    bodies = objects("existing")
    await floor(plane, bodies[:NAMESPACES])
    async with worker(plane) as (client, requests):
        ours = await applied(client, "existing", bodies)
        return {**ours.as_json(), "requests": dict(requests.verbs)}


@asynccontextmanager
async def worker(plane: ControlPlane) -> Any:  # noqa: ANN401 - an async generator of two values
    """A client as the controller has it, and its requests."""
    settings = ConnectionSettings(
        name="bench", server=plane.url, ca_file=str(plane.ca_file), token_file=str(_token_file(plane))
    )
    client = await connect(settings)
    requests = Requests()
    client.on_request = requests
    try:
        await client.discovery()
        requests.verbs.clear()
        yield client, requests
    finally:
        await client.close()


def _token_file(plane: ControlPlane) -> Any:  # noqa: ANN401 - a path
    file = plane.folder / "bench-token"
    file.write_text(plane.token)
    return file


async def applied(client: KubeClient, prefix: str, bodies: Iterable[JsonObject]) -> Cost:
    """Apply as a rollout does, from the look at the target to the stored inventory."""
    manifests = tuple(Manifest(body, Location("bench.yaml", 1)) for body in bodies)
    target = Target("bench", f"{prefix}-0")
    digest = str(hash(orjson.dumps([manifest.body for manifest in manifests])))
    wanted = Wanted(Scope("bench", prefix, target), "0" * 40, digest, "bench", manifests)

    async def siblings(_question: Question) -> Mapping[str, frozenset[ObjectKey]]:
        return {}

    done = asyncio.Event()
    reports: list[TargetReport] = []

    def report(seen: TargetReport) -> None:
        reports.append(seen)
        if seen.counts is not None or seen.failure is not None:
            done.set()

    errand = Errand(wanted, PlanPolicy(), siblings)
    with measured() as cost:
        task = asyncio.create_task(
            TargetWorker(
                errand, Access(client, client), report=report, redact=str, clock=now, patience=Patience()
            ).run()
        )
        await done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    if reports[-1].failure is not None:
        raise RuntimeError(str(reports[-1].failure))
    return cost


async def floor(plane: ControlPlane, bodies: list[JsonObject]) -> Cost:
    """The same objects by nothing but concurrent Server-Side Apply requests, kind by kind."""
    context = ssl.create_default_context(cafile=str(plane.ca_file))
    headers = {
        "Authorization": f"Bearer {plane.token}",
        "Content-Type": "application/apply-patch+yaml",
        "Accept": METADATA_OBJECT,
    }
    connector = aiohttp.TCPConnector(ssl=context, limit=CONCURRENT_REQUESTS)
    async with aiohttp.ClientSession(plane.url, headers=headers, connector=connector) as session:

        async def patch(body: JsonObject) -> None:
            query = "fieldManager=floor&force=true&fieldValidation=Strict"
            async with session.patch(f"{_path(body)}?{query}", data=orjson.dumps(body)) as answer:
                content = await answer.read()
                answer.raise_for_status()
                orjson.loads(content)

        with measured() as cost:
            for kind in ("Namespace", "ConfigMap", "Deployment"):
                await asyncio.gather(*(patch(body) for body in bodies if body["kind"] == kind))
    return cost


def _path(body: JsonObject) -> str:
    metadata = body["metadata"]
    name = metadata["name"]
    match body["kind"]:
        case "Namespace":
            return f"/api/v1/namespaces/{name}"
        case "ConfigMap":
            return f"/api/v1/namespaces/{metadata['namespace']}/configmaps/{name}"
        case _:
            return f"/apis/apps/v1/namespaces/{metadata['namespace']}/deployments/{name}"

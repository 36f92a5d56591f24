"""Our verdict on objects is the API server's: every field of valid ones misspelt, of another type, left out.

The server is asked by a dry-run of Server-Side Apply with strict field validation, as a rollout does.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.connection import ConnectionSettings, connect
from controllers.adapters.kube.errors import Rejected
from controllers.adapters.kube.patience import Patience
from gitops.dialect import parse
from gitops.errors import Location, Unreachable
from gitops.objects import Manifest
from gitops.validation import Schemas, check, defined
from gitops.validation.removed import REMOVALS
from tests.cluster.mutations import Mutation, mutations
from tests.cluster.rig.control_plane import ControlPlane

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases" / "validation"
AT_ONCE = 8

# What a server says where a field is unknown or its value of another type.
SHAPE = re.compile(
    r"field not declared in schema|unknown field|cannot unmarshal"
    r"|expected (map|list|string|numeric|boolean|integer), got"
)
# A mutation that makes the server panic is answered by a closed connection, however often it is asked.
PATIENCE = Patience(attempt=20.0, total=2.0)


def objects(path: Path) -> list[dict[str, Any]]:
    return [
        document.value for document in parse(path.read_bytes(), path.name) if isinstance(document.value, dict)
    ]


VALID = objects(CASES / "valid.yaml")


@pytest.fixture(scope="module")
async def client(
    cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> AsyncIterator[KubeClient]:
    if pytestconfig.getoption("--cluster") == "sim":
        pytest.skip("the verdict to be met is the real server's; simcluster leaves some refusals out")
    path = cluster.write_kubeconfig(tmp_path_factory.mktemp("validation") / "kubeconfig")
    made = await connect(ConnectionSettings("east", kubeconfig=str(path)), patience=PATIENCE)
    yield made
    await made.close()


class Server:
    """Asks one API server, in one namespace."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def refusals(self, bodies: Iterable[dict[str, Any]]) -> list[str]:
        """Give what the server says against each object; empty where it takes one."""
        return list(await asyncio.gather(*(self._one(body) for body in bodies)))

    async def _one(self, body: dict[str, Any]) -> str:
        discovery = await self._client.discovery()
        resource = discovery.find(body["apiVersion"], body["kind"])
        assert resource is not None, body["apiVersion"]
        if resource.namespaced and isinstance(body["metadata"], dict):
            body = {**body, "metadata": {**body["metadata"], "namespace": self._namespace}}
        async with self._slots:
            try:
                await self._client.apply(resource, body, dry_run=True)
            except (Rejected, Unreachable) as error:
                return str(error)
        return ""

    async def schemas(self, body: dict[str, Any]) -> Schemas:
        """Give the schemas that the server has for an object's version."""
        found = await self._client.openapi.schemas(body["apiVersion"])
        return found[body["apiVersion"]]


@pytest.fixture
def server(client: KubeClient, namespace: str) -> Server:
    return Server(client, namespace)


def kind_of(body: dict[str, Any]) -> tuple[str, str]:
    return body["apiVersion"], body["kind"]


def disagreements(tried: Iterable[tuple[Mutation, str]], schemas: Schemas) -> list[str]:
    """Tell where we refuse what the server takes, or take what it refuses for its shape."""
    found = []
    for mutation, refusal in tried:
        mine = [one.message for one in check(mutation.body, kind_of(mutation.body), schemas)]
        if bool(mine) != bool(refusal) and (mine or SHAPE.search(refusal)):
            found.append(f"{kind_of(mutation.body)} {mutation.pointer} {mutation.how}: {mine} {refusal}")
    return found


@pytest.mark.parametrize("body", VALID, ids=lambda body: f"{body['kind']}-{body['apiVersion']}")
async def test_the_verdict_is_the_servers(server: Server, body: dict[str, Any]) -> None:
    """Nothing that the server takes is refused, and no unknown field or wrong type is let through."""
    schemas = await server.schemas(body)
    assert kind_of(body) in schemas.kinds
    assert await server.refusals([body]) == [""]
    assert check(body, kind_of(body), schemas) == ()
    changed = list(mutations(body))
    refusals = await server.refusals(one.body for one in changed)
    assert disagreements(zip(changed, refusals, strict=True), schemas) == []
    refused = sum(map(bool, refusals))
    assert refused > 2


def required_of(body: dict[str, Any], schemas: Schemas) -> list[Mutation]:
    """Give the mutations that leave out what the schema of a custom resource requires."""
    return [
        one
        for one in mutations(body)
        if one.how == "left out" and check(one.body, kind_of(one.body), schemas)
    ]


DEFINITION, *CUSTOM = objects(CASES / "custom.yaml")


@pytest.fixture
async def served(client: KubeClient) -> AsyncIterator[Schemas]:
    """Define the kind of custom.yaml, and wait until the server describes it."""
    discovery = await client.discovery()
    definitions = discovery.find("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert definitions is not None
    await client.apply(definitions, DEFINITION)
    try:
        async with asyncio.timeout(60):
            while True:
                serves = (await client.discovery(refresh=True)).find(*kind_of(CUSTOM[0])) is not None
                found = await served_now(client)
                if serves and kind_of(CUSTOM[0]) in found.kinds:
                    break
                await asyncio.sleep(0.1)
        yield found
    finally:
        await client.delete(definitions, DEFINITION["metadata"]["name"])


async def served_now(client: KubeClient) -> Schemas:
    version = CUSTOM[0]["apiVersion"]
    return (await client.openapi.schemas(version))[version]


async def test_the_verdict_on_custom_resources_is_the_servers(server: Server, served: Schemas) -> None:
    """By what the server publishes, and by the definition as it is written, which may not be applied yet."""
    written = defined([Manifest(DEFINITION, Location("custom.yaml"))])
    assert kind_of(CUSTOM[0]) in served.custom
    assert await server.refusals(CUSTOM) == ["" for _ in CUSTOM]
    changed = [one for body in CUSTOM for one in mutations(body)]
    refusals = await server.refusals(one.body for one in changed)
    tried = list(zip(changed, refusals, strict=True))
    assert disagreements(tried, served) == []
    # A definition says nothing of metadata, which is alike for all kinds.
    assert disagreements([one for one in tried if "metadata" not in one[0].pointer], written) == []
    for schemas in (served, written):
        assert [check(body, kind_of(body), schemas) for body in CUSTOM] == [() for _ in CUSTOM]
    assert len(required_of(CUSTOM[0], written)) >= 3


async def test_the_example_passes(server: Server) -> None:
    """What people copy from is right by the schemas too."""
    bodies = [
        body
        for path in sorted((ROOT / "example-repo" / "environments").glob("*/*/*.yaml"))
        for body in objects(path)
        if not body["apiVersion"].startswith(("gitops-waves.io/", "shop.example"))
    ]
    assert len(bodies) > 20
    for body in bodies:
        assert check(body, kind_of(body), await server.schemas(body)) == ()


# Served only where an operator asks for it.
OFF_BY_DEFAULT = {"ClusterTrustBundle", "PodCertificateRequest", "LeaseCandidate", "DeviceTaintRule"}


async def test_what_is_removed_and_what_replaces_it_is_the_servers(client: KubeClient) -> None:
    """By its discovery: no removed version is there, and every stable one that we tell people to write is."""
    discovery = await client.discovery()
    minor = await client.openapi.minor()
    assert minor >= 37
    for (api_version, kind), became in REMOVALS.items():
        if became.removed and became.removed <= minor:
            assert discovery.find(api_version, kind) is None, (api_version, kind)
        for successor in became.successors[:1]:
            if kind not in OFF_BY_DEFAULT:
                assert discovery.find(successor.api_version, kind) is not None, (successor, kind)

"""Gates between waves, on real clusters: http, soak, approval, suspension."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from gitops.rollout import events as e
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, World, deployment


@dataclass(slots=True)
class Site:
    """A web site that the gate asks; it answers as told."""

    status: int = 200
    body: str = "ready: yes"
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer and remember the path."""
        self.asked.append(request.path)
        return web.Response(status=self.status, text=self.body)


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    """A server on this machine."""
    found = Site()
    app = web.Application()
    app.router.add_get("/{path:.*}", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    host, port = runner.addresses[0][:2]
    found.url = f"http://{host}:{port}"
    yield found
    await runner.cleanup()


@pytest.fixture
def world(clusters: tuple[Plane, ...], namespace: str, tmp_path: Path) -> World:
    """Two clusters, two waves."""
    return World(People(tmp_path), clusters[:2], namespace, tmp_path, "production")


def waves(gate: Mapping[str, object], soak: str = "1s") -> list[dict[str, object]]:
    """A canary wave with a gate, and the rest."""
    canary = {"clusterSelector": {"matchLabels": {"ring": "canary"}}, "progressDeadline": "30s"}
    return [{"name": "canary", **canary, "soak": soak, "gates": [gate]}, {"name": "rest"}]


async def test_an_http_gate_is_asked_through_the_soak_and_opens(world: World, site: Site) -> None:
    """It is asked with the target's variables, again and again, and only then the next wave starts."""
    gate = {
        "type": "http",
        "name": "smoke",
        "url": site.url + "/${cluster}",
        "bodyMatch": "ready: y",
        "interval": "200ms",
    }
    files = {**world.clusters(), **world.environment_file(waves=waves(gate))}
    first = world.people.push("First", {**files, world.path("web"): deployment("web")})
    async with world.controller():
        await world.succeeded(first, "web")
    assert set(site.asked) == {f"/{world.planes[0].name}"}
    assert len(site.asked) >= 4
    judged = [event for event in world.seen.of(e.GateJudged) if event.gate == "smoke"]
    assert [(event.wave, event.verdict) for event in judged] == [("canary", "Pass")]
    soak = world.seen.of(e.WavePassed)[0].at - world.seen.of(e.SoakStarted)[0].at
    assert soak.total_seconds() >= 1


async def test_an_http_gate_that_fails_reverts_and_names_itself(world: World, site: Site) -> None:
    """Wrong answers in a row fail the wave although every object is healthy; the commit says which gate."""
    gate = {"type": "http", "name": "smoke", "url": site.url, "interval": "200ms", "failureThreshold": 2}
    files = {**world.clusters(), **world.environment_file(waves=waves(gate))}
    first = world.people.push("First", {**files, world.path("web"): deployment("web")})
    async with world.controller():
        await world.succeeded(first, "web")
        site.status = 500
        world.people.push("Second", {world.path("web"): deployment("web", "registry.example/web:2.0")})
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the revert")
        failed = world.seen.of(e.RolloutFailed)[0]
        assert (failed.gate, failed.cause) == ("smoke", "Gate")
        assert "500" in failed.because
        assert "Gitops-Gate: smoke" in world.people.message(world.people.head())
    assert world.live(1, "apps/v1/deployments/web")["spec"]["template"]["spec"]["containers"][0][
        "image"
    ].endswith(":1.0")


@pytest.mark.long
async def test_no_answer_is_not_a_yes(world: World) -> None:
    """A gate that nobody answers never opens; the wait says what was seen."""
    gate = {
        "type": "http",
        "name": "smoke",
        "url": "http://127.0.0.1:9/",
        "interval": "200ms",
        "timeout": "1s",
    }
    files = {**world.clusters(), **world.environment_file(waves=waves(gate, "500ms"))}
    world.people.push("First", {**files, world.path("web"): deployment("web")})
    async with world.controller():
        await world.told("gate smoke")
        await world.until(lambda: world.seen.of(e.SoakStarted), "the soak")
        failed = await world.until(lambda: world.seen.of(e.RolloutFailed), "the deadline", within=60)
        assert "no pass in time" in failed[0].because
    assert not world.live(1, "apps/v1/deployments/web")


async def test_a_person_opens_an_approval_gate_with_a_commit(world: World) -> None:
    """Until then the sentence says who can release it; the commit's author is in the record."""
    files = {**world.clusters(), **world.environment_file(waves=waves({"type": "approval"}))}
    first = world.people.push("First", {**files, world.path("web"): deployment("web")})
    async with world.controller():
        await world.told("gitops approve production/web")
        await world.until(lambda: world.seen.of(e.SoakStarted), "the soak")
        assert not world.live(1, "apps/v1/deployments/web")
        world.people.push(f"Go on\n\nGitops-Approve: {world.environment}/web\n", {})
        await world.succeeded(first, "web")
    assert world.seen.of(e.CommandSeen)[0].author == "Dana Developer"


async def test_a_suspended_environment_starts_nothing(world: World) -> None:
    """`suspended: true` holds new rollouts and says so; taking it away lets them go on."""
    files = {**world.clusters(), **world.environment_file(suspended=True)}
    world.people.push("First", {**files, world.path("web"): deployment("web")})
    async with world.controller():
        await world.told("suspended")
        assert not world.seen.of(e.RolloutStarted)
        resumed = world.people.push("Resume", world.environment_file())
        await world.succeeded(resumed, "web")

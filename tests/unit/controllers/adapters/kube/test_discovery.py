"""Discovery over the wire: aggregated, conditional, and the older way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gitops.errors import Unreachable
from tests.unit.controllers.adapters.kube.scripted import answers, refuses, says, staged


def aggregated(group: str, kind: str) -> dict[str, Any]:
    """Write an aggregated document with one kind."""
    resource = {"resource": f"{kind.lower()}s", "responseKind": {"kind": kind}, "scope": "Namespaced"}
    versions = [{"version": "v1", "resources": [resource]}]
    return {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": group}, "versions": versions}]}


async def test_two_requests_tell_everything_and_are_kept_for_derived_clients_too() -> None:
    async with staged() as stage:
        stage.api.then(answers(aggregated("", "Pod")), answers(aggregated("apps", "Deployment")))
        found = await stage.client.discovery()
        assert await stage.client.as_service_account("a", "b").discovery() is found
    assert {seen.path for seen in stage.api.seen} == {"/api", "/apis"}
    assert [resource.kind for resource in found] in (["Pod", "Deployment"], ["Deployment", "Pod"])
    assert "Impersonate-User" not in stage.api.seen[0].headers


async def test_tasks_that_ask_at_the_same_time_share_the_answer() -> None:
    async with staged() as stage:
        stage.api.then(answers(aggregated("", "Pod")), answers(aggregated("apps", "Deployment")))
        first, second = await asyncio.gather(stage.client.discovery(), stage.client.discovery())
    assert first is second
    assert len(stage.api.seen) == 2


async def test_a_refresh_is_conditional_and_sees_what_is_new() -> None:
    async with staged() as stage:
        stage.api.then(*[answers(aggregated("", "Pod"), headers={"ETag": '"1"'})] * 2)
        await stage.client.discovery()
        stage.api.then(says("", code=304), says("", code=304))
        same = await stage.client.discovery(refresh=True)
        stage.api.then(*[answers(aggregated("shop.io", "Shop"), headers={"ETag": '"2"'})] * 2)
        changed = await stage.client.discovery(refresh=True)
    assert [seen.headers.get("If-None-Match") for seen in stage.api.seen] == [None] * 2 + ['"1"'] * 4
    assert same.find("v1", "Pod") is not None
    assert changed.find("shop.io/v1", "Shop") is not None
    assert changed.find("v1", "Pod") is None


async def test_a_server_without_aggregated_discovery_is_asked_version_by_version() -> None:
    """A group whose own server does not answer is known to be unavailable, not known to be missing."""
    core = {"kind": "APIVersions", "versions": []}
    version = {"groupVersion": "metrics.k8s.io/v1"}
    groups = {"kind": "APIGroupList", "groups": [{"name": "metrics.k8s.io", "versions": [version]}]}
    async with staged() as stage:
        stage.api.then(answers(groups), answers(groups), refuses(503, "down"), refuses(503, "down"))
        found = await stage.client.discovery()
        assert found.unavailable == {"metrics.k8s.io/v1"}
        listed = {
            "groupVersion": "metrics.k8s.io/v1",
            "resources": [{"name": "pods", "kind": "PodMetrics", "namespaced": True}],
        }
        stage.api.then(answers(core), answers(groups), answers(listed))
        found = await stage.client.discovery(refresh=True)
    assert found.find("metrics.k8s.io/v1", "PodMetrics") is not None
    assert found.unavailable == frozenset()


async def test_something_that_is_no_api_server_is_named_so() -> None:
    async with staged() as stage:
        stage.api.then(says("<html>"), says("<html>"))
        with pytest.raises(Unreachable, match="not a Kubernetes API server"):
            await stage.client.discovery()


async def test_clusters_that_serve_the_same_share_what_was_read_of_it() -> None:
    """A thousand clusters of one version must not hold its kinds a thousand times."""
    found = []
    for _ in range(2):
        async with staged() as stage:
            stage.api.then(*[answers(aggregated("shop.io", "Shop"))] * 2)
            found.append((await stage.client.discovery()).find("shop.io/v1", "Shop"))
    assert found[0] is not None
    assert found[0] is found[1]

"""Schemas over the wire: one document for each group and version, once for each content."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controllers.adapters.kube.scripted import answers, refuses, says, staged


def index(content: str) -> dict[str, Any]:
    """What `/openapi/v3` says; `content` stands for the digest of a document."""
    return {"paths": {"apis/apps/v1": {"serverRelativeURL": f"/openapi/v3/apis/apps/v1?hash={content}"}}}


def document(kind: str) -> dict[str, Any]:
    """The document of a group with one kind."""
    named = [{"group": "apps", "version": "v1", "kind": kind}]
    schema = {"type": "object", "x-kubernetes-group-version-kind": named}
    return {"components": {"schemas": {f"io.k8s.api.apps.v1.{kind}": schema}}}


async def test_a_document_is_read_once_for_all_clusters_that_serve_the_same() -> None:
    async with staged() as stage:
        stage.api.then(answers(index("ONE")), answers(document("Deployment")))
        first = await stage.client.openapi.schemas("apps/v1")
        stage.api.then(answers(index("ONE")))
        second = await stage.client.openapi.schemas("apps/v1")
    assert set(first["apps/v1"].kinds) == {("apps/v1", "Deployment")}
    assert second["apps/v1"] is first["apps/v1"]
    async with staged() as stage:
        stage.api.then(answers(index("ONE")))
        other = await stage.client.openapi.schemas("apps/v1")
        stage.api.then(answers(index("TWO")), answers(document("StatefulSet")))
        changed = await stage.client.openapi.schemas("apps/v1")
    assert other["apps/v1"] is first["apps/v1"]
    assert set(changed["apps/v1"].kinds) == {("apps/v1", "StatefulSet")}


async def test_nothing_is_asked_where_nothing_is_wanted() -> None:
    async with staged() as stage:
        assert await stage.client.openapi.schemas() == {}
    assert stage.api.seen == []


async def test_a_group_that_the_server_does_not_describe_has_no_schemas() -> None:
    async with staged() as stage:
        stage.api.then(answers(index("ONE")))
        found = await stage.client.openapi.schemas("example.org/v1")
    assert found["example.org/v1"].kinds == {}


@pytest.mark.parametrize(
    "body", [[], {"paths": []}, {"paths": {"apis/apps/v1": []}}, index("X")["paths"], {"paths": None}]
)
async def test_an_index_that_is_none_says_nothing(body: Any) -> None:
    async with staged() as stage:
        stage.api.then(answers(body))
        assert (await stage.client.openapi.schemas("apps/v1"))["apps/v1"].kinds == {}


async def test_no_index_leads_to_another_place() -> None:
    """Only to documents below `/openapi/v3`: the request carries our credentials."""
    leads = {"paths": {"apis/apps/v1": {"serverRelativeURL": "//elsewhere.example/openapi/v3?hash=1"}}}
    async with staged() as stage:
        stage.api.then(answers(leads))
        assert (await stage.client.openapi.schemas("apps/v1"))["apps/v1"].kinds == {}
    assert len(stage.api.seen) == 1


async def test_a_server_that_does_not_tell_is_asked_once_and_forgiven() -> None:
    """It is only about explaining: the dry-run's own words remain."""
    async with staged() as stage:
        stage.api.then(refuses(403, "no"))
        assert (await stage.client.openapi.schemas("apps/v1"))["apps/v1"].kinds == {}
        stage.api.then(answers(index("THREE")), says("no JSON"))
        assert (await stage.client.openapi.schemas("apps/v1"))["apps/v1"].kinds == {}
        stage.api.then(answers(index("THREE")), answers(document("DaemonSet")))
        assert (await stage.client.openapi.schemas("apps/v1"))["apps/v1"].kinds != {}


@pytest.mark.parametrize(
    ("body", "minor"), [({"minor": "37"}, 37), ({"minor": "27+"}, 27), ({}, 0), ({"minor": "x"}, 0), ([], 0)]
)
async def test_the_version_is_the_servers_own(body: Any, minor: int) -> None:
    async with staged() as stage:
        stage.api.then(answers(body))
        assert await stage.client.openapi.minor() == minor

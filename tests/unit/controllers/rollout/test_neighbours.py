"""An application that cannot be rendered may render what its files name, or anything if a tool makes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.resources import Discovery
from controllers.rollout.neighbours import Asking, KnownKeys, Neighbours
from controllers.rollout.observer import Question
from gitops.errors import Denied, GitopsError, Unreachable
from gitops.model.folders import RendererName
from gitops.model.targets import Target
from gitops.objects import ObjectKey
from gitops.plan import Scope, Wanted
from tests.unit.controllers.rollout.shop import Shop

NAMED, OTHER = (ObjectKey("", "ConfigMap", "shop", name) for name in ("web", "other"))


@pytest.mark.parametrize(
    ("renderer", "expected"),
    [(RendererName.PLAIN, {NAMED}), (RendererName.KUSTOMIZE, {NAMED, OTHER})],
)
def test_names_that_a_tool_makes_are_not_looked_for(
    renderer: RendererName, expected: set[ObjectKey], tmp_path: Path
) -> None:
    """A prefix and a name stand in two files, and their hash in none."""
    shop = Shop(tmp_path)
    application = shop.catalog(shop.first).environments["production"].applications["web"]

    def render(scope: Scope, revision: str) -> Wanted:
        raise AssertionError(f"nobody asked for {scope} at {revision}")

    scope = Scope("production", "api", Target("eu-1", "shop"))
    neighbours = Neighbours(
        shop.revisions, KnownKeys(), render, Asking(scope, "eu-1", shop.first, shop.first)
    )
    found = neighbours._mentioned(
        shop.first, [replace(application, renderer=renderer)], frozenset({NAMED, OTHER})
    )
    assert found == expected


@pytest.mark.parametrize(
    "silence", [Unreachable("registry r.example: connection refused"), Denied("registry r.example: HTTP 401")]
)
async def test_an_application_that_waits_for_its_manifests_may_render_what_its_files_name(
    silence: GitopsError, tmp_path: Path
) -> None:
    """So nothing of it is deleted, and whoever asks goes on."""
    shop = Shop(tmp_path)

    def render(_scope: Scope, _revision: str) -> Wanted:
        raise silence

    scope = Scope("production", "api", Target("eu-1", "shop"))
    asking = Asking(scope, "eu-1", shop.first, shop.first, failed=shop.first)
    client = KubeClient.__new__(KubeClient)  # nobody asks it: nothing here belongs to somebody unknown
    question = Question(client, Discovery(()), {}, frozenset({NAMED, OTHER}))
    found = await Neighbours(shop.revisions, KnownKeys(), render, asking).find(question)
    assert set(found.values()) == {frozenset({NAMED})}

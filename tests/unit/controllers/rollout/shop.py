"""A repository that people push to, a mirror of it, and the states that a rollout of it would be in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controllers.adapters.git import Mirror, OnForcePush, Remote, Signature
from controllers.adapters.kube.patience import Patience
from controllers.clock import now
from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout.recorder import Recorder
from controllers.rollout.reverter import Reverter
from controllers.rollout.tools import Tools
from controllers.source.revisions import Revisions
from gitops.gates import Sample
from gitops.model.catalog import Catalog
from gitops.model.gates import HttpGate
from gitops.rollout.desired import wish
from gitops.rollout.events import Event
from gitops.rollout.observation import Work
from gitops.rollout.state import (
    ApplicationState,
    EnvironmentState,
    Good,
    Rollout,
    RolloutPhase,
    TargetPhase,
    TargetProgress,
)
from tests.unit.controllers.adapters.git.conftest import Work as People
from tests.unit.controllers.adapters.git.conftest import make_work

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CLUSTERS = """\
apiVersion: gitops-waves.io/v1alpha1
kind: Cluster
metadata: {name: eu-1, labels: {ring: canary}}
---
apiVersion: gitops-waves.io/v1alpha1
kind: Cluster
metadata: {name: us-1}
"""
ENVIRONMENT = """\
apiVersion: gitops-waves.io/v1alpha1
kind: Environment
metadata: {name: production}
spec:
  targets:
    - clusterSelector: {}
      namespace: shop
  variables:
    colour: green
    # how it sounds
    sound: quiet
  waves:
    - name: canary
      clusterSelector: {matchLabels: {ring: canary}}
    - name: rest
"""
ENVIRONMENT_FILE = "environments/production/environment.yaml"


def config_map(name: str, value: str = "one") -> str:
    """A manifest."""
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: {value!r}}}\n"


def web(file: str = "web.yaml") -> str:
    """A path in the application web."""
    return f"environments/production/web/{file}"


def api(file: str = "api.yaml") -> str:
    """A path in the application api."""
    return f"environments/production/api/{file}"


def author(at: datetime) -> Signature:
    """Who the controller is in Git."""
    return Signature("gitops-waves", "gitops-waves@example.org", at)


class Diary:
    """What loops told: events, and how many passes."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.passes = 0

    def recorded(
        self, environment: str, events: tuple[Event, ...], before: EnvironmentState, after: EnvironmentState
    ) -> None:
        """Keep events."""
        del environment, before, after
        self.events += events

    def passed(self, environment: str, state: EnvironmentState, work: frozenset[Work]) -> None:
        """Count passes."""
        del environment, state, work
        self.passes += 1


class _NoProber:
    async def probe(self, gate: HttpGate, url: str, now: Callable[[], datetime]) -> Sample:
        raise AssertionError(f"nobody asked for {url} of {gate} at {now()}")


async def until(condition: Callable[[], Any], within: float = 20) -> None:
    """Wait for a condition that nobody announces."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - a repository tells nobody that it changed
            await asyncio.sleep(0.005)


class Shop:
    """One environment with two applications on two clusters. `waits` is how often somebody slept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.people: People = make_work(folder / "people")
        self.waits = 0
        self.while_waiting: Callable[[], None] = lambda: None
        self.first = self.people.commit(
            {
                "clusters/all.yaml": CLUSTERS,
                ENVIRONMENT_FILE: ENVIRONMENT,
                web(): config_map("web"),
                api(): config_map("api"),
            },
            "Open the shop",
        )
        self.mirror = self.mirror_at("mirror")
        self.revisions = Revisions(self.mirror)
        self.patience = Patience(first_wait=1.0, longest_wait=60.0, rng=lambda: 1.0, sleep=self._sleep)

    def mirror_at(self, name: str, **remote: Any) -> Mirror:
        """One more mirror, such as another controller has."""
        mirror = Mirror.open(self.folder / name, Remote(str(self.people.path), **remote))
        mirror.fetch()
        return mirror

    def tools(self, mirror: Mirror | None = None, diary: Diary | None = None) -> Tools:
        """What loops need, with no connection to any cluster."""
        used = mirror or self.mirror
        revisions = Revisions(used)
        return Tools(
            mirror=used,
            revisions=revisions,
            clusters=Clusters({}),
            recorder=Recorder(used, author, self.patience),
            reverter=Reverter(used, revisions, author, now, self.patience),
            prober=_NoProber(),
            observer=diary or Diary(),
            secrets=KnownSecrets(),
            beat=lambda _environment: None,
            follow_force_push=used.remote.on_force_push is OnForcePush.FOLLOW,
            clock=now,
        )

    def commit(self, message: str, files: dict[str, str | bytes | None]) -> str:
        """Let people commit, and the mirror know of it."""
        revision = self.people.commit(files, message)
        self.mirror.fetch()
        return revision

    def catalog(self, revision: str) -> Catalog:
        """What a revision says."""
        return self.revisions.catalog(revision)

    def digest(self, revision: str, application: str = "web") -> str:
        """The application's inputs at a revision."""
        found = wish(self.catalog(revision), "production", revision, EnvironmentState())
        return found.desired[application].digest

    def failed(self, revision: str, application: str = "web", *, good: str = "") -> ApplicationState:
        """The state of an application whose rollout to `revision` failed and is to be reverted."""
        before = good or self.first
        known = EnvironmentState(
            applications={application: ApplicationState(good=self._good(before, application))}
        )
        desired = wish(self.catalog(revision), "production", revision, known).desired[application]
        failed = TargetProgress(
            phase=TargetPhase.FAILED,
            since=NOW,
            started_at=NOW,
            because="Deployment.apps shop/web failed: crash loop",
        )
        rollout = Rollout(
            id=f"{application}#2",
            revision=revision,
            digest=desired.digest,
            started_at=NOW,
            phase=RolloutPhase.REVERTING,
            since=NOW,
            waves=desired.waves,
            wave=0,
            targets={"eu-1/shop": failed},
            because="eu-1/shop: crash loop",
            evidence=("container main exited with 1",),
            removed=desired.removed,
        )
        return ApplicationState(rollouts=2, good=self._good(before, application), rollout=rollout)

    def _good(self, revision: str, application: str) -> Good:
        return Good(revision=revision, digest=self.digest(revision, application), at=NOW)

    async def _sleep(self, _seconds: float) -> None:
        self.waits += 1
        self.while_waiting()
        await asyncio.sleep(0)

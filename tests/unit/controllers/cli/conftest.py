"""A small shop: a repository, what a controller recorded about it, and the command line to ask about both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygit2
import pytest
from typer.testing import CliRunner, Result

from controllers.adapters.git import Mirror, Remote, Signature
from controllers.cli.app import app
from controllers.source.revisions import Revisions
from gitops import audit
from gitops.model.kinds import OnFailure
from gitops.rollout.decide import advance
from gitops.rollout.desired import wish
from gitops.rollout.observation import (
    ApplyWork,
    Failure,
    Observation,
    RestoreWork,
    RevertReport,
    RevertWork,
    TargetReport,
    Work,
)
from gitops.rollout.state import EnvironmentState, FailureCause
from tests.commits import commit

SECRET = "c4nary-of-secrets"
ENVIRONMENT = """\
# How production is rolled out.
apiVersion: gitops-waves.io/v1alpha1
kind: Environment
metadata: {name: production}
spec:
  # where
  targets:
    - clusterSelector: {matchLabels: {stage: production}}
      namespace: shop
  waves:
    - name: canary
      clusterSelector: {matchLabels: {ring: canary}}
    - name: rest
"""
CLUSTERS = """\
apiVersion: gitops-waves.io/v1alpha1
kind: Cluster
metadata: {name: eu-1, labels: {stage: production, ring: canary}}
---
apiVersion: gitops-waves.io/v1alpha1
kind: Cluster
metadata: {name: us-1, labels: {stage: production}}
"""


def config_map(name: str, value: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: {value!r}}}\n"


def secret(name: str, value: str) -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{token: {value!r}}}\n"


@dataclass
class Shop:
    """The repository that people work in, and a controller that records what it decides about it."""

    path: Path
    now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    mirror: Mirror = field(init=False)

    def __post_init__(self) -> None:
        made = pygit2.init_repository(str(self.path), initial_head="main")
        made.config["user.name"] = "Ada"
        made.config["user.email"] = "ada@example.com"
        self.commit(
            "Open the shop",
            {
                "clusters/all.yaml": CLUSTERS,
                "environments/production/environment.yaml": ENVIRONMENT,
                "environments/production/web/web.yaml": config_map("web", "one"),
                "environments/production/web/secret.yaml": secret("web", SECRET),
                "environments/production/api/api.yaml": config_map("api", "one"),
            },
        )
        self.mirror = Mirror.open(self.path.with_name("controller.git"), Remote(str(self.path)))

    @property
    def git(self) -> pygit2.Repository:
        """The repository, opened anew."""
        return pygit2.Repository(str(self.path))

    def commit(self, message: str, files: dict[str, str | None]) -> str:
        """Write (or with None remove) files and commit everything."""
        return commit(self.path, message, files)

    def head(self) -> str:
        """The newest commit."""
        return str(self.git.head.target)

    def message(self) -> str:
        """The newest commit's message."""
        return str(self.git.head.peel(pygit2.Commit).message)

    def read(self, path: str, revision: str = "HEAD") -> str:
        """A file as it is committed."""
        commit = self.git.revparse_single(revision).peel(pygit2.Commit)
        return bytes((commit.tree / path).data).decode()  # type: ignore[union-attr]

    def roll_out(self, *, failing: str = "", steps: int = 100) -> EnvironmentState:
        """Play a controller whose targets do as they are told, except that `failing` cannot take anything.

        Records every pass and pushes the records; stops after so many passes, or when nothing is left.
        """
        head = self.mirror.fetch().head
        tip = self.mirror.audit_tip("production")
        state = audit.read_state(self.mirror.read_commit_files(tip)) if tip else EnvironmentState()
        work: frozenset[Work] = frozenset()
        for _ in range(steps):
            self.now += timedelta(seconds=10)
            decision = advance(state, self._seen(head, state, work, failing), self.now)
            state, done = decision.state, decision.work == work and not decision.events
            work = decision.work
            if decision.events:
                self._append(decision.events, state)
            if done:
                break
        self.mirror.push_audit(["production"])
        return state

    def _append(self, events: tuple[object, ...], state: EnvironmentState) -> None:
        record = audit.record("production", events, state)  # type: ignore[arg-type]
        self.mirror.append_audit(
            "production",
            message=record.message,
            files=record.files,
            author=Signature("gitops-waves", "gitops-waves@localhost", self.now),
            expected_tip=self.mirror.audit_tip("production"),
        )

    def _seen(self, head: str, state: EnvironmentState, work: frozenset[Work], failing: str) -> Observation:
        wanted = wish(Revisions(self.mirror).catalog(head), "production", head, state)
        return Observation(
            revision=head,
            desired=wanted.desired,
            problems=wanted.problems,
            on_failure=wanted.spec.on_failure if wanted.spec else OnFailure(),
            suspended=wanted.spec.suspended if wanted.spec else False,
            targets={
                one: self._report(one, failing) for one in work if isinstance(one, ApplyWork | RestoreWork)
            },
            reverts={
                one: RevertReport(refused="not in this test") for one in work if isinstance(one, RevertWork)
            },
        )

    def _report(self, work: ApplyWork | RestoreWork, failing: str) -> TargetReport:
        if isinstance(work, ApplyWork) and work.target == failing:
            return TargetReport(
                counts={"create": 1},
                answering_since=self.now,
                failure=Failure(FailureCause.HEALTH, "Deployment.apps web is crash-looping"),
            )
        return TargetReport(
            counts={"create": 1}, settled=True, current_since=self.now, answering_since=self.now
        )


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop with two applications and nothing recorded yet."""
    return Shop(tmp_path / "shop")


@pytest.fixture(autouse=True)
def _private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep caches and configuration of whoever runs the tests out of them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("KUBECONFIG", "GITOPS_SERVER", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"):
        monkeypatch.delenv(name, raising=False)


Gitops = Callable[..., Result]


@pytest.fixture
def gitops(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Gitops:
    """Call the command line in the shop's folder."""
    monkeypatch.chdir(shop.path)
    runner = CliRunner()

    def call(*arguments: str, code: int = 0) -> Result:
        result = runner.invoke(app, arguments)
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        assert "Traceback" not in result.output
        assert SECRET not in result.output
        return result

    return call

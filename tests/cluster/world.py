"""A world for rollout tests: a Git repository that people push to, real clusters, and the controller."""

from __future__ import annotations

import asyncio
import subprocess
import textwrap
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from controllers.adapters.kube.wire import RequestSeen
from controllers.main import Fleet
from gitops.model.controller import Controller
from gitops.rollout.events import Event, RolloutSucceeded
from gitops.rollout.observation import Work
from gitops.rollout.state import ApplicationState, EnvironmentState
from tests.cluster.rig.plane import Plane

CANARY_EARLY_REST: list[dict[str, Any]] = [
    {"name": "canary", "clusterSelector": {"matchLabels": {"ring": "canary"}}},
    {"name": "early", "clusterSelector": {"matchLabels": {"ring": "early"}}},
    {"name": "rest"},
]
RINGS = ("canary", "early", "main")
GIT = (
    "git",
    "-c",
    "user.name=Dana Developer",
    "-c",
    "user.email=dana@example.org",
    "-c",
    "init.defaultBranch=main",
)


class People:
    """A bare repository and a clone of it, in which people work."""

    def __init__(self, folder: Path) -> None:
        self.remote = folder / "remote.git"
        self.work = folder / "work"
        self.git("init", "--bare", str(self.remote), at=folder)
        self.git("clone", "--quiet", str(self.remote), str(self.work), at=folder)

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """Run git and return what it printed."""
        done = subprocess.run(
            [*GIT, *arguments], cwd=at or self.work, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def push(self, message: str, files: Mapping[str, str | None]) -> str:
        """Commit files (None removes one) on top of whatever the branch has, push, return the commit."""
        if self.git("ls-remote", "origin", "main"):
            self.git("fetch", "--quiet", "origin", "main")
            self.git("reset", "--quiet", "--hard", "FETCH_HEAD")
        for path, content in files.items():
            file = self.work / path
            if content is None or file.is_symlink():
                file.unlink()  # never written through: a link may lead out of the repository
            if content is not None:
                if not file.resolve().is_relative_to(self.work.resolve()):
                    raise AssertionError(f"{path} leads out of the repository")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(textwrap.dedent(content))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.git("push", "--quiet", "origin", "HEAD:main")
        return self.head()

    def head(self) -> str:
        """The remote branch's commit."""
        return self.git("rev-parse", "main", at=self.remote)

    def tree(self, revision: str) -> str:
        """The tree of a commit."""
        return self.git("rev-parse", f"{revision}^{{tree}}", at=self.remote)

    def message(self, revision: str) -> str:
        """The message of a commit."""
        return self.git("log", "-1", "--format=%B", revision, at=self.remote)

    def log(self, revisions: str) -> list[str]:
        """Commits, newest first."""
        return self.git("log", "--format=%H", revisions, at=self.remote).split()


@dataclass(slots=True)
class Seen:
    """What the controller recorded, as it happened."""

    events: list[Event] = field(default_factory=list)
    state: dict[str, EnvironmentState] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    on_recorded: Callable[[tuple[Event, ...]], None] = lambda _events: None

    def recorded(
        self, environment: str, events: tuple[Event, ...], before: EnvironmentState, after: EnvironmentState
    ) -> None:
        """Take events in."""
        del before
        self.events += events
        self.state[environment] = after
        self.on_recorded(events)
        self.changed.set()

    def passed(self, environment: str, state: EnvironmentState, work: frozenset[Work]) -> None:
        """Take a pass in."""
        del work
        self.state[environment] = state
        self.changed.set()

    def of(self, kind: type[Event] | tuple[type[Event], ...], application: str = "") -> list[Any]:
        """Events of a kind, of one application where named."""
        return [
            event
            for event in self.events
            if isinstance(event, kind) and application in ("", getattr(event, "application", ""))
        ]


@dataclass(slots=True)
class World:
    """Everything a rollout test needs."""

    people: People
    planes: tuple[Plane, ...]
    namespace: str
    folder: Path
    environment: str
    seen: Seen = field(default_factory=Seen)
    fleet: Fleet | None = None
    requests: list[RequestSeen] = field(default_factory=list)

    def clusters(self) -> dict[str, str | None]:
        """Cluster files: one plane each, with a ring."""
        found: dict[str, str | None] = {}
        for plane, ring in zip(self.planes, RINGS, strict=False):
            body = {
                "apiVersion": "gitops-waves.io/v1alpha1",
                "kind": "Cluster",
                "metadata": {"name": plane.name, "labels": {"ring": ring}},
            }
            found[f"clusters/{plane.name}.yaml"] = yaml.safe_dump(body)
        return found

    def environment_file(self, **spec: Any) -> dict[str, str | None]:
        """An environment over all planes; `spec` overrides its fields.

        Drift is left alone unless a test is about it: looking closer at an object sends a dry-run.
        """
        body = {
            "apiVersion": "gitops-waves.io/v1alpha1",
            "kind": "Environment",
            "metadata": {"name": self.environment},
            "spec": {
                "targets": [{"clusterSelector": {}, "namespace": self.namespace}],
                "waves": [
                    {**wave, "progressDeadline": "60s"} for wave in CANARY_EARLY_REST[: len(self.planes)]
                ],
                "drift": "Ignore",
                **spec,
            },
        }
        return {f"environments/{self.environment}/environment.yaml": yaml.safe_dump(body)}

    def path(self, application: str, file: str = "app.yaml") -> str:
        """Where an application's file is."""
        return f"environments/{self.environment}/{application}/{file}"

    def target(self, index: int) -> str:
        """The name of a target."""
        return f"{self.planes[index].name}/{self.namespace}"

    def config(self, **changes: Any) -> Controller:
        """The operator's configuration for these clusters."""
        connections = []
        for plane in self.planes:
            kubeconfig = plane.write_kubeconfig(self.folder / f"{plane.name}.kubeconfig")
            connections.append({"name": plane.name, "kubeconfig": str(kubeconfig)})
        return Controller.model_validate(
            {
                "apiVersion": "gitops-waves.io/v1alpha1",
                "kind": "Controller",
                "repositories": [{"name": "shop", "url": str(self.people.remote), "pollInterval": "1s"}],
                "connections": connections,
                "stateDirectory": str(self.folder / "state"),
                "listen": "127.0.0.1:0",
                "driftCheckInterval": None,  # a dry-run now and then, which tests that count would count
                **changes,
            }
        )

    @asynccontextmanager
    async def controller(self, **changes: Any) -> AsyncIterator[Fleet]:
        """Run the controller in this process."""
        self.fleet = Fleet(self.config(**changes), [self.seen])
        self._count_requests(self.fleet)
        task = asyncio.create_task(self.fleet.run())
        try:
            yield self.fleet
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, condition: Callable[[], Any], what: str, within: float = 60) -> Any:
        """Wait until `condition` is true; what was seen instead is in the error."""
        try:
            async with asyncio.timeout(within):
                while True:
                    self.seen.changed.clear()
                    found = condition()
                    if found:
                        return found
                    try:
                        await asyncio.wait_for(self.seen.changed.wait(), 0.5)
                    except TimeoutError:
                        continue
        except TimeoutError:
            raise AssertionError(f"waited {within} s for {what}; {self.story()}") from None

    async def succeeded(self, revision: str, application: str, within: float = 60) -> None:
        """Wait until a revision went through every wave."""

        def there() -> bool:
            good = self.state(application).good
            return good is not None and good.revision == revision

        await self.until(there, f"{application} to be on {revision[:8]} everywhere", within)

    def _count_requests(self, fleet: Fleet) -> None:
        measure = fleet.metrics.kube_request

        def counted(seen: RequestSeen, cluster: str) -> None:
            self.requests.append(seen)
            measure(seen, cluster)

        fleet.metrics.kube_request = counted  # type: ignore[method-assign]

    @property
    def writes(self) -> list[RequestSeen]:
        """Requests of the controller that write, or would but for being dry-runs."""
        return [one for one in self.requests if one.verb not in ("get", "list", "watch")]

    async def looked_at(self, revision: str) -> None:
        """Wait until the environment's loop has made a whole pass that knew of `revision`."""

        def passed() -> bool:
            loops = [one.loops.get(self.environment) for one in self.fleet.repositories] if self.fleet else []
            return any(loop is not None and loop._wish.revision == revision for loop in loops)

        await self.until(passed, f"a pass that knows {revision[:8]}")
        loop = next(one.loops[self.environment] for one in self.fleet.repositories)  # type: ignore[union-attr]
        await self.until(lambda: loop.at_rest, f"rest at {revision[:8]}")

    async def told(self, *words: str, within: float = 30) -> str:
        """Wait for the sentence of `explain` that holds all of `words`, and return it."""

        def sentence() -> str:
            waits = (self.fleet.waits(self.environment) if self.fleet else None) or ()
            return next((str(one) for one in waits if all(word in str(one) for word in words)), "")

        found: str = await self.until(sentence, f"a sentence with {words}", within)
        return found

    def state(self, application: str) -> ApplicationState:
        """What is known of an application."""
        return self.seen.state.get(self.environment, EnvironmentState()).application(application)

    def story(self) -> str:
        """Everything that happened, and what is waited for."""
        lines = [
            f"{event.type} {event.model_dump(exclude={'type', 'waves'})}" for event in self.seen.events[-30:]
        ]
        if self.fleet is not None:
            lines += [str(wait) for wait in self.fleet.waits(self.environment) or ()]
            lines += [f"{one.name}: {one.error}" for one in self.fleet.repositories if one.error]
            lines += [
                f"{name}: {loop.error}"
                for one in self.fleet.repositories
                for name, loop in one.loops.items()
                if loop.error
            ]
        return "so far:\n" + "\n".join(lines)

    def successes(self, application: str) -> int:
        """How many rollouts of an application went through."""
        return len(self.seen.of(RolloutSucceeded, application))

    def live(self, index: int, path: str) -> Any:
        """An object of this namespace on one plane, or None. `path` is such as `apps/v1/deployments/web`."""
        group, _, rest = path.partition("/")
        version, kind, name = rest.split("/") if group != "v1" else ("", *rest.split("/"))
        root = f"/apis/{group}/{version}" if group != "v1" else "/api/v1"
        plane = self.planes[index]
        answer = plane.api.request("GET", f"{root}/namespaces/{self.namespace}/{kind}/{name}")
        return answer.body if answer.ok else None


def deployment(name: str, image: str = "registry.example/web:1.0", replicas: int = 2, **template: Any) -> str:
    """A Deployment as YAML; `template` goes into the pod template's metadata."""
    return yaml.safe_dump(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}, **template},
                    "spec": {"containers": [{"name": "main", "image": image}]},
                },
            },
        }
    )


def config_map(name: str, **data: str) -> str:
    """A ConfigMap as YAML."""
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})

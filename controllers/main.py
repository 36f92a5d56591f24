"""The composition root: builds every adapter from the operator's configuration, and runs the loops."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_state_path

from controllers import memory
from controllers.adapters.git import Credentials, Mirror, OnForcePush, Remote
from controllers.adapters.git.edit import Signature
from controllers.adapters.http.probe import HttpProber
from controllers.adapters.kube.connection import ConnectionSettings
from controllers.adapters.kube.patience import Patience
from controllers.adapters.oci import Registry
from controllers.adapters.renderers import Sops
from controllers.cache import DiskCache
from controllers.clock import now
from controllers.clusters import Clusters
from controllers.drift.habits import Habits
from controllers.drift.snapshots import Snapshots
from controllers.logs import KnownSecrets
from controllers.measured import GitRequest, MeasuredMirror, nobody
from controllers.metrics import Metrics
from controllers.repository import RepositoryController
from controllers.rollout.recorder import Recorder
from controllers.rollout.reverter import Reverter
from controllers.rollout.tools import Observer, Tools
from controllers.source import Follower, Timing
from controllers.source.charts import Charts
from controllers.source.renders import Renders
from controllers.source.revisions import Revisions
from controllers.web.server import WebServer
from controllers.web.status import Heartbeats, Watched
from gitops.model.controller import (
    ChartRegistry,
    ClusterConnection,
    Controller,
    FollowedRepository,
    ForcePush,
    GitCredentials,
)
from gitops.rollout.events import Event
from gitops.rollout.observation import Work
from gitops.rollout.state import EnvironmentState
from gitops.rollout.wait import Wait

log = logging.getLogger(__name__)

_ONCE_POLL_SECONDS = 0.05


def remote_of(repository: FollowedRepository, url: str | None = None) -> Remote:
    """The Git remote that a configuration names. Raises InvalidInput for an address we cannot follow."""
    given = repository.credentials
    return Remote(
        url=url or repository.url,
        branch=repository.branch,
        credentials=_credentials(given) if given else None,
        on_force_push=OnForcePush(repository.on_force_push.value),
        depth=repository.depth,
        ca_file=Path(given.ca_file) if given and given.ca_file else None,
    )


def connection_of(connection: ClusterConnection) -> ConnectionSettings:
    """The cluster connection that a configuration names."""
    return ConnectionSettings(**connection.model_dump())


def state_folder(config: Controller) -> Path:
    """Where everything is kept that can be had again: mirrors, rendered output, what watches saw."""
    return Path(config.state_directory) if config.state_directory else user_state_path("gitops-waves")


def cache_of(config: Controller) -> DiskCache | None:
    """The cache of rendered output that a configuration asks for."""
    wanted = config.render_cache
    if not wanted.mebibytes:
        return None
    folder = Path(wanted.directory) if wanted.directory else state_folder(config) / "renders"
    return DiskCache(folder, wanted.mebibytes << 20)


def charts_of(config: Controller) -> Charts:
    """Where charts of registries come from: those that a configuration lists, and what was fetched before."""
    wanted = config.chart_cache
    folder = Path(wanted.directory) if wanted.directory else state_folder(config) / "charts"
    cache = DiskCache(folder, wanted.mebibytes << 20, "fetched charts") if wanted.mebibytes else None
    return Charts(map(_registry, config.registries), cache)


def mirror_of(config: Controller, repository: FollowedRepository, on_request: GitRequest = nobody) -> Mirror:
    """Open the repository's mirror in the state folder. Talks to no remote."""
    audit = remote_of(repository, repository.audit_url) if repository.audit_url else None
    mirror = MeasuredMirror.open(
        state_folder(config) / f"{repository.name}.git", remote_of(repository), audit
    )
    mirror.on_request = on_request
    return mirror


class Fleet:
    """Everything that runs: one controller per repository, what they share, and what the outside may ask."""

    def __init__(
        self, config: Controller, observers: Sequence[Observer] = (), secrets: KnownSecrets | None = None
    ) -> None:
        """`secrets` is what the logs redact; without it, only what is recorded and served is redacted."""
        self.secrets = secrets or KnownSecrets()
        self.metrics = Metrics(version("gitops-waves"))
        self.heartbeats = Heartbeats(time.monotonic)
        self.clusters = Clusters(
            {one.name: connection_of(one) for one in config.connections},
            on_request=lambda cluster, seen: self.metrics.kube_request(seen, cluster),
        )
        self.repositories: list[RepositoryController] = []
        self._config = config
        self._observers = (_MetricsObserver(self.metrics), *observers)
        self._claims: dict[str, str] = {}
        self._renders = Renders(
            cache=cache_of(config), decryptor=Sops(config.sops.age_key_file), charts=charts_of(config)
        )
        self._stack = AsyncExitStack()
        self._watch_drift = True

    async def run(self, *, once: bool = False, ready: Callable[[str], None] = lambda _address: None) -> bool:
        """Run until cancelled, or with `once` until nothing more is due; `ready` gets the web address.

        With `once`, returns whether everything is as Git says, with nothing that waits for a person.
        """
        self._watch_drift = not once
        async with self._stack:
            self._stack.callback(self._renders.stop)  # last of all: threads that render are waited for
            await self._build()
            tasks = [asyncio.create_task(one.run(), name=one.name) for one in self.repositories]
            self._stack.push_async_callback(_end, tasks)
            if not once:
                server = WebServer(self.metrics, self, self.secrets.text)
                self._stack.push_async_callback(server.stop)
                host, _, port = self._config.listen.rpartition(":")
                ready(f"http://{host}:{await server.start(host, int(port))}")
                apart = asyncio.create_task(memory.set_start_apart(lambda: self.ready()[0]), name="memory")
                self._stack.push_async_callback(_end, [apart])
                await asyncio.gather(*tasks)
            return await self._until_due_is_done(tasks)

    async def _build(self) -> None:
        prober = HttpProber()
        self._stack.push_async_callback(prober.close)
        self._stack.push_async_callback(self.clusters.close)
        for repository in self._config.repositories:
            self.repositories.append(await self._repository(repository, prober))

    async def _repository(self, repository: FollowedRepository, prober: HttpProber) -> RepositoryController:
        mirror = await asyncio.to_thread(mirror_of, self._config, repository, self.metrics.git_request)
        revisions = Revisions(mirror, self._renders)
        patience = Patience(first_wait=1.0, longest_wait=60.0)
        tools = Tools(
            mirror=mirror,
            revisions=revisions,
            clusters=self.clusters,
            recorder=Recorder(mirror, self._author, patience, self.metrics.audit_unpushed),
            reverter=Reverter(mirror, revisions, self._author, now, patience),
            prober=prober,
            observer=Observers(self._observers),
            secrets=self.secrets,
            beat=self.heartbeats.beat,
            follow_force_push=repository.on_force_push is ForcePush.FOLLOW,
            clock=now,
            watch_drift=self._watch_drift,
            habits=_habits(self._config),
        )
        timing = Timing(interval=repository.poll_interval / timedelta(seconds=1))
        follower = Follower(mirror, watch=mirror.remote.local_path, timing=timing)
        return RepositoryController(repository.name, tools, follower, self._claims)

    def _author(self, at: datetime) -> Signature:
        return Signature(self._config.author_name, self._config.author_email, at)

    async def _until_due_is_done(self, tasks: Sequence[asyncio.Task[None]]) -> bool:
        while not all(one.at_rest for one in self.repositories):
            for task in tasks:
                if task.done():
                    task.result()  # raises what ended it: nothing would ever come to rest again
            await asyncio.sleep(_ONCE_POLL_SECONDS)
        return all(one.as_wanted for one in self.repositories)

    def alive(self) -> tuple[bool, str]:
        """Whether every loop still turns; else which one does not."""
        return self.heartbeats.alive()

    def ready(self) -> tuple[bool, str]:
        """Whether every repository was read and every environment made a pass; else what is missing."""
        for one in self.repositories:
            if not one.ready:
                return False, one.error or f"repository {one.name} has not been read yet"
        return True, ""

    def environments(self) -> Mapping[str, EnvironmentState]:
        """All environments' states, by name."""
        return {name: loop.state for one in self.repositories for name, loop in sorted(one.loops.items())}

    def watched(self) -> Mapping[str, Watched]:
        """What is watched for drift, by environment."""
        loops = ((name, loop) for one in self.repositories for name, loop in sorted(one.loops.items()))
        return {name: Watched(*loop.watched) for name, loop in loops}

    def waits(self, environment: str) -> tuple[Wait, ...] | None:
        """Why an environment's applications do not move; None for one that nobody knows."""
        for one in self.repositories:
            if environment in one.loops:
                return one.waits(environment)
        return None


class Observers:
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def recorded(
        self, environment: str, events: tuple[Event, ...], before: EnvironmentState, after: EnvironmentState
    ) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.recorded(environment, events, before, after)

    def passed(self, environment: str, state: EnvironmentState, work: frozenset[Work]) -> None:
        """Tell all of them."""
        for observer in self._observers:
            observer.passed(environment, state, work)


class _MetricsObserver:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._work: dict[str, Counter[str]] = {}

    def recorded(
        self, environment: str, events: tuple[Event, ...], before: EnvironmentState, after: EnvironmentState
    ) -> None:
        del after
        self._metrics.observe_events(environment, events, before)

    def passed(self, environment: str, state: EnvironmentState, work: frozenset[Work]) -> None:
        self._work[environment] = Counter(type(one).__name__.removesuffix("Work").lower() for one in work)
        self._metrics.work(sum(self._work.values(), Counter()))
        self._metrics.set_targets(environment, state)
        self._metrics.pass_done(environment, now())


def _habits(config: Controller) -> Habits:
    every = config.drift_check_interval
    return Habits(
        snapshots=Snapshots(state_folder(config) / "watches"),
        check_every=every.total_seconds() if every is not None else 0.0,
    )


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _registry(given: ChartRegistry) -> Registry:
    return Registry(
        host=given.host,
        username=given.username,
        password_file=_path(given.password_file),
        docker_config_file=_path(given.docker_config_file),
        ca_file=_path(given.ca_file),
        plain_http=given.plain_http,
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _credentials(given: GitCredentials) -> Credentials:
    return Credentials(
        username=given.username,
        password_file=_path(given.password_file),
        password_env=given.password_env,
        ssh_key_file=_path(given.ssh_key_file),
        ssh_passphrase_file=_path(given.ssh_passphrase_file),
        known_hosts_file=_path(given.known_hosts_file),
    )

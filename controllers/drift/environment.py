"""Drift of one environment: which places are watched on which clusters, and what passes get to know of it."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from controllers.adapters.kube.client import KubeClient
from controllers.drift.cluster import ClusterDrift, Member
from controllers.drift.corrector import Corrector
from controllers.drift.foreign import ForeignKeeper
from controllers.drift.manifests import ManifestCache
from controllers.drift.standing import Standing
from controllers.rollout.board import Board
from controllers.rollout.errands import Errands
from controllers.rollout.tools import Tools
from gitops.drift import DriftFact, DriftRules, ForeignFact
from gitops.errors import Denied, InvalidInput, TransientError
from gitops.mappings import differing
from gitops.plan import Scope
from gitops.rollout.state import ApplicationState, EnvironmentState, Held

log = logging.getLogger(__name__)

_GATHER_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Following:
    """What a pass wants watched: the state, and what Git says about drift now."""

    state: EnvironmentState
    rules: DriftRules


class EnvironmentDrift:
    """Watches the clusters of one environment for as long as `run` runs."""

    def __init__(
        self,
        environment: str,
        board: Board,
        errands: Errands,
        tools: Tools,
        writing: Callable[[str, str], bool],
    ) -> None:
        """`writing` says whether a rollout is writing to an application's target right now."""
        self._environment = environment
        self._board = board
        self._errands = errands
        self._tools = tools
        self._writing = writing
        self._patience = tools.habits.patience
        self._following: Following | None = None
        self._news = asyncio.Event()
        self._clusters: dict[str, ClusterDrift] = {}
        self._holding: dict[tuple[str, str], str] = {}
        self._unread: dict[str, asyncio.TimerHandle] = {}
        self._manifests = ManifestCache(errands)
        about = (self._manifests.of, self._allowed, self._tell, tools.clock, tools.secrets.text)
        self._doing = Corrector(*about), ForeignKeeper(*about)

    def follow(self, following: Following | None) -> None:
        """Take in what a pass knows; None: nothing may be done any more, because somebody else leads."""
        before, self._following = self._following, following
        if following is None:
            self._news.set()
            return
        then = before.state.applications if before is not None else {}
        now = following.state.applications
        names = differing(then, now)  # of thousands, those that an event was about
        if before is None or _places(then, names) != _places(now, names):
            self._news.set()
        if before is None or _held(then, names) != _held(now, names):
            for connection in self._clusters:
                self.told(connection)
        if before is not None and before.rules != following.rules:
            for cluster in self._clusters.values():
                cluster.judge_anew()
        for cluster in self._clusters.values():
            cluster.resume()

    async def run(self) -> None:
        """Follow until cancelled."""
        failures = 0
        try:
            while True:
                self._news.clear()
                if await self._arrange():
                    failures = 0
                    await self._news.wait()
                else:
                    failures += 1
                    await self._patience.sleep(self._patience.wait(failures))
        finally:
            await self._leave([*self._clusters])

    async def give_way(self, application: str, target: str) -> None:
        """Let a rollout write at a place: wait until no correction is being written there."""
        cluster = self._clusters.get(self._holding.get((application, target), ""))
        if cluster is not None:
            await cluster.give_way(application, target)
            # That an inventory is lost, which the rollout mends, must not be read once more after it.
            self._read(self._holding.get((application, target), ""))

    @property
    def tracked(self) -> int:
        """How many objects are watched."""
        return sum(cluster.tracked for cluster in self._clusters.values())

    @property
    def synced(self) -> bool:
        """Whether everything that is to be watched was looked at."""
        return bool(self._clusters) and all(cluster.synced for cluster in self._clusters.values())

    def standing(self, scope: Scope) -> Standing | None:
        """What a place is on, and by which rules; None while nothing may be done there."""
        if self._following is None or self._environment in self._tools.recorder.fenced:
            return None
        on = self._following.state.application(scope.application).on.get(str(scope.target))
        if on is None or self._writing(scope.application, str(scope.target)):
            return None
        return Standing(on.revision, self._following.rules, empty=on.empty)

    def held(self, scope: Scope) -> Collection[str]:
        """Objects that left Git and are held back at a place."""
        if self._following is None:
            return ()
        held = self._following.state.application(scope.application).held.get(str(scope.target))
        return held.objects if held is not None else ()

    def told(self, connection: str) -> None:
        """There is something new to read about a cluster; it is read a little later, once for many.

        A reading costs with what is open: where everything drifts at once, one for each would be too many.
        """
        if connection not in self._unread:
            loop = asyncio.get_running_loop()
            self._unread[connection] = loop.call_later(_GATHER_SECONDS, self._read, connection)

    def _read(self, connection: str) -> None:
        waiting = self._unread.pop(connection, None)
        if waiting is not None:
            waiting.cancel()
        cluster = self._clusters.get(connection)
        if cluster is not None:
            self._board.drifted(connection, cluster.reports())

    def _allowed(self, scope: Scope) -> bool:
        return self.standing(scope) is not None

    def _tell(self, fact: DriftFact | ForeignFact) -> None:
        # What was open until now must not be read as open once more after it was put back.
        self._read(self._holding.get((fact.application, fact.target), ""))
        self._board.drift_done(fact)

    async def _arrange(self) -> bool:
        """Have a watch for each cluster, with the right members; False where a cluster is out of reach."""
        following = self._following
        if following is None:
            await self._leave([*self._clusters])
            return True
        known = following.state.applications
        members: dict[str, list[Member]] = defaultdict(list)
        clients: dict[str, KubeClient] = {}
        complete = True
        for application, target, revision in sorted(_places(known, known)):
            try:
                place = await self._errands.place(revision, target)
                access = await self._errands.access(place)
            except InvalidInput:
                continue  # that revision no longer says where the target is: nobody can tell
            except (TransientError, Denied) as error:
                log.debug("drift on %s is not watched: %s", target, error)
                complete = False
                continue
            members[place.connection].append(Member(application, place.target, access))
            clients[place.connection] = access.own
        await self._leave(self._clusters.keys() - members.keys())
        self._holding = {
            (one.application, str(one.target)): name for name, found in members.items() for one in found
        }
        for name, found in sorted(members.items()):
            if name not in self._clusters:
                desk = _ClusterDesk(self, name)
                self._clusters[name] = ClusterDrift(
                    self._environment,
                    clients[name],
                    desk,
                    self._doing,
                    self._tools.habits,
                )
            self._clusters[name].follow(found)
        return complete

    async def _leave(self, connections: Iterable[str]) -> None:
        gone = {name: self._clusters.pop(name) for name in connections}
        await asyncio.gather(*(cluster.stop() for cluster in gone.values()))
        for name in gone:
            self._board.drifted(name, {})


@dataclass(frozen=True, slots=True)
class _ClusterDesk:
    """See `Desk`. What one cluster tells is read from that cluster only."""

    environment: EnvironmentDrift
    connection: str

    def standing(self, scope: Scope) -> Standing | None:
        return self.environment.standing(scope)

    def held(self, scope: Scope) -> Collection[str]:
        return self.environment.held(scope)

    def told(self) -> None:
        self.environment.told(self.connection)


def _held(known: Mapping[str, ApplicationState], names: Iterable[str]) -> Mapping[str, Mapping[str, Held]]:
    """What is held back, by application and target; most have nothing."""
    return {name: known[name].held for name in names if name in known and known[name].held}


def _places(known: Mapping[str, ApplicationState], names: Iterable[str]) -> frozenset[tuple[str, str, str]]:
    """Application, target and revision of everything that was applied of these."""
    return frozenset(
        (name, target, on.revision)
        for name in names
        if name in known
        for target, on in known[name].on.items()
    )

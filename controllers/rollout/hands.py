"""Does one piece of wanted work of any kind, and reports on the board how it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import assert_never

from controllers.adapters.http.sampling import sample_forever
from controllers.adapters.kube.patience import Patience
from controllers.rollout.account import Account
from controllers.rollout.board import Board
from controllers.rollout.errands import Errands, Purpose
from controllers.rollout.leftovers import PRUNE_PATIENCE, prune_again
from controllers.rollout.tools import Tools
from controllers.rollout.worker import Errand, TargetWorker, rendering_failed
from gitops.errors import Denied, GitopsError, InvalidInput, TerminalError, ToolMissing, TransientError
from gitops.model.gates import HttpGate
from gitops.rollout.observation import (
    ApplyWork,
    Failure,
    ProbeWork,
    PruneWork,
    ReachWork,
    RestoreWork,
    RevertWork,
    TargetReport,
    Work,
)
from gitops.rollout.state import EnvironmentState, FailureCause, Rollout


class Hands:
    """The work of one environment."""

    def __init__(
        self,
        environment: str,
        board: Board,
        errands: Errands,
        tools: Tools,
        current: Callable[[], tuple[EnvironmentState, str]],
    ) -> None:
        """`current` gives the environment's state and the branch's head at the moment of asking."""
        self._environment = environment
        self._board = board
        self._errands = errands
        self._tools = tools
        self._current = current
        self._patience = Patience(first_wait=0.5, longest_wait=15.0)
        self._prunes: dict[PruneWork, int] = {}
        self._reserved: dict[tuple[str, str, str], dict[str, int]] = {}

    async def do(self, work: Work) -> float | None:
        """Do `work` until it is done for good, or cancelled because nobody wants it any more.

        Pruning goes on at intervals: it gives the seconds until it is to be called again.
        """
        match work:
            case PruneWork():
                return await self._prune(work)
            case ApplyWork() | RestoreWork():
                await self._carry(work)
            case ProbeWork():
                await self._probe(work)
            case RevertWork():
                await self._revert(work)
            case ReachWork():
                await self._reach(work)
            case _:
                assert_never(work)
        return None

    async def _carry(self, work: ApplyWork | RestoreWork) -> None:
        say = partial(self._board.target, work)
        failures = 0
        while True:
            try:
                errand = await self._errand(work)
                place = await self._errands.place(work.revision, work.target)
                access = await self._errands.access(place)
                break
            except (TransientError, Denied, ToolMissing) as error:
                # A renderer that went away while we were restarted says nothing about the revision.
                failures += 1
                say(TargetReport(unreachable=self._tools.secrets.text(str(error))))
                await self._patience.sleep(self._patience.wait(failures))
            except InvalidInput as error:
                say(rendering_failed(error))
                return
            except TerminalError as error:  # such as a revision that the mirror no longer has
                because = self._tools.secrets.text(str(error))
                say(TargetReport(failure=Failure(FailureCause.REFUSED, because)))
                return
        await TargetWorker(
            errand,
            access,
            report=say,
            redact=self._tools.secrets.text,
            clock=self._tools.clock,
            patience=self._patience,
        ).run()

    async def _prune(self, work: PruneWork) -> float | None:
        self._board.target(work, replace(self._board.targets().get(work, TargetReport()), settled=False))
        tries = self._prunes[work] = self._prunes.get(work, 0) + 1
        try:
            _, head = self._current()
            purpose = Purpose(removed=work.removed, prune_permitted=True)
            errand = await self._errands.prepare(
                work.application, work.target, work.revision, purpose, siblings_at=head
            )
            access = await self._errands.access(await self._errands.place(work.revision, work.target))
            clean = self._tools.secrets.text
            left = await prune_again(errand.wanted, errand.siblings, access, work.objects, clean)
            report = TargetReport(leaving=left, settled=True)
        except GitopsError as error:
            because = self._tools.secrets.text(str(error))
            report = TargetReport(leaving=dict.fromkeys(work.objects, because), unreachable=because)
        self._board.target(work, report)
        if report.leaving:
            return PRUNE_PATIENCE.wait(tries)
        self._prunes.pop(work)
        return None

    async def _errand(self, work: ApplyWork | RestoreWork) -> Errand:
        _, head = self._current()
        prepare = partial(
            self._errands.prepare, work.application, work.target, work.revision, siblings_at=head
        )
        if isinstance(work, RestoreWork):
            return await prepare(Purpose(restoring=True, failed=work.failed))
        errand = await prepare(Purpose(removed=work.removed, prune_permitted=work.prune_permitted))
        return errand._replace(account=self._account(work))

    def _account(self, work: ApplyWork) -> Account:
        rollout = self._rollout(work)
        wave = rollout.current_wave if rollout else None
        if wave is None:
            return Account(work.target)
        name = (work.application, work.rollout, wave.name)
        if name not in self._reserved:
            # Of an application, one rollout runs at a time, and one wave of it.
            self._reserved = {key: one for key, one in self._reserved.items() if key[0] != work.application}
            self._reserved[name] = {}

        def recorded() -> dict[str, int]:
            now = self._rollout(work)
            return {target: now.targets[target].pruned for target in wave.targets} if now else {}

        return Account(work.target, self._reserved[name], recorded)

    async def _probe(self, work: ProbeWork) -> None:
        rollout = self._rollout(work)
        wave = rollout.current_wave if rollout else None
        gate = next((one for one in wave.gates if one.name == work.gate), None) if wave else None
        if rollout is None or not isinstance(gate, HttpGate):
            return
        url = await self._errands.expand(work.application, work.target, rollout.revision, gate.url)
        say = partial(self._board.sampled, work)
        await sample_forever(self._tools.prober, gate, url, say, self._tools.clock, asyncio.sleep)

    async def _revert(self, work: RevertWork) -> None:
        state, _ = self._current()
        say = partial(self._board.reverting, work)
        await self._tools.reverter.run(self._environment, work, state.application(work.application), say)

    async def _reach(self, work: ReachWork) -> None:
        failures = 0
        while True:
            try:
                _, head = self._current()
                place = await self._errands.place(head, work.target)
                client = await self._tools.clusters.client(place.connection)
                await client.discovery(refresh=True)
            except GitopsError:
                failures += 1
                await self._patience.sleep(self._patience.wait(failures))
            else:
                self._board.answers(work)
                await asyncio.Event().wait()

    def _rollout(self, work: ProbeWork | ApplyWork) -> Rollout | None:
        state, _ = self._current()
        rollout = state.application(work.application).rollout
        return rollout if rollout is not None and rollout.id == work.rollout else None

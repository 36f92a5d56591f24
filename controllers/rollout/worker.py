"""Carries one target through a revision: plan, dry-run, apply, health, prune; reports all the way.

A retry starts over from a fresh look, so the same code serves the first try, a lost connection and a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from controllers.adapters.kube.patience import Patience
from controllers.rollout.account import Account
from controllers.rollout.applied import Applied, NotHealthy
from controllers.rollout.applier import Applier, NotApplied, counts
from controllers.rollout.leftovers import Leftovers
from controllers.rollout.observer import Access, Observed, Siblings, TargetObserver
from controllers.rollout.pruning import Pruner, sentence, told
from controllers.rollout.validator import Validator, unseen
from controllers.rollout.watch import HealthWatch, Look, Standing
from gitops import plan as planning
from gitops.errors import Denied, InvalidInput, Problem, TerminalError, TransientError
from gitops.inventory import Entry
from gitops.objects import ObjectKey
from gitops.ordering import Stage, stage_of
from gitops.ownership import PART_OF
from gitops.plan import Plan, PlanPolicy, Wanted
from gitops.rollout.observation import Failure, TargetReport, bounded_reasons
from gitops.rollout.state import FailureCause

log = logging.getLogger(__name__)

Report: TypeAlias = Callable[[TargetReport], None]
Redact: TypeAlias = Callable[[str], str]
Clock: TypeAlias = Callable[[], datetime]

# The watch wakes the worker; this only bounds how long a lost connection stays unnoticed.
_NOTICE_BLINDNESS = timedelta(seconds=2)
# Changes come in bursts (every Pod of a workload); one look serves a burst.
_BURST_SECONDS = 0.03


class Errand(NamedTuple):
    """What a worker is sent to do."""

    wanted: Wanted
    policy: PlanPolicy
    siblings: Siblings
    account: Account | None = None


class TargetWorker:
    """One errand on one target."""

    def __init__(
        self,
        errand: Errand,
        access: Access,
        *,
        report: Report,
        redact: Redact,
        clock: Clock,
        patience: Patience,
    ) -> None:
        self._errand = errand
        self._objects = access.objects
        self._observer = TargetObserver(access)
        self._applier = Applier(access)
        self._validator = Validator(access.objects)
        self._pruner = Pruner(access.objects)
        self._leftovers = Leftovers(errand.wanted, errand.siblings, access, redact, clock)
        self._say = report
        self._clean = redact
        self._clock = clock
        self._patience = patience
        self._report = TargetReport(waiting_for="the cluster's answer")

    async def run(self) -> None:
        """Work until cancelled: what is done is watched for as long as somebody wants to know."""
        failures = 0
        self._say(self._report)
        while True:
            try:
                applied = await self._carry_out()
                failures = 0
                if applied is not None:
                    await self._attend(applied)
            except (TransientError, Denied) as error:
                # Denied here is about the connection (credentials, TLS), not about an object: those
                # refusals are collected as problems. It says nothing about the revision either.
                failures += 1
                self._tell(unreachable=self._clean(str(error)), current_since=None)
                wish = error.retry_after if isinstance(error, TransientError) else None
                await self._patience.sleep(self._patience.wait(failures, wish))
            except InvalidInput as error:
                # What we noted of our own objects cannot be read: nobody may write before that is mended.
                self._fail(FailureCause.REFUSED, error.problems)
                await asyncio.Event().wait()
            except TerminalError as error:
                # Our own bookkeeping was not taken, or the namespace went away under us: look again.
                failures += 1
                self._tell(waiting_for=self._clean(str(error)), unreachable="", current_since=None)
                await self._patience.sleep(self._patience.wait(failures))
            else:
                await asyncio.Event().wait()

    async def _carry_out(self) -> Applied | None:
        """Plan and apply; None where that failed for good, which has been reported then."""
        observed, plan = await self.plan()
        self._tell(unreachable="", waiting_for="its objects to be applied")
        # What the API server would refuse is told together with what we refuse ourselves.
        tried = await self._applier.dry_run(plan, observed.discovery)
        found = await self._validator.problems(plan, tried)
        problems = (*plan.refusals, *tried.problems, *found, *unseen(plan, observed, tried))
        if problems:
            refused = plan.refusals or (found and not tried.problems)
            self._fail(FailureCause.REFUSED if refused else FailureCause.REJECTED, problems)
            return None
        plan = plan.refined({}, tried.replacements)
        try:
            return await self._apply(plan, observed)
        except NotApplied as error:
            self._fail(FailureCause.REJECTED, error.problems)
        except NotHealthy as error:
            self._failed(Failure(FailureCause.HEALTH, self._clean(str(error)), error.evidence))
        return None

    async def plan(self) -> tuple[Observed, Plan]:
        """Look at the target and make the plan; the same for a rollout and for `gitops plan`."""
        wanted, siblings = self._errand.wanted, self._errand.siblings
        observed = await self._observer.look(wanted, siblings)
        plan = self._planned(observed)
        if plan.refusals:
            # Perhaps a CRD was installed since discovery was read: ask again before refusing.
            observed = await self._observer.look(wanted, siblings, refresh=True)
            plan = self._planned(observed)
        return observed, plan

    def _planned(self, observed: Observed) -> Plan:
        account = self._errand.account or Account()
        policy = replace(self._errand.policy, pruned_elsewhere=account.elsewhere())
        plan = planning.make(self._errand.wanted, observed.view, policy, observed.settled)
        if not plan.refusals:
            account.reserve(len(plan.prune))
        return plan

    async def _apply(self, plan: Plan, observed: Observed) -> Applied:
        if plan.acts:
            await self._applier.track(plan, observed)
        confirmed: list[Entry] = []
        writes = {planned.key for planned in plan.writes}
        for layer in plan.layers:
            if writes.isdisjoint(planned.key for planned in layer.objects):
                continue
            if layer.waits_for:
                await self._wait_for(layer.waits_for, Applied(plan, observed, tuple(confirmed)))
            if any(stage_of(key) is Stage.DEFINITIONS for key in layer.waits_for):
                discovery = await self._objects.discovery(refresh=True)
                observed = replace(observed, discovery=discovery)
            confirmed += await self._applier.apply(layer, plan, observed.discovery)
        applied = Applied(plan, observed, tuple(confirmed))
        if self._errand.policy.restoring:
            # What the failed revision added has no claim to wait for anybody's health.
            await self._prune(applied)
        elif plan.acts and plan.prune:
            await self._applier.store(plan.tracked.applied(confirmed), observed)
        elif not plan.empty:
            await self._applier.store(plan.settled(confirmed, ()), observed)
        self._tell(
            counts=counts(plan),
            held=self._staying(plan, planning.Action.HOLD),
            released=self._staying(plan, planning.Action.RELEASE, planning.Action.HAND_OVER),
            waiting_for="the first look at its health",
            unreachable="",
        )
        return applied

    def _staying(self, plan: Plan, *actions: planning.Action) -> dict[str, str]:
        chosen = [one for one in plan.leaving if one.action in actions]
        return bounded_reasons({str(one.key): self._clean(one.because) for one in chosen})

    async def _wait_for(self, keys: Iterable[ObjectKey], applied: Applied) -> None:
        expected = applied.expected
        watch = self._watch(applied, {key: expected.get(key) or Entry(key, "") for key in keys})
        try:
            await watch.start()
            while True:
                seen = watch.look(self._clock())
                if seen.standing is Standing.CURRENT:
                    return
                if seen.standing is Standing.FAILED:
                    raise NotHealthy(seen.because, await self._evidence(watch, seen))
                self._tell(waiting_for=self._clean(seen.because))
                await _change(watch, seen)
        finally:
            await watch.stop()

    async def _attend(self, applied: Applied) -> None:
        """Watch health; prune once everything is Current; go on watching until cancelled."""
        watch = self._watch(applied, applied.expected)
        pruned = self._errand.policy.restoring or not applied.plan.prune
        try:
            await watch.start()
            while True:
                seen = watch.look(self._clock())
                if seen.standing is Standing.CURRENT and not pruned:
                    await self._prune(applied)
                    pruned = True
                if self._leftovers.due:
                    self._left(await self._leftovers.prune())
                if await self._judge(watch, seen, settled=pruned):
                    return
                await _change(watch, seen)
        finally:
            await watch.stop()

    async def _judge(self, watch: HealthWatch, seen: Look, *, settled: bool) -> bool:
        """Report a look; True when there is nothing left to watch for."""
        match seen.standing:
            case Standing.CURRENT:
                watched = None if seen.gap else self._report.current_since
                since = watched or self._clock()
                self._tell(settled=settled, current_since=since, unreachable="", waiting_for="")
            case Standing.BLIND:
                self._tell(unreachable=self._clean(seen.because))
            case Standing.PROGRESSING:
                self._tell(current_since=None, unreachable="", waiting_for=self._clean(seen.because))
            case Standing.FAILED if self._errand.policy.restoring:
                self._tell(current_since=None, unreachable="", waiting_for=self._clean(seen.because))
            case Standing.FAILED:
                evidence = await self._evidence(watch, seen)
                self._failed(Failure(FailureCause.HEALTH, self._clean(seen.because), evidence))
                return True
        return False

    async def _prune(self, applied: Applied) -> None:
        plan = applied.plan
        if plan.empty:
            return
        self._tell(waiting_for=f"{len(plan.prune)} objects to be gone" if plan.prune else "")
        pruned = await self._pruner.delete(plan.prune, applied.observed.discovery, waiting=self._pruning)
        await self._applier.store(plan.settled(applied.confirmed, pruned.gone), applied.observed)
        self._left(told(pruned.left, self._clean))

    def _pruning(self, left: Mapping[ObjectKey, str]) -> None:
        self._tell(waiting_for=self._clean(f"{len(left)} objects to be gone: {sentence(left)}"))

    def _left(self, left: Mapping[str, str]) -> None:
        self._leftovers.found(left)
        self._tell(leaving=left)

    def _watch(self, applied: Applied, expected: dict[ObjectKey, Entry]) -> HealthWatch:
        selector = f"{PART_OF}={applied.plan.wanted.scope.applyset}"
        return HealthWatch(self._objects, applied.observed.discovery, expected, selector)

    async def _evidence(self, watch: HealthWatch, seen: Look) -> tuple[str, ...]:
        found = await watch.evidence(seen.failed, self._clock())
        return tuple(self._clean(line) for line in found)

    def _fail(self, cause: FailureCause, problems: Iterable[Problem]) -> None:
        lines = tuple(self._clean(str(problem)) for problem in sorted(set(problems)))
        what = "cannot be applied" if cause is FailureCause.REFUSED else "rejected by the API server"
        because = lines[0] if len(lines) == 1 else f"{len(lines)} objects {what}: {'; '.join(lines)}"
        self._failed(Failure(cause, because, lines))

    def _failed(self, failure: Failure) -> None:
        self._tell(failure=failure, current_since=None)

    def _tell(self, **changes: object) -> None:
        told = replace(self._report, **changes)  # type: ignore[arg-type]
        answering = None if told.unreachable else told.answering_since or self._clock()
        self._report = replace(told, answering_since=answering)
        self._say(self._report)


async def _change(watch: HealthWatch, seen: Look) -> None:
    pause = min(seen.look_again_in or _NOTICE_BLINDNESS, _NOTICE_BLINDNESS)
    # Not wait_for: Python 3.11's loses a cancellation that comes together with a change.
    try:
        async with asyncio.timeout(pause.total_seconds()):
            await watch.changed.wait()
    except TimeoutError:
        return
    await asyncio.sleep(_BURST_SECONDS)
    watch.changed.clear()


def rendering_failed(error: InvalidInput) -> TargetReport:
    """Report a revision that cannot be rendered for a target, with every problem."""
    lines = tuple(str(problem) for problem in error.problems)
    return TargetReport(failure=Failure(FailureCause.REFUSED, "; ".join(lines), lines))

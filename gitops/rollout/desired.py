"""What Git wants of each application of an environment, as the rollout machine needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitops.errors import InvalidInput
from gitops.model.catalog import ApplicationSource, Catalog, EnvironmentSource
from gitops.model.gates import HttpGate
from gitops.model.kinds import EnvironmentSpec
from gitops.model.targets import Target, targets_of
from gitops.objects import digest
from gitops.render import inputs_digest
from gitops.rollout.observation import Desired
from gitops.rollout.state import ApplicationState, EnvironmentState, WavePlan
from gitops.waves import AssignedWave, assign, effective_gates

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Wish:
    """All of an environment's desired applications at a revision, and what is wrong with the others.

    `targets` gives every target that is or was an application's, by the name that waves use.
    """

    revision: str
    spec: EnvironmentSpec | None = None
    desired: Mapping[str, Desired] = field(default_factory=dict)
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)


def wish(catalog: Catalog, environment: str, revision: str, state: EnvironmentState) -> Wish:
    """Read what Git wants of `environment` at `revision`.

    An application that the state knows and Git no longer has is desired as removed. An environment that
    left Git altogether wants nothing: its objects stay, because a lost folder is more often a mistake.
    """
    source = catalog.environments.get(environment)
    if source is None:
        return Wish(revision)
    blocking = tuple(str(problem) for problem in (*catalog.problems, *source.problems))
    names = sorted(set(source.applications) | set(state.applications))
    if blocking or source.spec is None:
        return Wish(revision, problems=dict.fromkeys(names or [EVERYTHING], blocking))
    try:
        targets = targets_of(source.spec, catalog.clusters, source.at)
        waves = assign(source.spec.waves, targets, catalog.clusters, source.at)
    except InvalidInput as error:
        lines = tuple(str(problem) for problem in error.problems)
        return Wish(revision, problems=dict.fromkeys(names or [EVERYTHING], lines))
    desired: dict[str, Desired] = {}
    problems: dict[str, tuple[str, ...]] = {}
    for name, application in source.applications.items():
        if application.problems:
            problems[name] = tuple(str(problem) for problem in application.problems)
        else:
            desired[name] = _application(source, application, waves, catalog, revision)
    for name in sorted(set(state.applications) - set(source.applications)):
        desired[name] = _removed(source.spec, state.applications[name], waves, revision)
    return Wish(revision, source.spec, desired, problems, {str(target): target for target in targets})


def _application(
    source: EnvironmentSource,
    application: ApplicationSource,
    waves: tuple[AssignedWave, ...],
    catalog: Catalog,
    revision: str,
) -> Desired:
    targets = tuple(target for wave in waves for target in wave.targets)
    return Desired(
        revision=revision,
        digest=inputs_digest(source, application, targets, catalog.clusters),
        waves=tuple(_wave(wave, wave.targets, application) for wave in waves),
        depends_on=application.spec.depends_on,
    )


def _wave(wave: AssignedWave, targets: tuple[Target, ...], application: ApplicationSource | None) -> WavePlan:
    # What leaves can only be waited for and approved: nothing is there any more that could answer.
    leaving = tuple(gate for gate in wave.spec.gates if not isinstance(gate, HttpGate))
    gates = effective_gates(wave.spec, application.spec) if application else leaving
    return WavePlan(
        name=wave.name,
        targets=tuple(str(target) for target in targets),
        max_concurrent=max(1, wave.spec.max_concurrent.of(len(targets))),
        max_failures=wave.spec.max_failures.of(len(targets)),
        progress_deadline=wave.spec.progress_deadline,
        soak=wave.spec.soak,
        gates=gates,
    )


def _removed(
    spec: EnvironmentSpec, state: ApplicationState, waves: tuple[AssignedWave, ...], revision: str
) -> Desired:
    """An application that left Git leaves its targets wave by wave; one that is on none, at once."""
    plans = []
    for wave in waves:
        held = tuple(target for target in wave.targets if str(target) in state.on)
        if held:
            plans.append(_wave(wave, held, None))
    names = sorted(name for plan in plans for name in plan.targets)
    account = spec.service_account_name or ""
    identity = digest({"removed": True, "targets": list(names), "serviceAccountName": account})
    return Desired(revision, identity, tuple(plans), removed=True)

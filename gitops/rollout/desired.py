"""What Git wants of each application of an environment, as the rollout machine needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitops.errors import InvalidInput
from gitops.model.catalog import ApplicationSource, Catalog, EnvironmentSource
from gitops.model.gates import HttpGate
from gitops.model.kinds import ApplicationSpec, Cluster, EnvironmentSpec
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

    `awaiting` says of each application that can neither be rendered nor refused yet what its render waits
    for. `targets` gives every target that is or was an application's, by the name that waves use. `basis` is
    what it was read from.
    """

    revision: str
    spec: EnvironmentSpec | None = None
    desired: Mapping[str, Desired] = field(default_factory=dict)
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    awaiting: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    basis: Basis | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a wish follows from besides the state, and what followed for the applications of Git."""

    source: EnvironmentSource
    clusters: Mapping[str, Cluster]
    desired: Mapping[str, Desired]

    def still(self, source: EnvironmentSource, clusters: Mapping[str, Cluster]) -> Mapping[str, Desired]:
        """Give what holds for `source` too: of applications that are the same object, on equal ground."""
        same_ground = clusters is self.clusters and source.spec == self.source.spec
        if not same_ground or source.name != self.source.name:
            return {}
        if source is self.source:
            return self.desired
        before = self.source.applications
        now = source.applications
        return {name: one for name, one in self.desired.items() if now.get(name) is before[name]}


def wish(
    catalog: Catalog,
    environment: str,
    revision: str,
    state: EnvironmentState,
    before: Wish | None = None,
) -> Wish:
    """Read what Git wants of `environment` at `revision`; `before` is any earlier wish, and saves work only.

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
    known = before.basis.still(source, catalog.clusters) if before and before.basis else {}
    planned = _Waves(waves)
    found = {
        name: known[name].at(revision)
        if name in known
        else _application(source, application, planned, catalog, revision)
        for name, application in source.applications.items()
        if not application.problems
    }
    gone = {
        name: _removed(source.spec, state.applications[name], waves, revision)
        for name in sorted(set(state.applications) - set(source.applications))
    }
    problems = {
        name: tuple(map(str, application.problems))
        for name, application in source.applications.items()
        if application.problems
    }
    by_name = {str(target): target for target in targets}
    basis = Basis(source, catalog.clusters, found)
    return Wish(revision, source.spec, {**found, **gone}, problems, targets=by_name, basis=basis)


class _Waves:
    """Wave plans of applications; those whose `application.yaml` says the same share theirs."""

    def __init__(self, waves: tuple[AssignedWave, ...]) -> None:
        self._waves = waves
        self.targets = tuple(target for wave in waves for target in wave.targets)
        self._known: dict[int, tuple[ApplicationSpec, tuple[WavePlan, ...]]] = {}

    def of(self, spec: ApplicationSpec) -> tuple[WavePlan, ...]:
        known = self._known.get(id(spec))
        if known is None:  # the spec is held too, so that no other gets its identity
            known = spec, tuple(_wave(wave, wave.targets, spec) for wave in self._waves)
            self._known[id(spec)] = known
        return known[1]


def _application(
    source: EnvironmentSource, application: ApplicationSource, waves: _Waves, catalog: Catalog, revision: str
) -> Desired:
    return Desired(
        revision=revision,
        digest=inputs_digest(source, application, waves.targets, catalog.clusters),
        waves=waves.of(application.spec),
        depends_on=application.spec.depends_on,
    )


def _wave(wave: AssignedWave, targets: tuple[Target, ...], spec: ApplicationSpec | None) -> WavePlan:
    # What leaves can only be waited for and approved: nothing is there any more that could answer.
    leaving = tuple(gate for gate in wave.spec.gates if not isinstance(gate, HttpGate))
    gates = effective_gates(wave.spec, spec) if spec else leaving
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

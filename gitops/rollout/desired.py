"""What Git wants of each application of an environment, as the rollout machine needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitops.errors import InvalidInput
from gitops.mappings import changed, differing
from gitops.model.application import ORDINARY, ApplicationSource
from gitops.model.catalog import Catalog, EnvironmentSource
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
    what it was read from. What is wanted as before is the same object again, all of it together too.
    """

    revision: str
    spec: EnvironmentSpec | None = None
    desired: Mapping[str, Desired] = field(default_factory=dict)
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    awaiting: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    basis: Basis | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Ground:
    """What bears on all applications of an environment, and what follows from that alone."""

    environment: str
    spec: EnvironmentSpec
    clusters: Mapping[str, Cluster]
    targets: Mapping[str, Target]
    waves: tuple[AssignedWave, ...]
    ordinary: tuple[WavePlan, ...]

    def holds(self, source: EnvironmentSource, clusters: Mapping[str, Cluster]) -> bool:
        """Whether the same follows for `source`."""
        same = clusters is self.clusters and source.name == self.environment
        return same and (source.spec is self.spec or source.spec == self.spec)

    def plans(self, spec: ApplicationSpec) -> tuple[WavePlan, ...]:
        """Plan the waves of an application; those without gates of their own share theirs."""
        return _plans(self.waves, spec) if spec.gates else self.ordinary


@dataclass(frozen=True, slots=True)
class Basis:
    """What a wish follows from, and what followed for the applications of Git and for those that left it."""

    ground: Ground
    applications: Mapping[str, ApplicationSource] = field(default_factory=dict)
    known: Mapping[str, ApplicationState] = field(default_factory=dict)
    found: Mapping[str, Desired] = field(default_factory=dict)
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gone: Mapping[str, Desired] = field(default_factory=dict)
    desired: Mapping[str, Desired] = field(default_factory=dict)


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
    basis = before.basis if before else None
    if source.spec is not None and not blocking:
        try:
            if basis is None or not basis.ground.holds(source, catalog.clusters):
                basis = Basis(_ground(source, source.spec, catalog.clusters))
            basis = _advanced(basis, source, state.applications)
        except InvalidInput as error:
            blocking = tuple(str(problem) for problem in error.problems)
    if basis is None or source.spec is None or blocking:
        names = sorted(source.applications.keys() | state.applications.keys())
        return Wish(revision, problems=dict.fromkeys(names or [EVERYTHING], blocking))
    targets = basis.ground.targets
    return Wish(revision, source.spec, basis.desired, basis.problems, targets=targets, basis=basis)


def _ground(source: EnvironmentSource, spec: EnvironmentSpec, clusters: Mapping[str, Cluster]) -> Ground:
    """Raises InvalidInput where targets and waves do not fit."""
    targets = targets_of(spec, clusters, source.at)
    waves = assign(spec.waves, targets, clusters, source.at)
    by_name = {str(target): target for target in targets}
    return Ground(source.name, spec, clusters, by_name, waves, _plans(waves, ORDINARY))


def _advanced(basis: Basis, source: EnvironmentSource, known: Mapping[str, ApplicationState]) -> Basis:
    """Say what follows of `source` on the same ground; of applications that are the same object, the same."""
    names = differing(basis.applications, source.applications)
    if not names and known is basis.known:
        return basis
    ground = basis.ground
    now = {name: source.applications.get(name) for name in names}
    sound = {name: one if one and not one.problems else None for name, one in now.items()}
    found = changed(
        basis.found,
        {name: _application(source, one, ground) if one else None for name, one in sound.items()},
    )
    problems = changed(
        basis.problems,
        {name: tuple(map(str, one.problems)) or None if one else None for name, one in now.items()},
    )
    left = sorted(known.keys() - source.applications.keys())
    gone = {name: _removed(ground, known[name]) for name in left}
    same = found is basis.found and gone == basis.gone
    desired = basis.desired if same else {**found, **gone} if gone else found
    return Basis(ground, source.applications, known, found, problems, gone, desired)


def _application(source: EnvironmentSource, application: ApplicationSource, ground: Ground) -> Desired:
    targets = (target for wave in ground.waves for target in wave.targets)
    return Desired(
        digest=inputs_digest(source, application, targets, ground.clusters),
        waves=ground.plans(application.spec),
        depends_on=application.spec.depends_on,
    )


def _plans(waves: tuple[AssignedWave, ...], spec: ApplicationSpec) -> tuple[WavePlan, ...]:
    return tuple(_wave(wave, wave.targets, spec) for wave in waves)


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


def _removed(ground: Ground, state: ApplicationState) -> Desired:
    """An application that left Git leaves its targets wave by wave; one that is on none, at once."""
    plans = []
    for wave in ground.waves:
        held = tuple(target for target in wave.targets if str(target) in state.on)
        if held:
            plans.append(_wave(wave, held, None))
    names = sorted(name for plan in plans for name in plan.targets)
    account = ground.spec.service_account_name or ""
    identity = digest({"removed": True, "targets": list(names), "serviceAccountName": account})
    return Desired(identity, tuple(plans), removed=True)

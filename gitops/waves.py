"""Targets → waves, and the gates of a wave. Who may start next is for `gitops.rollout` to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitops.errors import InvalidInput, Problem
from gitops.model.gates import Gate, HealthGate
from gitops.model.kinds import ApplicationSpec, Cluster, Wave
from gitops.model.reading import Locate, nowhere
from gitops.model.targets import Target, explain_no_match, matching_clusters


@dataclass(frozen=True, slots=True)
class AssignedWave:
    """A wave and its targets, at least one, in target order."""

    name: str
    targets: tuple[Target, ...]
    spec: Wave


def assign(
    waves: Sequence[Wave],
    targets: Sequence[Target],
    clusters: Mapping[str, Cluster],
    at: Locate = nowhere,
) -> tuple[AssignedWave, ...]:
    """Put every target into exactly one wave: in the order written, the first wave that matches takes it.

    A percentage is of all `targets`, rounded up, taken in target order from those still free. A last
    wave that takes the rest is left out when there is no rest. Raises InvalidInput, at
    `at("spec", "waves", …)`, for a target that no wave takes and for a wave that no target matches.
    """
    free = sorted(targets)
    assigned: list[AssignedWave] = []
    problems: list[Problem] = []
    for index, wave in enumerate(waves):
        taken = _taken(wave, free, len(targets), clusters)
        gone = set(taken)
        free = [target for target in free if target not in gone]
        if taken:
            assigned.append(AssignedWave(wave.name, tuple(taken), wave))
        elif wave.cluster_selector is not None or wave.percentage is not None:
            field = "clusterSelector" if wave.cluster_selector is not None else "percentage"
            because = _why_empty(wave, targets, clusters)
            problems.append(
                Problem(at("spec", "waves", index, field), f"wave {wave.name} has no target: {because}")
            )
    if free:
        names = ", ".join(map(str, free))
        advice = "match it, or add a last wave without clusterSelector, which takes the rest"
        problems.append(Problem(at("spec", "waves"), f"no wave takes {names}: {advice}"))
    if problems:
        raise InvalidInput(*problems)
    return tuple(assigned)


def _taken(wave: Wave, free: Sequence[Target], whole: int, clusters: Mapping[str, Cluster]) -> list[Target]:
    if wave.cluster_selector is not None:
        matching = set(matching_clusters(wave.cluster_selector, clusters))
        return [target for target in free if target.cluster in matching]
    return list(free if wave.percentage is None else free[: wave.percentage.of(whole)])


def _why_empty(wave: Wave, targets: Sequence[Target], clusters: Mapping[str, Cluster]) -> str:
    if wave.cluster_selector is None:
        if wave.percentage is not None and not wave.percentage.of(len(targets)):
            return "0% is nothing"
        return "earlier waves took every target"
    chosen = {target.cluster: clusters[target.cluster] for target in targets}
    if matching_clusters(wave.cluster_selector, chosen):
        return "earlier waves took all that match, because the first match wins"
    if matching_clusters(wave.cluster_selector, clusters):
        return "the clusters that match are not among the environment's targets"
    return explain_no_match(wave.cluster_selector, clusters)


def effective_gates(wave: Wave, application: ApplicationSpec) -> tuple[Gate, ...]:
    """Give the gates an application meets in `wave`: health always, the wave's, then its own.

    A gate that both name is asked once. Two different gates of one name are a problem in the
    catalog; here the wave's counts, so that an application cannot weaken it.
    """
    gates: list[Gate] = [*wave.gates]
    names = {gate.name for gate in gates}
    gates += [gate for gate in application.gates if gate.name not in names]
    if not any(isinstance(gate, HealthGate) for gate in gates):
        gates.insert(0, HealthGate(type="health"))
    return tuple(gates)

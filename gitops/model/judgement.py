"""What is wrong with the applications of one environment when they are looked at together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from gitops.errors import Problem
from gitops.mappings import changed, differing
from gitops.model.application import ApplicationSource
from gitops.model.dependencies import Edges, wrong_dependencies
from gitops.model.kinds import EnvironmentSpec


@dataclass(frozen=True, slots=True)
class Judged:
    """The applications of an environment with what is wrong between them; one without fault stays itself.

    What it follows from is kept, so that the next judgement is about what differs.
    """

    spec: EnvironmentSpec | None
    alone: Mapping[str, ApplicationSource] = field(default_factory=dict)
    applications: Mapping[str, ApplicationSource] = field(default_factory=dict)
    waits: Edges = field(default_factory=dict)
    wrong: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)


def judge(
    spec: EnvironmentSpec | None, applications: Mapping[str, ApplicationSource], before: Judged | None = None
) -> Judged:
    """Judge `applications`, each as read by itself; `before` is any earlier judgement, and saves work only.

    `spec` is the environment's, None where that cannot be used.
    """
    if before is None or before.spec is not spec:
        before = Judged(spec)
    names = differing(before.alone, applications)
    now = {name: applications.get(name) for name in names}
    waits = changed(
        before.waits, {name: (one.spec.depends_on or None) if one else None for name, one in now.items()}
    )
    same = waits == before.waits and all(name in before.alone and one for name, one in now.items())
    wrong = before.wrong if same else wrong_dependencies(waits, applications.keys())
    due = {*names, *differing(before.wrong, wrong)}
    judged = {
        name: _judged(spec, applications[name], wrong.get(name, ())) if name in applications else None
        for name in sorted(due)
    }
    return Judged(spec, applications, changed(before.applications, judged), waits, wrong)


def _judged(
    spec: EnvironmentSpec | None, application: ApplicationSource, wrong: tuple[tuple[int, str], ...]
) -> ApplicationSource:
    found = [Problem(application.at("spec", "dependsOn", index), message) for index, message in wrong]
    if spec is not None:
        found += _gate_problems(spec, application)
    return (
        replace(application, problems=tuple(sorted({*application.problems, *found})))
        if found
        else application
    )


def _gate_problems(spec: EnvironmentSpec, application: ApplicationSource) -> Iterator[Problem]:
    """Name gates of the application that share a name, but not their content, with a wave's."""
    for wave in spec.waves if application.spec.gates else ():
        theirs = {gate.name: gate for gate in wave.gates}
        for index, gate in enumerate(application.spec.gates):
            if theirs.get(gate.name, gate) != gate:
                place = application.at("spec", "gates", index)
                message = f'wave {wave.name} has another gate named "{gate.name}": choose another name'
                yield Problem(place, message)

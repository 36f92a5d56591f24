"""What a rollout of a revision would do: per application, wave and target, with redacted differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from gitops.objects import JsonObject
from gitops.plan import Plan, summary

_SHORT = 12


@dataclass(frozen=True, slots=True)
class Unseen:
    """Nobody can say what would happen on a target, and why not."""

    because: str


@dataclass(frozen=True, slots=True)
class TargetPreview:
    """One target of a wave. A plan with refusals would write nothing."""

    wave: str
    target: str
    outcome: Plan | Unseen

    @property
    def clear(self) -> bool:
        """Whether a rollout could act here as things are."""
        return isinstance(self.outcome, Plan) and not self.outcome.refusals


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The inputs are the last good ones, and on every target: no rollout, no question to any cluster.

    `held`: what left Git and is kept, by target and object, with what would release it.
    """

    good: str
    held: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unusable:
    """The revision cannot be rolled out as it is written; every problem with its place."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Would:
    """What would be done, in the order of waves; `held` says what stands in the way of starting."""

    targets: tuple[TargetPreview, ...]
    removed: bool = False
    held: str = ""


Outcome: TypeAlias = Unchanged | Unusable | Would


@dataclass(frozen=True, slots=True)
class ApplicationPreview:
    """One application. `application` is `*` where the environment as a whole is unusable."""

    environment: str
    application: str
    outcome: Outcome

    @property
    def clear(self) -> bool:
        """Whether nothing stands in the way that another revision or a reachable cluster would mend."""
        match self.outcome:
            case Unusable():
                return False
            case Would(targets):
                return all(target.clear for target in targets)
            case Unchanged():
                return True


@dataclass(frozen=True, slots=True)
class Preview:
    """All of a revision that was asked for."""

    revision: str
    applications: tuple[ApplicationPreview, ...]

    @property
    def clear(self) -> bool:
        """Whether every application could be rolled out as things are."""
        return all(application.clear for application in self.applications)


def form(preview: Preview) -> JsonObject:
    """Give the preview as JSON; each target has either a `plan` or the reason why nobody can `unseen`."""
    return {
        "revision": preview.revision,
        "applications": [
            {"environment": one.environment, "application": one.application, **_outcome(one.outcome)}
            for one in preview.applications
        ],
    }


def _outcome(outcome: Outcome) -> JsonObject:
    match outcome:
        case Unchanged(good, held):
            kept = {target: dict(objects) for target, objects in sorted(held.items())}
            return {"outcome": "Unchanged", "good": good, "held": kept}
        case Unusable(problems):
            return {"outcome": "Unusable", "problems": list(problems)}
        case Would(targets, removed, held):
            shown = [_target(target) for target in targets]
            return {"outcome": "Rollout", "removed": removed, "held": held, "targets": shown}


def _target(target: TargetPreview) -> JsonObject:
    told: JsonObject
    if isinstance(target.outcome, Plan):
        told = {"plan": summary.as_json(target.outcome)}
    else:
        told = {"unseen": target.outcome.because}
    return {"wave": target.wave, "target": target.target, **told}


def text(preview: Preview) -> str:
    """Applications, waves, targets, objects, each below what it belongs to."""
    lines = [line for one in preview.applications for line in _lines(one)]
    return "\n".join([f"revision {preview.revision[:_SHORT]}", *lines])


def _lines(one: ApplicationPreview) -> Iterator[str]:
    name = f"{one.environment}/{one.application}"
    match one.outcome:
        case Unchanged(good, held):
            yield f"{name}: unchanged inputs: nothing to do (good since revision {good[:_SHORT]})"
            for target, objects in sorted(held.items()):
                yield from (f"  held on {target}: {key}: {why}" for key, why in sorted(objects.items()))
        case Unusable(problems):
            yield f"{name}: cannot be rolled out as it is written"
            yield from (f"  {problem}" for problem in problems)
        case Would(targets, removed, held):
            yield f"{name}: {'left Git: everything of it goes' if removed else 'a rollout'}"
            if held:
                yield f"  held: {held}"
            yield from _waves(targets)


def _waves(targets: tuple[TargetPreview, ...]) -> Iterator[str]:
    wave = ""
    for target in targets:
        if target.wave != wave:
            wave = target.wave
            yield f"  wave {wave}"
        outcome = target.outcome
        told = summary.text(outcome) if isinstance(outcome, Plan) else f"{target.target}: {outcome.because}"
        yield from (f"    {line}" for line in told.splitlines())

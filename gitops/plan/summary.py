"""A plan for people (text) and for programs (JSON). Shows redacted changes only."""

from __future__ import annotations

from collections import Counter

from gitops import diff
from gitops.errors import Problem
from gitops.objects import JsonObject
from gitops.plan.decide import CHANGED, NEW, NOT_RENDERED
from gitops.plan.model import Action, ObjectPlan, Plan

_WORDS = {
    Action.CREATE: "to create",
    Action.CONFIGURE: "to configure",
    Action.CORRECT: "to correct",
    Action.REPLACE: "to replace",
    Action.TAKE_OVER: "to take over",
    Action.DELETE: "to delete",
    Action.KEEP: "kept",
    Action.HOLD: "held back",
    Action.HAND_OVER: "handed over",
    Action.RELEASE: "released",
    Action.GONE: "gone",
    Action.FINISHED: "finished",
    Action.UNCHANGED: "unchanged",
}
_QUIET = frozenset({Action.UNCHANGED, Action.FINISHED})
_OBVIOUS = frozenset({NEW, CHANGED, NOT_RENDERED})


def counts(plan: Plan) -> dict[Action, int]:
    """How many objects each action is for; actions without objects are left out."""
    found = Counter(planned.action for planned in (*plan.objects, *plan.leaving))
    return {action: found[action] for action in _WORDS if found[action]}


def headline(plan: Plan) -> str:
    """One line: `eu-1/shop: 2 to create, 1 to delete, 14 unchanged`."""
    parts = [f"{number} {_WORDS[action]}" for action, number in counts(plan).items()]
    if plan.refusals:
        parts.append(f"{len(plan.refusals)} refused, so nothing is written")
    return f"{plan.wanted.scope.target}: {', '.join(parts) or 'no objects'}"


def text(plan: Plan) -> str:
    """The headline, then what is refused, then one line per object that is not left as it is.

    Warnings stand before these. Ends without a newline. A reason is written where the action does not
    explain itself.
    """
    lines = [headline(plan), *(f"  refused     {problem}" for problem in plan.refusals)]
    lines.extend(f"  warning     {problem}" for problem in plan.warnings)
    if plan.namespace is not None:
        lines.append(f"  first       Namespace {plan.namespace.key.name}, because the target needs it")
    for planned in (*plan.objects, *plan.leaving):
        if planned.action not in _QUIET:
            lines.append(f"  {planned.action:<11} {_named(planned)}")
            lines.extend(f"      {line}" for line in diff.text(planned.changes or ()).splitlines())
    return "\n".join(lines)


def _named(planned: ObjectPlan) -> str:
    place = f" ({planned.manifest.source})" if planned.manifest else ""
    reason = "" if planned.because in _OBVIOUS else f": {planned.because}"
    return f"{planned.key}{place}{reason}"


def as_json(plan: Plan) -> JsonObject:
    """The plan as plain JSON; `changes` and `warnings` are there only where there are any."""
    scope = plan.wanted.scope
    warnings = {"warnings": [_problem(problem) for problem in plan.warnings]} if plan.warnings else {}
    return {
        "environment": scope.environment,
        "application": scope.application,
        "cluster": scope.target.cluster,
        "namespace": scope.target.namespace,
        "revision": plan.wanted.revision,
        "digest": plan.wanted.digest,
        "createsNamespace": plan.namespace is not None,
        "counts": {str(action): number for action, number in counts(plan).items()},
        "refusals": [_problem(problem) for problem in plan.refusals],
        **warnings,
        "objects": [_object(planned) for planned in (*plan.objects, *plan.leaving)],
    }


def _problem(problem: Problem) -> JsonObject:
    place = problem.location
    return {"path": place.path, "line": place.line, "column": place.column, "message": problem.message}


def _object(planned: ObjectPlan) -> JsonObject:
    body: JsonObject = {
        "object": str(planned.key),
        "group": planned.key.group,
        "kind": planned.key.kind,
        "namespace": planned.key.namespace,
        "name": planned.key.name,
        "action": str(planned.action),
        "because": planned.because,
    }
    if planned.manifest is not None:
        body["source"] = str(planned.manifest.source)
    if planned.changes is not None:
        body["changes"] = [change.as_json() for change in planned.changes]
    return body

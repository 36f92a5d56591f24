"""From what is wanted and what was seen to what will be done on one target, as a value."""

from gitops.plan.make import make
from gitops.plan.model import Action, ObjectPlan, Plan, PlanPolicy, Scope, Wanted
from gitops.plan.pins import Pins
from gitops.plan.recreate import RECREATE, Refuse, Replace, on_immutable
from gitops.plan.settle import Settled, settle
from gitops.plan.view import LiveObject, TargetView

__all__ = [
    "RECREATE",
    "Action",
    "LiveObject",
    "ObjectPlan",
    "Pins",
    "Plan",
    "PlanPolicy",
    "Refuse",
    "Replace",
    "Scope",
    "Settled",
    "TargetView",
    "Wanted",
    "make",
    "on_immutable",
    "settle",
]

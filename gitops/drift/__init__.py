"""Drift by ownership: what was applied against what is seen, who did it, and what may be done about it."""

from gitops.drift.authors import Author, author_of, names, newest_author
from gitops.drift.compare import carried_over, compare, holds
from gitops.drift.contest import Contest, Contests
from gitops.drift.finding import DriftKind, Finding, author_form, told
from gitops.drift.foreign import ForeignDeed, ForeignFact, ForeignFinding, Owned
from gitops.drift.holding import released
from gitops.drift.modes import DRIFT, DriftRules, unknown_mode
from gitops.drift.report import Deed, DriftFact, DriftReport
from gitops.drift.verdict import Judgement, Sight, Verdict, judge

__all__ = [
    "DRIFT",
    "Author",
    "Contest",
    "Contests",
    "Deed",
    "DriftFact",
    "DriftKind",
    "DriftReport",
    "DriftRules",
    "Finding",
    "ForeignDeed",
    "ForeignFact",
    "ForeignFinding",
    "Judgement",
    "Owned",
    "Sight",
    "Verdict",
    "author_form",
    "author_of",
    "carried_over",
    "compare",
    "holds",
    "judge",
    "names",
    "newest_author",
    "released",
    "told",
    "unknown_mode",
]

"""Samples in, one verdict out. A new gate is a module here, its model, and whatever takes its samples."""

from gitops.gates.judge import judge
from gitops.gates.verdict import Outcome, Sample, Sampling, Verdict, VerdictKind

__all__ = ["Outcome", "Sample", "Sampling", "Verdict", "VerdictKind", "judge"]

"""Is a live object what its manifest asked for, and if not, what would a person want to know about it?

Nothing is fetched and no clock is read: objects and the time come in, words come out. When to look, and what
a verdict leads to, is left to others.
"""

from gitops.health.assessment import assess
from gitops.health.evidence import evidence
from gitops.health.owned import Related, newest_replica_set, own_pods
from gitops.health.signs import Symptom, Tolerance
from gitops.health.status import Health, HealthStatus
from gitops.health.symptoms import DEFAULT_TOLERANCE, failing, look_again

__all__ = [
    "DEFAULT_TOLERANCE",
    "Health",
    "HealthStatus",
    "Related",
    "Symptom",
    "Tolerance",
    "assess",
    "evidence",
    "failing",
    "look_again",
    "newest_replica_set",
    "own_pods",
]

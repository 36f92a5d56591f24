"""PodDisruptionBudgets count what may be evicted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.simcluster.behaviour.world import World


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"minAvailable": 2}, (3, 2, 1, 3)),
        ({"minAvailable": "50%"}, (3, 2, 1, 3)),
        ({"maxUnavailable": 1}, (3, 2, 1, 3)),
        ({"maxUnavailable": "100%"}, (3, 0, 3, 3)),
        ({"minAvailable": 5}, (3, 5, 0, 3)),
    ],
)
def test_budget_counts_its_pods(world: World, spec: dict[str, Any], expected: tuple[int, ...]) -> None:
    """Healthy, wanted, allowed to go, and how many there should be."""
    world.deploy(replicas=3)
    world.create("PodDisruptionBudget", "web", spec={"selector": {"matchLabels": {"app": "web"}}, **spec})
    world.step(1)
    status = world.status("PodDisruptionBudget", "web")
    keys = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
    assert tuple(status[key] for key in keys) == expected
    condition = world.conditions("PodDisruptionBudget", "web")["DisruptionAllowed"]
    allowed = expected[2] > 0
    assert condition["status"] == str(allowed)
    assert condition["reason"] == ("SufficientPods" if allowed else "InsufficientPods")

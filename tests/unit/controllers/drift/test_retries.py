"""When refused work is tried again."""

from __future__ import annotations

from controllers.drift.retries import FIRST_SECONDS, LONGEST_SECONDS, Retries
from gitops.objects import ObjectKey

A = ObjectKey("", "ConfigMap", "shop", "a")
B = ObjectKey("", "ConfigMap", "shop", "b")


def test_the_wait_doubles_up_to_a_bound_however_often_it_is_refused() -> None:
    """A refusal that lasts for weeks is one of many thousands."""
    retries = Retries()
    waits = [retries.refused(A) for _ in range(3000)]
    assert waits[:3] == [FIRST_SECONDS, 2 * FIRST_SECONDS, 4 * FIRST_SECONDS]
    assert waits[-1] == LONGEST_SECONDS
    assert LONGEST_SECONDS - 5 < retries.left(A) <= LONGEST_SECONDS
    assert retries.left(B) == 0.0
    retries.forget(A)
    assert retries.left(A) == 0.0
    assert retries.refused(A) == FIRST_SECONDS

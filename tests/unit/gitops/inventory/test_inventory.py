"""Set arithmetic of inventories, and the prune budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import Refused
from gitops.inventory import Asked, Entry, Inventory, empty, prune_allowed
from gitops.model.kinds import PruneBudget
from gitops.model.schema import Share
from gitops.model.targets import Target
from gitops.objects import ObjectKey

KEYS = [ObjectKey("apps", "Deployment", "shop", f"d{number}") for number in range(6)]
KEY_SETS = st.sets(st.sampled_from(KEYS))
TARGET = Target("eu-1", "shop")


def tracked(keys: set[ObjectKey]) -> list[Entry]:
    return [Entry(key, "v1") for key in keys]


@given(st.lists(st.tuples(KEY_SETS, KEY_SETS, KEY_SETS), max_size=8), st.data())
def test_no_object_is_lost_before_its_deletion_is_confirmed(
    rollouts: list[tuple[set[ObjectKey], set[ObjectKey], set[ObjectKey]]], data: st.DataObject
) -> None:
    """Rollouts that stop anywhere: whatever exists on the cluster because of us is tracked."""
    inventory = empty("production", "web", TARGET)
    on_cluster: set[ObjectKey] = set()
    for wanted, reached, deletable in rollouts:
        inventory = inventory.tracking(tracked(wanted), "rev")
        applied = wanted & reached
        on_cluster |= applied
        assert on_cluster <= set(inventory.entries)
        if data.draw(st.booleans()):
            continue  # killed before the answers were recorded
        inventory = inventory.applied(Entry(key, "v1", digest="d", uid="u") for key in applied)
        deleted = (set(inventory.entries) - wanted) & deletable
        on_cluster -= deleted
        assert on_cluster <= set(inventory.entries)
        inventory = inventory.without(deleted)
        assert on_cluster <= set(inventory.entries)
        assert not deleted & set(inventory.entries)


def test_tracking_keeps_what_was_confirmed_and_unsettles() -> None:
    """Until the new state is confirmed, the old digest stays; the whole counts as under way."""
    known = Entry(KEYS[0], "v1", digest="old", uid="u", fields="f", generation=3)
    before = Inventory("production", "web", TARGET, "r1", "target-digest", {KEYS[0]: known})
    after = before.tracking(tracked({KEYS[0], KEYS[1]}), "r2")
    assert after.entries[KEYS[0]] == known
    assert after.entries[KEYS[1]].digest == ""
    assert (after.revision, after.digest) == ("r2", "")
    assert after.settled("new").digest == "new"


def test_tracking_remembers_a_take_over_before_it_happens() -> None:
    """After a crash right behind the apply, nobody could tell any more that the object was there before."""
    before = empty("production", "web", TARGET).tracking(tracked({KEYS[0]}), "r1")
    after = before.tracking([Entry(KEYS[0], "v1", taken_over=True)], "r1")
    assert after.entries[KEYS[0]].taken_over


def test_entries_are_sorted_and_frozen() -> None:
    inventory = empty("production", "web", TARGET).tracking(reversed(tracked(set(KEYS))), "r")
    assert list(inventory.entries) == sorted(KEYS)
    with pytest.raises(TypeError):
        inventory.entries[KEYS[0]] = Entry(KEYS[0], "v2")  # type: ignore[index]


def budget(share: Share) -> PruneBudget:
    return PruneBudget(max_objects=share)


@pytest.mark.parametrize(
    ("share", "tracked_count", "deleting"),
    [(Share(percent=50), 3, 2), (Share(percent=50), 1, 1), (Share(count=2), 100, 2), (Share(count=0), 9, 0)],
)
def test_deletions_within_the_budget(share: Share, tracked_count: int, deleting: int) -> None:
    """The limit itself is allowed; a percentage is rounded up."""
    prune_allowed(budget(share), "production/web", Asked(tracked_count, 1, deleting))


@pytest.mark.parametrize(
    ("share", "tracked_count", "deleting", "limit"),
    [(Share(percent=50), 3, 3, 2), (Share(count=2), 100, 3, 2), (Share(count=0), 9, 1, 0)],
)
def test_deletions_over_the_budget_are_refused_with_the_numbers_and_the_way_out(
    share: Share, tracked_count: int, deleting: int, limit: int
) -> None:
    with pytest.raises(Refused) as refused:
        prune_allowed(budget(share), "production/web", Asked(tracked_count, 1, deleting))
    said = str(refused.value)
    assert f"delete {deleting} of its {tracked_count} objects" in said
    assert f"budget of {limit} " in said
    assert "`Gitops-Allow-Prune: production/web`" in said


def test_an_empty_render_deletes_nothing_whatever_the_budget() -> None:
    with pytest.raises(Refused, match=r"renders no object at all.*Gitops-Allow-Prune: production/web"):
        prune_allowed(budget(Share(percent=100)), "production/web", Asked(1, 0, 1))
    prune_allowed(budget(Share(percent=0)), "production/web", Asked(0, 0, 0))


WAVES = PruneBudget(max_objects=Share(percent=50), max_objects_per_wave=Share(count=5))


@pytest.mark.parametrize(("deleting", "elsewhere"), [(2, 3), (5, 0), (0, 99)])
def test_deletions_within_the_wave_s_budget(deleting: int, elsewhere: int) -> None:
    """All targets of a wave together may come up to the number."""
    prune_allowed(WAVES, "production/web", Asked(10, 5, deleting, elsewhere))


@pytest.mark.parametrize(
    ("asked", "limit", "field"),
    [
        (Asked(10, 5, 3, 3), 5, "maxObjectsPerWave"),
        (Asked(100, 5, 6), 5, "maxObjectsPerWave"),
        (Asked(4, 1, 3), 2, "maxObjects "),
    ],
)
def test_the_stricter_of_two_budgets_holds(asked: Asked, limit: int, field: str) -> None:
    """That of the wave, which counts the other targets, or that of the target."""
    with pytest.raises(Refused, match=f"budget of {limit} allows.*Gitops-Allow-Prune.*prune.{field}"):
        prune_allowed(WAVES, "production/web", asked)


def test_a_percentage_of_a_wave_is_asked_of_each_target() -> None:
    """Where each target keeps within it, all of them together do."""
    share = PruneBudget(max_objects=Share(percent=50), max_objects_per_wave=Share(percent=20))
    prune_allowed(share, "production/web", Asked(10, 5, 2, elsewhere=100))
    with pytest.raises(Refused, match=r"delete 3 of its 10 objects.*budget of 2 .*prune.maxObjectsPerWave"):
        prune_allowed(share, "production/web", Asked(10, 5, 3))

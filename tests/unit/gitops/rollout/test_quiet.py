"""Who is quiet is found again from what differs alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitops.rollout.observation import Desired
from gitops.rollout.quiet import Quiet, still
from gitops.rollout.rest import as_wanted
from gitops.rollout.state import ApplicationState, FailureCause, Good, Lagging, Leaving, OnTarget
from tests.unit.gitops.rollout.world import START, World, wave

ON = OnTarget(revision="r1", digest="A", settled=True)
THERE = ApplicationState(good=Good(revision="r1", digest="A", at=START), on={"c1": ON})
BEHIND = Lagging(cause=FailureCause.UNREACHABLE, because="silent", since=START)
STATES = [
    ApplicationState(),
    THERE,
    THERE.model_copy(update={"on": {"c1": ON.model_copy(update={"settled": False})}}),
    THERE.model_copy(update={"lagging": {"c1": BEHIND}}),
    THERE.model_copy(update={"leaving": {"c1": Leaving(objects={"ConfigMap a/b": "waits"}, since=START)}}),
]
WAVES = (wave("all", "c1"),)
WANTED = [Desired("A", WAVES), Desired("B", WAVES), Desired("A", WAVES, removed=True)]
NAMES = st.sampled_from("abcd")
MOMENTS = st.tuples(
    st.dictionaries(NAMES, st.sampled_from(STATES)), st.dictionaries(NAMES, st.sampled_from(WANTED))
)


@given(moments=st.lists(MOMENTS, min_size=1, max_size=4))
def test_whatever_was_known_before_the_same_are_quiet(
    moments: list[tuple[dict[str, ApplicationState], dict[str, Desired]]],
) -> None:
    known = Quiet()
    for applications, desired in moments:
        known = still(applications, desired, known)
        assert known == still(applications, desired, Quiet())
        assert known.others == {
            name
            for name in {*applications, *desired}
            if applications.get(name) is not THERE or desired.get(name) is not WANTED[0]
        }


def test_a_world_that_is_settled_is_quiet_and_as_wanted() -> None:
    """And is neither as soon as Git wants something else."""
    world = World()
    world.commit("web", "A")
    world.commit("api", "A")
    world.settle()
    assert world.quiet.others == frozenset()
    assert as_wanted(world.state, world.observe(), world.quiet)
    world.commit("web", "B")
    assert not as_wanted(world.state, world.observe(), world.quiet)
    world.decide()
    assert world.quiet.others == {"web"}

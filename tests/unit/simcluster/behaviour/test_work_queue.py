"""The work queue: no doubles, ranks before order, one timer for all that is due later."""

from __future__ import annotations

from datetime import timedelta

from simcluster.behaviour.queue import Key, WorkQueue
from simcluster.clock import SteppedClock


def _key(name: str, rank: int = 0) -> Key:
    return Key(rank, "part", "", name)


def _queue() -> tuple[SteppedClock, WorkQueue, list[str]]:
    clock, seen = SteppedClock(), list[str]()
    return clock, WorkQueue(clock, lambda key: seen.append(key.name)), seen


def test_keys_are_looked_at_once_in_the_next_turn() -> None:
    """A key that waits already is not added again."""
    clock, queue, seen = _queue()
    for name in ("a", "b", "a"):
        queue.add(_key(name))
    assert seen == []
    clock.step(0)
    assert seen == ["a", "b"]
    assert queue.idle


def test_smaller_ranks_come_first_also_those_added_meanwhile() -> None:
    """What a key leads to is looked at before what waits behind it."""
    clock, seen = SteppedClock(), list[str]()

    def work(key: Key) -> None:
        seen.append(key.name)
        if key.name == "b":
            queue.add(_key("c", 0))

    queue = WorkQueue(clock, work)
    for name, rank in (("late", 2), ("b", 1), ("a", 0)):
        queue.add(_key(name, rank))
    clock.step(0)
    assert seen == ["a", "b", "c", "late"]


def test_long_work_lets_others_have_their_turn() -> None:
    """After a bounded number of keys, whatever else is due runs."""
    clock, queue, seen = _queue()
    for number in range(100):
        queue.add(_key(str(number)))
    clock.call_later(0, lambda: seen.append("other"))
    clock.step(0)
    assert seen.index("other") < 100
    assert len(seen) == 101


def test_failing_work_does_not_stop_the_rest() -> None:
    """A defect shows, and the next turn goes on behind it."""
    clock, seen = SteppedClock(), list[str]()

    def work(key: Key) -> None:
        if key.name == "bad":
            raise RuntimeError("defect")
        seen.append(key.name)

    queue = WorkQueue(clock, work)
    queue.add(_key("bad"))
    queue.add(_key("good"))
    try:
        clock.step(0)
    except RuntimeError:
        clock.step(0)
    assert seen == ["good"]


def test_due_functions_run_in_the_order_of_their_times() -> None:
    """Each when its time has come, and what is due together sees one time."""
    clock, queue, seen = _queue()
    start = clock.now()
    for name, seconds in (("b", 2), ("a", 1), ("c", 2)):
        queue.at(start + timedelta(seconds=seconds), lambda name=name: seen.append(name))  # type: ignore[misc]
    clock.step(1.5)
    assert seen == ["a"]
    clock.step(0.5)
    assert seen == ["a", "b", "c"]
    assert clock.until_next() is None


def test_wish_to_look_again_replaces_the_one_before() -> None:
    """Later, earlier, or not at all; a past time is in a second."""
    clock, queue, seen = _queue()
    start = clock.now()
    queue.again(_key("a"), start + timedelta(seconds=5))
    queue.again(_key("a"), start + timedelta(seconds=9))
    clock.step(6)
    assert seen == []
    clock.step(3)
    assert seen == ["a"]
    queue.again(_key("a"), start)
    clock.step(0.9)
    assert seen == ["a"]
    clock.step(0.2)
    assert seen == ["a", "a"]
    queue.again(_key("a"), clock.now() + timedelta(seconds=5))
    queue.again(_key("a"), None)
    assert clock.until_next() is None


def test_closed_queue_calls_nothing() -> None:
    """Neither what waits nor what is due."""
    clock, queue, seen = _queue()
    queue.add(_key("a"))
    queue.again(_key("b"), clock.now() + timedelta(seconds=1))
    queue.close()
    clock.step(5)
    queue.add(_key("c"))
    clock.step(5)
    assert seen == []

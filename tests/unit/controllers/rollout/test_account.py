"""What the targets of a wave delete together."""

from __future__ import annotations

from controllers.rollout.account import Account


def test_what_others_took_or_recorded_counts_once() -> None:
    """The records know of a target what the process forgot, and the process what is not recorded yet."""
    reserved = {"b": 2, "c": 5}
    account = Account("a", reserved, lambda: {"a": 7, "b": 3, "d": 1})
    assert account.elsewhere() == 3 + 5 + 1


def test_what_was_taken_stays_taken() -> None:
    """A second look finds fewer objects to delete, because the first ones are gone."""
    reserved: dict[str, int] = {}
    one, other = Account("a", reserved), Account("b", reserved)
    one.reserve(4)
    one.reserve(1)
    assert other.elsewhere() == 4
    assert one.elsewhere() == 0

"""What a rollout deletes on the targets of a wave, so that all of them together keep within one budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Account:
    """One target's view of its wave.

    `reserved` is shared by all targets of the wave and lasts as long as the process; `recorded` gives what
    the records say, so that a restart forgets nothing. Used from the event loop only: between `elsewhere`
    and `reserve` nobody else's turn comes as long as nothing is awaited.
    """

    target: str = ""
    reserved: dict[str, int] = field(default_factory=dict)
    recorded: Callable[[], Mapping[str, int]] = dict

    def elsewhere(self) -> int:
        """How many objects are deleted, or about to be, on the wave's other targets."""
        recorded = self.recorded()
        names = {*self.reserved, *recorded} - {self.target}
        return sum(max(self.reserved.get(name, 0), recorded.get(name, 0)) for name in names)

    def reserve(self, deleting: int) -> None:
        """Take so many for this target; what it took before and has deleted by now stays taken."""
        self.reserved[self.target] = max(self.reserved.get(self.target, 0), deleting)

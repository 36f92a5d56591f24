"""What one metadata event says about an object that left Git and is held back."""

from __future__ import annotations

from gitops.drift.verdict import Sight
from gitops.inventory import PRUNE, Entry


def released(entry: Entry, sight: Sight | None, applyset: str) -> str:
    """What may end that an object is held back, a clause for people; "" where nothing does.

    None is an object that is not there. What is decided about it then is the next plan's.
    """
    if sight is None:
        return "it is not there any more"
    if sight.part_of != applyset:
        return "it does not carry the label of this application"
    if sight.prune:
        return f"its annotation {PRUNE} is {sight.prune}"
    if sight.uid != entry.uid:
        return "it is another object of the same name"
    return ""

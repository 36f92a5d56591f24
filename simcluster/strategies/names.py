"""Names that the server makes up: the suffix of generateName, as apimachinery's util/rand has it."""

from __future__ import annotations

from typing import Protocol

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: no words by accident
_LENGTH = 5
_LONGEST = 63 - _LENGTH


class Chance(Protocol):
    """The part of `random.Random` that is used."""

    def randrange(self, start: int, stop: int) -> int:
        """Return start <= n < stop."""
        ...


def suffix(chance: Chance) -> str:
    """Return five random letters and digits."""
    return "".join(_LETTERS[chance.randrange(0, len(_LETTERS))] for _ in range(_LENGTH))


def generated(prefix: str, chance: Chance) -> str:
    """Return a name for metadata.generateName; a long prefix is cut so that the name is a DNS label."""
    return prefix[:_LONGEST] + suffix(chance)

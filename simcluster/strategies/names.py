"""Names that the server makes up: the suffix of generateName, as apimachinery's util/rand has it."""

from __future__ import annotations

from random import Random

LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: no words by accident
_LENGTH = 5
_LONGEST = 63 - _LENGTH


def suffix(chance: Random) -> str:
    """Return five random letters and digits."""
    return "".join(chance.choices(LETTERS, k=_LENGTH))


def generated(prefix: str, chance: Random) -> str:
    """Return a name for metadata.generateName; a long prefix is cut so that the name is a DNS label."""
    return prefix[:_LONGEST] + suffix(chance)

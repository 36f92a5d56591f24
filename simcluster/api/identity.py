"""What the server makes up: uids and random suffixes, from a generator with a seed, so that runs repeat."""

from __future__ import annotations

import random
import uuid

# No vowels and nothing that looks like another character (apimachinery's util/rand).
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
# generateName's prefix is cut so that the whole is a DNS label (apiserver's storage/names).
_LONGEST_PREFIX = 63 - _SUFFIX_LENGTH


def new_uid(chance: random.Random) -> str:
    """Return a random UUID (version 4)."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def suffix(chance: random.Random, length: int = _SUFFIX_LENGTH) -> str:
    """Return a random suffix such as `x7k2p`."""
    return "".join(chance.choices(_SUFFIX_ALPHABET, k=length))


def generated_name(prefix: str, chance: random.Random) -> str:
    """Return a name for `generateName`."""
    return prefix[:_LONGEST_PREFIX] + suffix(chance)
